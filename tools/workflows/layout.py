"""Where boxes and groups of a canvas lie, in the page's pixels.

Each group, and each box outside them, is a block whose columns and rows are as wide and high as they need. Blocks that
share columns of the canvas stand above one another, in the order of their rows; others stand left to right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from .canvas import NOTE, Box, Canvas, Group

TITLE, SLOT, WIDGET = 30, 20, 24
"""Heights of a node's title (which stands above its position), of a socket's line and of a widget's."""
GAP_X, GAP_Y, PART = 40, 32, 16
"""Free space between nodes, enough for the taller ones that the page draws if so set; and between blocks in a stack."""
PADDING, HEADING, FONT = 20, 46, 18
"""A group's space around its nodes; above them for its title, in letters of this size, and for the pack's badges."""
TEXT_HEIGHT, LINE, LETTERS = 150, 15, 46
"""Height of a text widget; of a line in a note, and how many letters it holds."""
WIDTH, NOTE_WIDTH, PICTURE = 240, 280, (400, 440)
WIDE = {"BrushworkStyleBankMix": 280}
THUMBNAILS = {"BrushworkSamplePicture": 88, "BrushworkStyleBankFilter": 88, "BrushworkStyleBankMix": 52}
"""Height of the pictures on nodes that choose samples or styles (`web/js/thumbnails.js`)."""
PREVIEW = {"BrushworkLearnStyle": 220}
"""Height of the picture that a node shows while it runs."""
SHOWS_PICTURE = ("SaveImage", "PreviewImage")
CORNER, ROOM = (60, 88), (1460, 730)
"""Where the view of a graph begins, and its size, so that the page's bars leave it free in a window of 1600 x 900."""
Point = tuple[int, int]
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class Block:
    """Boxes that lie together, in a frame if they are a group."""

    boxes: tuple[Box, ...]
    framed: bool

    @property
    def columns(self) -> tuple[int, int]:
        """The first and the last of the canvas's columns that it takes."""
        columns = [box.cell[0] for box in self.boxes]
        return min(columns), max(columns)

    @property
    def row(self) -> int:
        return min(box.cell[1] for box in self.boxes)

    def places(self) -> dict[int, Point]:
        """Where each box lies, from the block's own corner."""
        left, top = (PADDING, HEADING + TITLE) if self.framed else (0, TITLE)
        lefts = _starts(((box.cell[0], size(box)[0]) for box in self.boxes), left, GAP_X)
        tops = _starts(((box.cell[1], size(box)[1]) for box in self.boxes), top, GAP_Y + TITLE)
        return {box.id: (lefts[box.cell[0]], tops[box.cell[1]]) for box in self.boxes}

    def size(self) -> Point:
        places, rim = self.places(), PADDING * self.framed
        width, height = (max(places[box.id][axis] + size(box)[axis] for box in self.boxes) for axis in (0, 1))
        return width + rim, height + rim


def size(box: Box) -> Point:
    """Width and height of a node without its title."""
    if box.kind == NOTE:
        lines = sum(max(1, math.ceil(len(line) / LETTERS)) for line in box.text.splitlines())
        return NOTE_WIDTH, 60 + lines * LINE
    if box.kind in SHOWS_PICTURE:
        return PICTURE
    inputs = list(box.declared.values())
    widgets = sum(1 + socket.control for socket in inputs if socket.widget)
    texts = sum(bool(socket.options.get("multiline")) for socket in inputs)
    slots = max(len(box.outputs), sum(not socket.widget for socket in inputs))
    height = slots * SLOT + widgets * WIDGET + texts * TEXT_HEIGHT + (14 if widgets else 6)
    return WIDE.get(box.kind, WIDTH), height + THUMBNAILS.get(box.kind, 0) + PREVIEW.get(box.kind, 0)


def positions(canvas: Canvas) -> dict[int, Point]:
    """The top left corner of every box below its title, by id."""
    places: dict[int, Point] = {}
    left = 0
    for stack in _stacks(canvas):
        top = 0
        for block in stack:
            places |= {key: (left + x, top + y) for key, (x, y) in block.places().items()}
            top += block.size()[1] + PART
        left += max(block.size()[0] for block in stack) + GAP_X
    return places


def frame(group: Group, places: dict[int, Point]) -> Rectangle:
    """Left, top, width and height of a group."""
    left, top, width, height = bounds(group.boxes, places)
    return left - PADDING, top - HEADING, width + 2 * PADDING, height + HEADING + PADDING


def bounds(boxes: Iterable[Box], places: dict[int, Point]) -> Rectangle:
    """Left, top, width and height of the nodes with their titles."""
    boxes = list(boxes)
    left, top = (min(places[box.id][axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(places[box.id][axis] + size(box)[axis] for box in boxes) for axis in (0, 1))
    return left, top - TITLE, right - left, bottom - top + TITLE


def view(canvas: Canvas, places: dict[int, Point]) -> dict[str, float | list[float]]:
    """Scale and offset by which the whole graph is seen in the page's window."""
    left, top, width, height = bounds(canvas.boxes, places)
    scale = round(min(1.0, ROOM[0] / (width + PADDING), ROOM[1] / (height + PADDING)), 3)
    return {"scale": scale, "offset": [round(CORNER[0] / scale - left), round(CORNER[1] / scale - top)]}


def _stacks(canvas: Canvas) -> list[list[Block]]:
    """The blocks by shared columns, left to right; in each stack from top to bottom."""
    grouped = {box.id for group in canvas.groups for box in group.boxes}
    blocks = [Block(tuple(group.boxes), True) for group in canvas.groups]
    blocks += [Block((box,), False) for box in canvas.boxes if box.id not in grouped]
    stacks: list[list[Block]] = []
    reach = -1
    for block in sorted(blocks, key=lambda block: block.columns):
        if block.columns[0] > reach:
            stacks.append([])
        stacks[-1].append(block)
        reach = max(reach, block.columns[1])
    return [sorted(stack, key=lambda block: block.row) for stack in stacks]


def _starts(extents: Iterable[tuple[int, int]], first: int, gap: int) -> dict[int, int]:
    """Where each column (or row) begins, of (column, width of a box there)."""
    largest: dict[int, int] = {}
    for line, extent in extents:
        largest[line] = max(extent, largest.get(line, 0))
    lines = sorted(largest)
    return dict(zip(lines, accumulate((largest[line] + gap for line in lines), initial=first), strict=False))
