"""The UI format: a workflow as ComfyUI's page draws it, turned into what the page would queue.

Notes and muted nodes leave no trace. Links are followed through reroutes, Set and Get, primitives, bypassed nodes and
the walls of subgraphs, whose nodes have ids like 5:3 (node 3 inside of node 5), as on the page.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .graph import Graph, Link, Node, WorkflowError
from .groups import BYPASSED, ENTRANCE, EXIT, MUTED, PRIMITIVE, Json, without_groups
from .sockets import compatible, sockets, widget_values

MOST_NODES = 20_000  # subgraphs inside of subgraphs multiply
VARIABLE = re.compile(r"(?:^|\W)(set|get) ?node$", re.IGNORECASE)
"""How several packs call the two nodes that hand a link on by name."""
RGTHREE = (
    *("Bookmark", "Label", "Fast Muter", "Fast Bypasser", "Fast Groups Muter", "Fast Groups Bypasser"),
    *("Fast Actions Button", "Mute / Bypass Relay", "Mute / Bypass Repeater", "Node Collector", "Random Unmuter"),
)
PAGE_ONLY = ("Note", "MarkdownNote", PRIMITIVE, *(f"{name} (rgthree)" for name in RGTHREE))
"""Kinds that the page keeps to itself. Those of packs that have no link at all need no entry."""


@dataclass(frozen=True)
class Level:
    """The nodes of one canvas: the workflow's own, or the inside of one subgraph node."""

    path: str  # the ids of the subgraph nodes around it, each with a colon
    data: Json
    nodes: Mapping[str, Json]  # by id
    origins: Mapping[str, tuple[str, int]]  # by a link's id the node and output that it comes from
    ends: Mapping[tuple[str, int], str]  # by node and input the id of the link that ends there
    outer: "Level | None" = None
    host: Json = field(default_factory=dict)  # the subgraph node, which lies in `outer`
    inside: dict[str, "Level"] = field(default_factory=dict)  # by id what is inside of its own subgraph nodes
    fields: dict[str, tuple[Any] | None] = field(default_factory=dict)  # by input those that `host` shows as fields
    setters: dict[object, Json] = field(default_factory=dict)  # its Set nodes by the name that they set

    @property
    def outwards(self) -> Iterator["Level"]:
        """This level and those around it, from the inside."""
        level: Level | None = self
        while level is not None:
            yield level
            level = level.outer


def read_page(data: Json, classes: Mapping[str, type], titles: Mapping[str, str]) -> Graph:
    """The graph of a UI-format workflow, as the page itself would queue it.

    The node classes tell which values belong to which inputs; `titles` names the nodes that the person has not named.
    WorkflowError where links or subgraphs form a circle; data that is not of this format raises whatever comes of it.
    """
    data = without_groups(data, classes)
    definitions = {entry["id"]: entry for entry in _definitions(data)}
    running: dict[str, Node] = {}
    for level in _levels(data, definitions, classes):
        origins = {origin for origin, _ in level.origins.values()}
        for node_id, node in level.nodes.items():
            kind = node["type"]
            if node.get("mode") in (MUTED, BYPASSED) or kind in PAGE_ONLY or kind in definitions:
                continue
            inlets = node.get("inputs") or []
            linked = node_id in origins or any(inlet.get("link") is not None for inlet in inlets)
            if kind not in classes and (_passes(kind) or not linked):
                continue  # a label, say
            inputs = widget_values(node.get("widgets_values"), classes[kind]) if kind in classes else {}
            for inlet in inlets:
                found = _source(level, inlet, classes)
                if found is not None:
                    inputs[str((inlet.get("widget") or inlet)["name"])] = found if isinstance(found, Link) else found[0]
            alias = str((node.get("properties") or {}).get("Node name for S&R") or "")
            title = str(node.get("title") or titles.get(kind, ""))
            running[level.path + node_id] = Node(kind, inputs, title, "" if alias == kind else alias)
    return Graph(running)


def _definitions(data: Json) -> Iterator[Json]:
    """All subgraphs, also those that are defined inside of others."""
    for entry in (data.get("definitions") or {}).get("subgraphs") or []:
        yield entry
        yield from _definitions(entry)


def _levels(data: Json, definitions: Mapping[str, Json], classes: Mapping[str, type]) -> list[Level]:
    """The canvas and the inside of every subgraph node that runs, a copy for each."""
    levels, count = [_level("", data)], 0
    for level in levels:  # which grows meanwhile
        count += len(level.nodes)
        if count > MOST_NODES:
            raise WorkflowError(f"this workflow has more than {MOST_NODES} nodes: cut it into several")
        for node_id, node in level.nodes.items():
            if (found := VARIABLE.search(node["type"])) and found[1].lower() == "set":
                level.setters.setdefault(next(iter(_saved(node)), None), node)
            if node["type"] not in definitions or node.get("mode") in (MUTED, BYPASSED):
                continue
            definition = definitions[node["type"]]
            if any(around.data is definition for around in level.outwards):
                name = definition.get("name") or definition["id"]
                raise WorkflowError(f"the subgraph '{name}' is inside of itself: remove it there")
            level.inside[node_id] = _level(f"{level.path}{node_id}:", definition, level, node)
            levels.append(level.inside[node_id])
    for level in levels[:0:-1]:
        level.fields.update(_fields(level, classes))
    return levels


def _level(path: str, data: Json, outer: Level | None = None, host: Json | None = None) -> Level:
    origins: dict[str, tuple[str, int]] = {}
    ends: dict[tuple[str, int], str] = {}
    for link in filter(None, data.get("links") or []):
        keys: Any = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
        keys = keys if isinstance(link, dict) else range(5)  # an object in newer files and in subgraphs, else a list
        link_id, origin, slot, target, target_slot = (link[key] for key in keys)
        origins[str(link_id)] = str(origin), int(slot)
        ends.setdefault((str(target), int(target_slot)), str(link_id))
    nodes = {str(node["id"]): node for node in data.get("nodes") or []}
    return Level(path, data, nodes, origins, ends, outer, host or {})


def _source(level: Level, inlet: Json, classes: Mapping[str, type]) -> Link | tuple[Any] | None:
    """What a link brings to an input, seen through all that the page keeps to itself.

    The value of a field is a tuple of one; None is nothing, as if there were no link.
    """
    wanted = inlet.get("type")
    passed: dict[tuple[str, int], None] = {}
    while str(inlet.get("link")) in level.origins:
        origin, slot = level.origins[str(inlet.get("link"))]
        if level.outer is not None and origin == ENTRANCE:
            name = level.data["inputs"][slot]["name"]
            shown = level.fields.get(name)
            inlet = next((each for each in level.host.get("inputs") or [] if each["name"] == name), {})
            level, wanted = level.outer, inlet.get("type")
            if inlet.get("link") is None:
                return shown
            continue
        node = level.nodes.get(origin)
        if node is None or node.get("mode") == MUTED:
            return None
        if (level.path + origin, slot) in passed:
            names = ", ".join(dict.fromkeys(name for name, _ in passed))
            raise WorkflowError(f"nodes {names} form a circle of links: remove one of the links")
        passed[level.path + origin, slot] = None
        kind, inlets = node["type"], node.get("inputs") or []
        opposite = inlets[slot] if 0 <= slot < len(inlets) else inlets[0] if inlets else {}
        if node.get("mode") == BYPASSED:
            inlet = _bypassed(node, slot, wanted, opposite)
            wanted = inlet.get("type")
        elif origin in level.inside:
            level = level.inside[origin]
            inlet = {"link": level.ends.get((EXIT, slot))}
        elif kind == PRIMITIVE:
            return next(((value,) for value in _saved(node)), None)
        elif kind in classes or not _passes(kind):
            return Link(level.path + origin, slot)
        elif (found := VARIABLE.search(kind)) and found[1].lower() == "get":
            name = next(iter(_saved(node)), None)
            level = next((around for around in level.outwards if name in around.setters), level)
            inlet = next(iter(level.setters.get(name, {}).get("inputs") or []), {})
        else:
            inlet = opposite
    return None


def _bypassed(node: Json, slot: int, wanted: object, opposite: Json) -> Json:
    """The input that a bypassed node hands on: the one opposite the output, else the first of the wanted type."""
    inlets, outlets = node.get("inputs") or [], node.get("outputs") or []
    given = outlets[slot].get("type") if 0 <= slot < len(outlets) else wanted

    def fits(inlet: Json) -> bool:
        kind = str(inlet.get("type") or "*")
        return compatible(kind, str(given or "*")) and compatible(kind, str(wanted or "*"))

    if wanted in ("*", "", None) or (opposite in inlets[slot : slot + 1] and fits(opposite)):
        return opposite
    exact = (inlet for inlet in inlets if inlet.get("type") == wanted)
    return next(exact, None) or next(filter(fits, inlets), {})


def _fields(level: Level, classes: Mapping[str, type]) -> dict[str, tuple[Any] | None]:
    """The inputs of a subgraph node that are fields, in their order, and the values that the node has for them.

    None where it has none, so that the nodes inside keep their own. An input is a field if its first end inside is one.
    """
    first: dict[int, tuple[str, int]] = {}
    for end, link_id in level.ends.items():
        origin, slot = level.origins[link_id]
        if origin == ENTRANCE and end[0] in level.nodes:
            first.setdefault(slot, end)
    names: list[str] = []
    for slot, (target, target_slot) in sorted(first.items()):
        node = level.nodes[target]
        inlet = (node.get("inputs") or [])[target_slot]
        declared = sockets(classes[node["type"]]).get(inlet["name"]) if node["type"] in classes else None
        shown = target in level.inside and inlet["name"] in level.inside[target].fields
        if shown or inlet.get("widget") or (declared is not None and declared.widget):
            names.append(level.data["inputs"][slot]["name"])
    saved = level.host.get("widgets_values") or []
    proxies = (level.host.get("properties") or {}).get("proxyWidgets")
    if isinstance(saved, dict):
        values = saved
    elif proxies:  # those of another owner than -1 show fields of the nodes inside, which have their values
        values = {name: value for (owner, name, *_), value in zip(proxies, saved, strict=False) if str(owner) == "-1"}
    else:
        values = dict(zip(names, saved, strict=False))
    return {name: None if values.get(name) is None else (values[name],) for name in names}


def _passes(kind: str) -> bool:
    """Whether a node, unknown here, is one of the page's own that hands its input on: a reroute, a Set or a Get."""
    return "reroute" in kind.lower() or VARIABLE.search(kind) is not None


def _saved(node: Json) -> list[Any]:
    values = node.get("widgets_values") or []
    return list(values.values() if isinstance(values, dict) else values)
