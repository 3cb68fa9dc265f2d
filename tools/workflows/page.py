"""A canvas as the JSON that ComfyUI's page saves (UI format, version 0.4)."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ...runner.core_nodes import known_nodes
from ...runner.sockets import sockets
from .canvas import NOTE, Box, Canvas, Outlet
from .layout import FONT, Point, frame, positions, size, view

OPTIONAL_SHAPE = 7
"""How the page draws, and writes down, the socket of an optional input."""
NOTE_COLOURS = {"color": "#432", "bgcolor": "#653"}
Json = dict[str, Any]
Links = list[list[Any]]


def to_page(canvas: Canvas, name: str) -> Json:
    """The workflow as saved; `name` gives it an id that stays the same."""
    places, links = positions(canvas), _links(canvas)
    return {
        "id": str(uuid5(NAMESPACE_URL, f"brushwork/{name}")),
        "revision": 0,
        "last_node_id": len(canvas.boxes),
        "last_link_id": len(links),
        "nodes": [_node(box, places[box.id], links) for box in canvas.boxes],
        "links": links,
        "groups": [
            {
                "id": index + 1,
                "title": group.title,
                "bounding": list(frame(group, places)),
                "color": group.colour,
                "font_size": FONT,
                "flags": {},
            }
            for index, group in enumerate(canvas.groups)
        ],
        "config": {},
        "extra": {"ds": view(canvas, places)},
        "version": 0.4,
    }


def _links(canvas: Canvas) -> Links:
    """Id, from node, from slot, to node, to slot, type."""
    ends = [
        [source.box.id, source.slot, box.id, slot, source.type]
        for box in canvas.boxes
        for slot, name in enumerate(box.declared)
        if isinstance(source := box.inputs.get(name), Outlet)
    ]
    return [[index + 1, *end] for index, end in enumerate(ends)]


def _node(box: Box, place: Point, links: Links) -> Json:
    node: Json = {
        "id": box.id,
        "type": box.kind,
        "pos": list(place),
        "size": list(size(box)),
        "flags": {},
        "order": box.id - 1,  # a box reads only boxes that were there before it
        "mode": 0,
        "inputs": _inputs(box, links),
        "outputs": _outputs(box, links),
        "properties": _properties(box),
        "widgets_values": [box.text] if box.kind == NOTE else _widgets(box),
    }
    return node | ({"title": box.title} if box.title else {}) | (NOTE_COLOURS if box.kind == NOTE else {})


def _properties(box: Box) -> Json:
    if box.kind == NOTE:
        return {}
    return {"Node name for S&R": box.kind} | ({"models": box.models} if box.models else {})


def _inputs(box: Box, links: Links) -> list[Json]:
    arriving = {slot: link for link, _, _, target, slot, _ in links if target == box.id}
    inputs = []
    for slot, (name, socket) in enumerate(box.declared.items()):
        entry: Json = {"name": name, "type": socket.type}
        if not socket.required:
            entry["shape"] = OPTIONAL_SHAPE
        if socket.widget:
            entry["widget"] = {"name": name}
        inputs.append(entry | {"link": arriving.get(slot)})
    return inputs


def _outputs(box: Box, links: Links) -> list[Json]:
    leaving = [(link, slot) for link, source, slot, *_ in links if source == box.id]
    return [
        {"name": name, "type": kind, "slot_index": slot, "links": [link for link, of in leaving if of == slot]}
        for slot, (name, kind) in enumerate(box.outputs)
    ]


def _widgets(box: Box) -> list[Any]:
    values: list[Any] = []
    for name, socket in sockets(known_nodes()[box.kind]).items():
        if socket.widget:
            values.append(box.inputs.get(name, socket.default))
        if socket.control:
            values.append("fixed")
    return values
