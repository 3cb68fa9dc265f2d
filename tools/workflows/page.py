"""A workflow as ComfyUI's page saves it (UI format, version 0.4): nodes on a grid of cells, links and groups.

Each group, and each node outside them, is a block whose columns and rows are as wide and high as they need. Blocks that
share columns of the grid stand above one another, in the order of their rows; others stand left to right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ...runner.core_nodes import all_titles, known_nodes
from ...runner.formats import parse_workflow
from ...runner.graph import Graph
from ...runner.sockets import Socket, compatible, sockets
from .wires import Wires

Cell = tuple[int, int]
"""Column and row, from the top left."""
Point = tuple[int, int]
Json = dict[str, Any]
BLUE, GREEN, OCHRE, RED, VIOLET = "#3f789e", "#6a8f5a", "#b58b2a", "#a0564a", "#7a5c99"
NOTE, NOTE_COLOURS = "MarkdownNote", {"color": "#432", "bgcolor": "#653"}
OPTIONAL_SHAPE = 7
"""How the page draws, and writes down, the socket of an optional input."""

# All in the page's pixels.
TITLE, SLOT, WIDGET, TEXT_WIDGET = 30, 20, 24, 150
"""Heights of a node's title (which stands above its position), of a socket's line, of a widget, of a text widget."""
FRAME, TALLER_WIDGET, BADGE = 42, 28, 24
"""Of Vue nodes, which the page draws if so set: what they have beside slots and widgets; a widget's height there. Above
the others stands the pack's badge."""
GAP_X, GAP_Y, BLOCK_GAP = 40, 10, 16
"""Free space between nodes, whichever way they are drawn; and between blocks in a stack."""
PADDING, HEADING, FONT = 20, 46, 18
"""A group's space around its nodes; above them for its title, in letters of this size, and for the pack's badges."""
NOTE_LINE, NOTE_LETTERS = 15, 46
"""Height of a line in a note, and how many letters it holds."""
WIDTH, NOTE_WIDTH, COLLAPSED_WIDTH = 240, 280, 150
SHOWN = {"SaveImage": (400, 440), "PreviewImage": (400, 440), "SaveVideo": (400, 360)}
"""Sizes of the nodes that show a result."""
WIDTHS = {"BrushworkStyleBankMix": 280, "BrushworkMixStyles": 210}
THUMBNAIL_HEIGHTS = {
    "BrushworkSamplePicture": 88,
    "BrushworkPaintedStyle": 52,
    "BrushworkStyleBankFilter": 88,
    "BrushworkStyleBankMix": 52,
}
"""Of the pictures on nodes that choose samples or styles (`web/js/thumbnails.js`)."""
PREVIEW_HEIGHTS = {"BrushworkLearnStyle": 220}
"""Of the picture that a node shows while it runs."""
ROOM: dict[str, int] = dict.fromkeys(("BrushworkStyleTransfer", "BrushworkPaintedStyle", "BrushworkStylizeLarge"), 220)
ROOM |= {"BrushworkHoldStill": 80}
"""That is kept free below nodes which show a picture, or a remark, only where they take long, or have one to make."""
VIEW_CORNER, VIEW_SIZE = (60, 88), (1470, 730)
"""Where the view of a graph begins, and its size, so that the page's bars leave it free in a window of 1600 x 900."""


@dataclass(eq=False)
class Node:
    """One node: its id, its kind, where it stands, and its inputs: values, or the outputs that they read."""

    id: int
    kind: str
    cell: Cell
    title: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    collapsed: bool = False
    """Drawn as its title alone, where there is nothing to set."""
    models: list[dict[str, str]] = field(default_factory=list)
    """Files that the node needs and the page may offer to download: name, address, and folder under models/."""

    @property
    def declared(self) -> dict[str, Socket]:
        """The inputs in the order in which the page has them: sockets first, then those with a widget."""
        if self.kind == NOTE:
            return {}
        return dict(sorted(sockets(known_nodes()[self.kind]).items(), key=lambda item: item[1].widget))

    @property
    def outputs(self) -> list[tuple[str, str]]:
        """Name and type of each output."""
        node = known_nodes().get(self.kind)
        types = getattr(node, "RETURN_TYPES", ())
        return list(zip(getattr(node, "RETURN_NAMES", types), types, strict=True))

    def output(self, name: str) -> Output:
        """One of several outputs, to be read by another node; ValueError where there is none of that name."""
        names = [output for output, _ in self.outputs]
        if name not in names:
            raise ValueError(f"{self.kind} has no output '{name}': the outputs are {', '.join(names)}.")
        return Output(self, names.index(name))

    @property
    def size(self) -> Point:
        """Width and height without the title."""
        if self.kind == NOTE:
            lines = sum(max(1, math.ceil(len(line) / NOTE_LETTERS)) for line in self.text.splitlines())
            return NOTE_WIDTH, 60 + lines * NOTE_LINE
        if self.kind in SHOWN:
            return SHOWN[self.kind]
        widgets = sum(1 + socket.control for socket in self.declared.values() if socket.widget)
        height = self._fixed + widgets * WIDGET + (14 if widgets else 6)
        return WIDTHS.get(self.kind, WIDTH), height

    @property
    def breadth(self) -> int:
        """The width that is drawn."""
        return COLLAPSED_WIDTH if self.collapsed else self.size[0]

    @property
    def reach(self) -> int:
        """What lies below the title at most, with the gap that badges need: Vue nodes are taller."""
        if self.kind == NOTE or self.kind in SHOWN:
            return self.size[1]
        if self.collapsed:
            return BADGE - GAP_Y
        taller = self._fixed + sum(socket.widget for socket in self.declared.values()) * TALLER_WIDGET + FRAME
        return max(self.size[1] + BADGE - GAP_Y, taller) + ROOM.get(self.kind, 0)

    def socket(self, place: Point, slot: int, out: bool = False) -> tuple[float, float]:
        """Where the page draws the wire of an input or an output of the node at a place."""
        sides = [socket.widget for socket in self.declared.values()]
        if self.collapsed:
            return place[0] + (self.breadth if out else 0), place[1] - TITLE / 2
        if not out and sides[slot]:
            above = max(len(self.outputs), sides.count(False)) * SLOT
            return place[0], place[1] + above + (sum(sides[:slot]) + 0.5) * WIDGET
        return place[0] + (self.size[0] if out else 0), place[1] + (slot + 0.7) * SLOT

    @property
    def _fixed(self) -> int:
        """The height of slots, texts and pictures."""
        inputs = self.declared.values()
        texts = sum(bool(socket.options.get("multiline")) for socket in inputs)
        slots = max(len(self.outputs), sum(not socket.widget for socket in inputs))
        pictures = THUMBNAIL_HEIGHTS.get(self.kind, 0) + PREVIEW_HEIGHTS.get(self.kind, 0)
        return slots * SLOT + texts * TEXT_WIDGET + pictures


@dataclass(frozen=True)
class Output:
    """An output of a node."""

    node: Node
    slot: int

    @property
    def type(self) -> str:
        """What comes out, or "" where there is no such output."""
        outputs = self.node.outputs
        return outputs[self.slot][1] if self.slot < len(outputs) else ""


@dataclass(eq=False)
class Block:
    """Nodes that lie together: those of a group, with its frame and title, or one without."""

    nodes: list[Node] = field(default_factory=list)
    title: str = ""
    colour: str = ""

    @property
    def columns(self) -> tuple[int, int]:
        """The first and the last of the grid's columns that it takes."""
        columns = [node.cell[0] for node in self.nodes]
        return min(columns), max(columns)

    def places(self) -> dict[int, Point]:
        """Where each node lies, by id, from the block's own corner."""
        left, top = (PADDING, HEADING + TITLE) if self.title else (0, TITLE)
        lefts = _starts(((node.cell[0], node.breadth) for node in self.nodes), left, GAP_X)
        tops = _starts(((node.cell[1], node.reach) for node in self.nodes), top, GAP_Y + TITLE)
        return {node.id: (lefts[node.cell[0]], tops[node.cell[1]]) for node in self.nodes}

    def size(self) -> Point:
        places, rim = self.places(), PADDING if self.title else 0
        width = max(places[node.id][0] + node.breadth for node in self.nodes)
        height = max(places[node.id][1] + node.reach for node in self.nodes)
        return width + rim, height + rim


class Page:
    """A workflow that is being drawn, by the name of its file; inputs are checked against the node classes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.groups: list[Block] = []
        self._open: Block | None = None

    def add(self, kind: str, cell: Cell, title: str = "", **inputs: Any) -> Node:  # noqa: ANN401
        """A node at a cell; an input is a constant, the node whose first output it reads, or an output.

        ValueError where the node has no such input, or the input takes no such value.
        """
        node = Node(len(self.nodes) + 1, kind, cell, title)
        declared = node.declared
        for name, value in inputs.items():
            if name not in declared:
                raise ValueError(f"there is no input '{name}': the inputs are {', '.join(declared)}.")
            source = Output(value, 0) if isinstance(value, Node) else value
            if not isinstance(source, Output):
                source = declared[name].accept(value)
            elif not source.type or not compatible(source.type, declared[name].type):
                raise ValueError(f"'{name}' takes {declared[name].type}, which {source.node.kind} does not give.")
            node.inputs[name] = source
        self._place(node)
        return node

    def note(self, *paragraphs: str) -> None:
        """What the workflow shows and what to play with, at the top left, above where it starts."""
        self._place(Node(len(self.nodes) + 1, NOTE, (1, -1), "What this shows", text="\n\n".join(paragraphs)))

    @contextmanager
    def group(self, title: str, colour: str) -> Iterator[None]:
        """A frame around the nodes that are added inside."""
        self._open = Block([], title, colour)
        self.groups.append(self._open)
        yield
        self._open = None

    def _place(self, node: Node) -> None:
        self.nodes.append(node)
        if self._open is not None:
            self._open.nodes.append(node)

    def positions(self) -> dict[int, Point]:
        """The top left corner of every node below its title, by id."""
        grouped = {node.id for group in self.groups for node in group.nodes}
        blocks = [*self.groups, *(Block([node]) for node in self.nodes if node.id not in grouped)]
        stacks: list[list[Block]] = []
        last = -1
        for block in sorted(blocks, key=lambda block: block.columns):
            if block.columns[0] > last:
                stacks.append([])
            stacks[-1].append(block)
            last = max(last, block.columns[1])
        places: dict[int, Point] = {}
        left = 0
        for stack in stacks:
            top = 0
            for block in sorted(stack, key=lambda block: min(node.cell[1] for node in block.nodes)):
                places |= {key: (left + x, top + y) for key, (x, y) in block.places().items()}
                top += block.size()[1] + BLOCK_GAP
            left += max(block.size()[0] for block in stack) + GAP_X
        return places

    def graph(self) -> Graph:
        """The graph to run, as it is read from the file."""
        return parse_workflow(self.to_json(), known_nodes(), all_titles(), self.name)

    def to_json(self) -> Json:
        """The file's content; the name gives it an id that stays the same."""
        places = self.positions()
        ends = [
            [source.node.id, source.slot, node.id, slot, source.type]
            for node in self.nodes
            for slot, name in enumerate(node.declared)
            if isinstance(source := node.inputs.get(name), Output)
        ]
        links = [[index + 1, *end] for index, end in enumerate(ends)]
        reroutes = self._reroutes(links, places)
        left, top, width, height = _bounds(self.nodes, places)
        scale = round(min(1.0, VIEW_SIZE[0] / (width + PADDING), VIEW_SIZE[1] / (height + PADDING)), 3)
        offset = [round(VIEW_CORNER[0] / scale - left), round(VIEW_CORNER[1] / scale - top)]
        return {
            "id": str(uuid5(NAMESPACE_URL, f"brushwork/{self.name}")),
            "revision": 0,
            "last_node_id": len(self.nodes),
            "last_link_id": len(links),
            "nodes": [_node(node, places[node.id], links) for node in self.nodes],
            "links": links,
            "groups": [_group(index + 1, group, places) for index, group in enumerate(self.groups)],
            "config": {},
            "extra": {"ds": {"scale": scale, "offset": offset}, "brushwork": self.name} | reroutes,
            "version": 0.4,
        }

    def _reroutes(self, links: Sequence[Sequence[Any]], places: dict[int, Point]) -> Json:
        """Points that lead wires around nodes, as the page writes them down; wires of one output share them."""
        nodes = {node.id: node for node in self.nodes}
        titles = [tuple(_group(0, group, places)["bounding"]) for group in self.groups]
        titles = [(left, top, left + width, top + FONT + 6) for left, top, width, _ in titles]
        wires = Wires([self._box(node, places[node.id]) for node in self.nodes], titles)
        points: dict[tuple[Any, ...], Json] = {}
        ends: list[Json] = []
        for link, origin, out, target, slot, _ in links:
            start = nodes[origin].socket(places[origin], out, out=True)
            way = wires.way((origin, out), start, nodes[target].socket(places[target], slot))
            last: Json = {}
            for spot in way:
                key = (origin, out, spot, last.get("id"))
                point = points.setdefault(key, {"id": len(points) + 1, "pos": list(map(round, spot)), "linkIds": []})
                point |= {"parentId": last["id"]} if last else {}
                point["linkIds"].append(link)
                last = point
            if last:
                ends.append({"id": link, "parentId": last["id"]})
        return {"reroutes": [*points.values()], "linkExtensions": ends} if ends else {}

    @staticmethod
    def _box(node: Node, place: Point) -> tuple[float, float, float, float]:
        """A node with its title, without what is kept free below it."""
        height = 0 if node.collapsed else node.reach - ROOM.get(node.kind, 0)
        return place[0], place[1] - TITLE, place[0] + node.breadth, place[1] + height


def _node(node: Node, place: Point, links: Sequence[Sequence[Any]]) -> Json:
    """A node; a link is its id, from node, from slot, to node, to slot, type."""
    arriving = {slot: link for link, _, _, target, slot, _ in links if target == node.id}
    inputs: list[Json] = []
    for slot, (name, socket) in enumerate(node.declared.items()):
        entry: Json = {"name": name, "type": socket.type}
        if not socket.required:
            entry["shape"] = OPTIONAL_SHAPE
        if socket.widget:
            entry["widget"] = {"name": name}
        inputs.append(entry | {"link": arriving.get(slot)})
    leaving = [(link, slot) for link, source, slot, *_ in links if source == node.id]
    properties: Json = {} if node.kind == NOTE else {"Node name for S&R": node.kind}
    values: list[Any] = [node.text] if node.kind == NOTE else []
    for name, socket in ({} if node.kind == NOTE else sockets(known_nodes()[node.kind])).items():
        if socket.widget:
            given = node.inputs.get(name, socket.default)
            values.append(socket.default if isinstance(given, Output) else given)
        if socket.control:
            values.append("fixed")
    entry = {
        "id": node.id,
        "type": node.kind,
        "pos": list(place),
        "size": list(node.size),
        "flags": {"collapsed": True} if node.collapsed else {},
        "order": node.id - 1,  # a node reads only those that were there before it
        "mode": 0,
        "inputs": inputs,
        "outputs": [
            {"name": name, "type": kind, "slot_index": slot, "links": [link for link, of in leaving if of == slot]}
            for slot, (name, kind) in enumerate(node.outputs)
        ],
        "properties": properties | ({"models": node.models} if node.models else {}),
        "widgets_values": values,
    }
    return entry | ({"title": node.title} if node.title else {}) | (NOTE_COLOURS if node.kind == NOTE else {})


def _group(index: int, group: Block, places: dict[int, Point]) -> Json:
    left, top, width, height = _bounds(group.nodes, places)
    return {
        "id": index,
        "title": group.title,
        "bounding": [left - PADDING, top - HEADING, width + 2 * PADDING, height + HEADING + PADDING],
        "color": group.colour,
        "font_size": FONT,
        "flags": {},
    }


def _bounds(nodes: Sequence[Node], places: dict[int, Point]) -> tuple[int, int, int, int]:
    """Left, top, width and height of nodes with their titles."""
    left, top = (min(places[node.id][axis] for node in nodes) for axis in (0, 1))
    right = max(places[node.id][0] + node.breadth for node in nodes)
    bottom = max(places[node.id][1] + node.reach for node in nodes)
    return left, top - TITLE, right - left, bottom - top + TITLE


def _starts(extents: Iterable[tuple[int, int]], first: int, gap: int) -> dict[int, int]:
    """Where each column (or row) begins, of (column, width of a node there)."""
    largest: dict[int, int] = {}
    for line, extent in extents:
        largest[line] = max(extent, largest.get(line, 0))
    lines = sorted(largest)
    return dict(zip(lines, accumulate((largest[line] + gap for line in lines), initial=first), strict=False))
