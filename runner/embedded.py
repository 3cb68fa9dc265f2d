"""Workflows inside of other files: ComfyUI writes them into all that it saves."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from warnings import catch_warnings, simplefilter

from .graph import WorkflowError

FIELDS = ("workflow", "prompt")  # in the UI format, which wins as on the page, and in the API's
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"RIFF": "exif",
    b"\xff\xd8\xff": "exif",
    b"\x1aE\xdf\xa3": "media",
    b"fLaC": "media",
    b"ID3": "media",
    b"OggS": "media",
}
MOST_BYTES = 1 << 26
"""Of one text, which may be compressed."""


def carrier(head: bytes, suffix: str) -> str:
    """What kind of file that may carry a workflow begins so, or ""."""
    if head[4:8] == b"ftyp":
        return "exif" if head[8:11] in (b"avi", b"mif", b"hei") else "media"
    if suffix.lower() in (".safetensors", ".latent"):
        return "safetensors"
    return next((kind for signature, kind in SIGNATURES.items() if head.startswith(signature)), "")


def embedded_workflow(path: Path, kind: str) -> str:
    """The JSON of the workflow in a file of this kind; WorkflowError where it has none."""
    try:
        found = {name.lower(): text for name, text in _texts(path, kind)}
    except ImportError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise WorkflowError(f"{path} cannot be read as a file with a workflow inside: {error}") from error
    for field in FIELDS:
        if found.get(field):
            return found[field]
    raise WorkflowError(f"{path} has no workflow inside: take the file as ComfyUI saved it, or a workflow's JSON")


def _texts(path: Path, kind: str) -> Iterator[tuple[str, str]]:
    """The named texts in a file."""
    if kind == "png":
        yield from _png_texts(path.read_bytes())
    elif kind == "safetensors":
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, MOST_BYTES)))
        yield from ((name, str(text)) for name, text in header.get("__metadata__", {}).items())
    elif kind == "media":
        import av

        with av.open(str(path), metadata_errors="replace") as container:
            for part in (*container.streams, container):
                yield from part.metadata.items()
    else:  # "workflow:{...}" as the text of any tag
        from PIL import Image

        with catch_warnings():
            simplefilter("ignore")  # of damaged tags
            with Image.open(path) as picture:
                tags = list(picture.getexif().values())
        for value in tags:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if isinstance(text, str):
                name, _, text = text.partition(":")
                yield name, text


def _png_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """The text chunks of a PNG; Pillow reads neither those of animations (`comf`) nor long ones that are compressed."""
    at = 8
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        name, _, text = data[at + 8 : at + 8 + size].partition(b"\0")
        at += 12 + size
        compressed = kind == b"zTXt"
        if kind == b"iTXt":
            compressed, (_, _, text) = text[:1] == b"\1", text[2:].split(b"\0", 2)
        elif compressed:
            text = text[1:]
        elif kind not in (b"tEXt", b"comf"):
            continue
        if compressed:
            text = zlib.decompressobj().decompress(text, MOST_BYTES)
        yield name.decode("latin-1"), text.decode("utf-8", "replace")
