"""File prefixes of Save Image: what stands between per cent signs is filled in, and what is left is a legal name."""

import re
from datetime import datetime
from pathlib import Path, PureWindowsPath
from typing import Any
from zlib import crc32

from .graph import Graph, Link, Node

PREFIX = "filename_prefix"
TOKEN = re.compile(r"%([^%]+)%")
DATE = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyy?y?")
ILLEGAL = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f\ud800-\udfff]')
"""No character of a file name on one system or another."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""No folder on Windows."""
LONGEST = 200
"""Bytes of one name, which a number is still put to; file systems take 255."""


def filled(graph: Graph, now: datetime) -> Graph:
    """The graph with what ComfyUI's page fills in: `%date:yyyy-MM-dd%`, and `%Node.input%` with a node's constant.

    A node goes by its name for this purpose, its title or its kind; what is not to be had stays as it is.
    """
    nodes = dict(graph.nodes)
    for node_id, node in graph.nodes.items():
        prefix = node.inputs.get(PREFIX)
        if isinstance(prefix, str) and "%" in prefix:
            text = TOKEN.sub(lambda token: _page_token(graph, token, now), prefix)
            nodes[node_id] = node.with_inputs(**{PREFIX: text})
    return Graph(nodes)


def _page_token(graph: Graph, token: re.Match[str], now: datetime) -> str:
    if token[1].startswith("date:"):
        parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

        def written(part: re.Match[str]) -> str:
            if part[0][0] == "y":
                return {"yy": f"{now.year % 100:02}", "yyyy": f"{now.year}"}.get(part[0], part[0])
            return str(parts[part[0][0]]).rjust(len(part[0]), "0")

        return DATE.sub(written, token[1].removeprefix("date:"))
    name, dot, field = token[1].partition(".")
    if not dot or "." in field:
        return token[0]
    nodes = list(graph.nodes.values())
    found = [
        *(node for node in nodes if (node.alias or node.kind) == name),
        *(node for node in nodes if node.title == name),
    ]
    value = _constant(graph, found[0], field) if found else None
    return token[0] if value is None else ILLEGAL.sub("_", value)


def _constant(graph: Graph, node: Node, field: str) -> str | None:
    """What an input is set to, by itself or by a node of one value that it is linked to, as the page writes it."""
    value: Any = node.inputs.get(field)
    while isinstance(value, Link):
        source = graph.nodes.get(value.node, node)
        value = source.inputs.get("value") if source.kind.startswith("Primitive") else None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Path):
        return value.name
    return str(value) if isinstance(value, str | int | float) else None


def server_tokens(prefix: str, width: int, height: int, now: datetime) -> str:
    """The prefix with what ComfyUI's server fills in: the picture's size and the time."""
    known = {"width": width, "height": height, "year": now.year}
    known |= {name: f"{getattr(now, name):02}" for name in ("month", "day", "hour", "minute", "second")}
    return TOKEN.sub(lambda token: str(known.get(token[1], token[0])), prefix)


def legal(prefix: str) -> str:
    """The prefix with names that every system takes, and slashes between them.

    What leads out of a folder is left for whoever refuses it.
    """
    if PureWindowsPath(prefix).is_absolute():
        return prefix
    return "/".join(name if name == ".." else legal_name(name) for name in re.split(r"[/\\]", prefix))


def legal_name(name: str) -> str:
    """A name that every system takes for a file or folder: no odd characters, no dot or space at its end, not long."""
    name = fitting(ILLEGAL.sub("_", name))
    bare = name.rstrip(". ")
    return f"{bare}_" if RESERVED.fullmatch(bare) or (name and not bare and name != ".") else bare or name


def fitting(name: str) -> str:
    """The name, or where it is too long its beginning with a checksum of the whole, so that no two become one."""
    whole = name.encode("utf-8", "surrogateescape")
    if len(whole) <= LONGEST:
        return name
    return f"{whole[: LONGEST - 9].decode(errors='ignore')}_{crc32(whole):08x}"
