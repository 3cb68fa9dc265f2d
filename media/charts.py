"""Charts and lines of text, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from .images import from_pillow

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]
PAPER, GRID, AXIS, INK = ((grey, grey, grey) for grey in (247, 230, 191, 38))
"""Greys, 0..255: the background, the lines that quarter a line chart's scale, the axes, letters and numbers."""
COLOURS: tuple[Colour, ...] = ((204, 92, 69), (59, 115, 158), (92, 140, 76), (158, 115, 173))
"""Of the series of a chart, in order, 0..255."""

ROW, LABEL, BARS, NUMBER = 72, 132, 460, 76
"""Pixels of a bar chart: a row's height, the widths of its label, of its longest bar, of the number behind it."""
BAR_MARGIN, BAR_TEXT = 10, 32
"""Pixels of a bar chart: the space above and below the bars of a row, the height of a line of text."""

HEIGHT, WIDTH, LEFT, MARGIN, TEXT = 360, 668, 84, 16, 28
"""Pixels of a line chart: its size, the space for numbers at its left, the space around, the height of a text line."""
TOP, BOTTOM, RIGHT = 2 * MARGIN + TEXT, HEIGHT - MARGIN - TEXT, WIDTH - MARGIN
"""Between these, from `LEFT` on, the lines run."""
POINTS = 150
"""At most this many a line: of more, neighbours are averaged."""
OVERSAMPLING = 2
"""Lines are drawn this much larger and averaged, which makes them smooth."""


def draw_text(text: str, size: tuple[int, int], paper: float) -> Tensor:
    """One line of `text`, centred, in a grey picture [3, H, W] in 0..1 of `size` (H, W); shrunk to fit."""
    from PIL import Image, ImageDraw

    (height, width), grey = size, round(paper * 255)
    canvas = Image.new("RGB", (width, height), (grey, grey, grey))
    _write(ImageDraw.Draw(canvas), text, (0, 0), size)
    return from_pillow(canvas).movedim(-1, 0)


def bar_chart(rows: Mapping[str, tuple[float, ...]], legend: tuple[str, ...]) -> Tensor:
    """Horizontal bars [1, 3, H, W] in 0..1: a row a label, one bar a value (at most two), numbers beside them.

    Bars share one scale that starts at zero. `legend` names the bars of a row in order.
    """
    from PIL import Image, ImageDraw

    largest = max((value for values in rows.values() for value in values), default=0) or 1.0
    canvas = Image.new("RGB", (LABEL + BARS + NUMBER, ROW * (1 + len(rows))), PAPER)
    draw = ImageDraw.Draw(canvas)
    middle, width = (ROW - BAR_TEXT) // 2, BARS // len(legend)
    for index, name in enumerate(legend):
        _write(draw, name, (middle, LABEL + index * width), (BAR_TEXT, width), COLOURS[index], centred=False)
    for number, (label, values) in enumerate(rows.items(), 1):
        _write(draw, label, (number * ROW + middle, 0), (BAR_TEXT, LABEL - BAR_MARGIN))
        draw.rectangle((LABEL - 2, number * ROW, LABEL - 1, (number + 1) * ROW - 1), AXIS)
        thickness = (ROW - 2 * BAR_MARGIN) // len(values)
        for index, value in enumerate(values):
            top, end = number * ROW + BAR_MARGIN + index * thickness, LABEL + max(1, round(value / largest * BARS))
            draw.rectangle((LABEL, top, end - 1, top + thickness - 2), COLOURS[index])
            text = min(BAR_TEXT, thickness)
            place, size = (top + (thickness - text) // 2, end + BAR_MARGIN), (text, NUMBER - BAR_MARGIN)
            _write(draw, f"{value:.3g}", place, size, centred=False)
    return from_pillow(canvas).movedim(-1, 0)[None]


def line_chart(lines: Mapping[str, Sequence[float]], steps: int) -> Tensor:
    """Lines [1, 3, H, W] in 0..1, one a name, from the first value at the left to the last at the right.

    All share one scale that starts at zero; its top and the number of `steps` are written at the axes. At most four.
    """
    from PIL import Image, ImageDraw

    averaged = [_averaged(values) for values in lines.values()]
    largest = max((value for values in averaged for value in values), default=0.0) or 1.0
    canvas = Image.new("RGB", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), PAPER)
    draw = ImageDraw.Draw(canvas)
    for quarter in range(4):
        height = TOP + quarter * (BOTTOM - TOP) / 4
        _stroke(draw, [(LEFT, height), (RIGHT, height)], GRID, 1)
    _stroke(draw, [(LEFT - 2, TOP), (LEFT - 2, BOTTOM + 2), (RIGHT, BOTTOM + 2)], AXIS, 2)
    for values, colour in zip(averaged, COLOURS, strict=False):
        step, scale = (RIGHT - LEFT) / max(1, len(values) - 1), (BOTTOM - TOP) / largest
        points = [(LEFT + index * step, BOTTOM - value * scale) for index, value in enumerate(values)]
        if points:
            _stroke(draw, points * 2 if len(points) == 1 else points, colour, 3)
    canvas = canvas.reduce(OVERSAMPLING)
    draw = ImageDraw.Draw(canvas)
    for number, height in ((f"{largest:.3g}", TOP), ("0", BOTTOM)):
        _write(draw, number, (height - TEXT // 2, 0), (TEXT, LEFT - MARGIN // 2))
    _write(draw, f"{steps} steps", (HEIGHT - MARGIN // 2 - TEXT, LEFT), (TEXT, RIGHT - LEFT))
    width = (RIGHT - LEFT) // max(1, len(lines))
    for index, name in enumerate(lines):
        _write(draw, name, (MARGIN // 2, LEFT + index * width), (TEXT, width), COLOURS[index])
    return from_pillow(canvas).movedim(-1, 0)[None]


def _write(
    draw: ImageDraw, text: str, place: tuple[int, int], size: tuple[int, int], ink: Colour = INK, centred: bool = True
) -> None:
    """One line of `text` into the box at `place` (top, left) of `size` (height, width); shrunk to fit."""
    from PIL import ImageFont

    (top, left), (height, width) = place, size
    points = height * 0.72
    while points > 6 and draw.textlength(text, ImageFont.load_default(points)) > width:
        points *= 0.9
    start, anchor = (left + width / 2, "mm") if centred else (left, "lm")
    draw.text((start, top + height / 2), text, fill=ink, font=ImageFont.load_default(points), anchor=anchor)


def _averaged(values: Sequence[float]) -> list[float]:
    """At most `POINTS` values, each the mean of its part."""
    count = min(len(values), POINTS)
    edges = [index * len(values) // count for index in range(count + 1)] if count else []
    return [sum(values[start:end]) / (end - start) for start, end in zip(edges, edges[1:], strict=False)]


def _stroke(draw: ImageDraw, points: list[tuple[float, float]], colour: Colour, width: int) -> None:
    larger = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]
    draw.line(larger, fill=colour, width=width * OVERSAMPLING, joint="curve")
