"""Where boxes and groups of a canvas lie, in the page's pixels: columns and rows as wide and high as they need."""

from __future__ import annotations

import math
from itertools import accumulate

from .canvas import NOTE, Box, Canvas, Group

TITLE, SLOT, WIDGET = 30, 20, 24
"""Heights of a node's title (which stands above its position), of a socket's line and of a widget's."""
GAP_X, GAP_Y = 50, 25
"""Free space between nodes."""
PADDING, HEADING = 20, 45
"""A group's space around its nodes, and above them for its title."""
TEXT_HEIGHT, LINE, LETTERS = 150, 21, 46
"""Height of a text widget; of a line in a note, and how many letters it holds."""
WIDTH, NOTE_WIDTH, PICTURE = 280, 380, (400, 440)
SHOWS_PICTURE = ("SaveImage", "PreviewImage")
Point = tuple[int, int]


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
    return WIDTH, slots * SLOT + widgets * WIDGET + texts * TEXT_HEIGHT + (14 if widgets else 6)


def positions(canvas: Canvas) -> dict[int, Point]:
    """The top left corner of every box below its title, by id."""
    lefts, tops = _lefts(canvas), _tops(canvas)
    return {box.id: (lefts[box.cell[0]], tops[box.cell[1]]) for box in canvas.boxes}


def frame(group: Group, places: dict[int, Point]) -> tuple[int, int, int, int]:
    """Left, top, width and height of a group."""
    left = min(places[box.id][0] for box in group.boxes) - PADDING
    top = min(places[box.id][1] for box in group.boxes) - TITLE - HEADING
    right = max(places[box.id][0] + size(box)[0] for box in group.boxes) + PADDING
    bottom = max(places[box.id][1] + size(box)[1] for box in group.boxes) + PADDING
    return left, top, right - left, bottom - top


def _lefts(canvas: Canvas) -> list[int]:
    columns = range(1 + max(box.cell[0] for box in canvas.boxes))
    widths = [max((size(box)[0] for box in canvas.boxes if box.cell[0] == column), default=0) for column in columns]
    starts = {min(box.cell[0] for box in group.boxes) for group in canvas.groups}
    ends = {max(box.cell[0] for box in group.boxes) for group in canvas.groups}
    steps = [
        width + GAP_X + PADDING * ((column in ends) + (column + 1 in starts))
        for column, width in zip(columns, widths, strict=True)
    ]
    return list(accumulate(steps, initial=0))


def _tops(canvas: Canvas) -> list[int]:
    rows = range(max(box.cell[1] + box.rows for box in canvas.boxes))
    starts = {min(box.cell[1] for box in group.boxes) for group in canvas.groups}
    ends = {max(box.cell[1] + box.rows for box in group.boxes) for group in canvas.groups}
    spaces = [TITLE + GAP_Y + PADDING * (row + 1 in ends) + HEADING * (row + 1 in starts) for row in rows]
    heights = [0 for _ in rows]
    for box in sorted(canvas.boxes, key=lambda box: box.rows):
        first, last = box.cell[1], box.cell[1] + box.rows - 1
        there = sum(heights[first : last + 1]) + sum(spaces[first:last])
        heights[last] += max(0, size(box)[1] - there)
    return list(accumulate((height + space for height, space in zip(heights, spaces, strict=True)), initial=0))
