"""Charts drawn with Pillow: text, bars and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor


def draw_text(text: str, size: tuple[int, int], paper: float, ink: float = 0.15, at_left: bool = False) -> Tensor:
    """One line of `text`, centred or at the left, in a grey picture [3, H, W] of `size` (H, W); shrunk to fit."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = size
    canvas = Image.new("L", (width, height), round(paper * 255))
    draw = ImageDraw.Draw(canvas)
    points = height * 0.72
    while points > 6 and draw.textlength(text, ImageFont.load_default(points)) > width:
        points *= 0.9
    font = ImageFont.load_default(points)
    place, anchor = (0.0, "lm") if at_left else (width / 2, "mm")
    draw.text((place, height / 2), text, fill=round(ink * 255), font=font, anchor=anchor)
    pixels = torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8).reshape(1, height, width)
    return (pixels.float() / 255).expand(3, -1, -1)


ROW, LABEL, BARS, NUMBER = 72, 132, 460, 76
"""Pixels: a row's height, the widths of its label, of its longest bar, of the number behind it."""
MARGIN, TEXT = 10, 32
"""Pixels: the space above and below the bars of a row, the height of a line of text."""
PAPER, AXIS = 0.97, 0.75
COLOURS = ((0.80, 0.36, 0.27), (0.23, 0.45, 0.62))


def bar_chart(rows: Mapping[str, tuple[float, ...]], legend: tuple[str, ...]) -> Tensor:
    """Horizontal bars [1, 3, H, W] in 0..1: a row a label, one bar a value (at most two), numbers beside them.

    Bars share one scale that starts at zero. `legend` names the bars of a row in order.
    """
    largest = max((value for values in rows.values() for value in values), default=0) or 1.0
    return torch.cat([_legend(legend), *(_row(label, values, largest) for label, values in rows.items())], 1)[None]


def _legend(names: tuple[str, ...]) -> Tensor:
    strip = _paper()
    width = BARS // len(names)
    for index, name in enumerate(names):
        ink = (PAPER - draw_text(name, (TEXT, width), PAPER, ink=0.0, at_left=True)) / PAPER  # 1 in the letters
        left, top = LABEL + index * width, (ROW - TEXT) // 2
        strip[:, top : top + TEXT, left : left + width] = PAPER - ink * (PAPER - _colour(index))
    return strip


def _row(label: str, values: tuple[float, ...], largest: float) -> Tensor:
    strip = _paper()
    top = (ROW - TEXT) // 2
    strip[:, top : top + TEXT, : LABEL - MARGIN] = draw_text(label, (TEXT, LABEL - MARGIN), PAPER)
    strip[:, :, LABEL - 2 : LABEL] = AXIS
    thickness = (ROW - 2 * MARGIN) // len(values)
    for index, value in enumerate(values):
        top, end = MARGIN + index * thickness, LABEL + max(1, round(value / largest * BARS))
        strip[:, top : top + thickness - 1, LABEL:end] = _colour(index)
        text = min(TEXT, thickness)
        top += (thickness - text) // 2
        number = draw_text(f"{value:.3g}", (text, NUMBER - MARGIN), PAPER, at_left=True)
        strip[:, top : top + text, end + MARGIN : end + NUMBER] = number
    return strip


def _paper() -> Tensor:
    return torch.full((3, ROW, LABEL + BARS + NUMBER), PAPER)


def _colour(index: int) -> Tensor:
    return torch.tensor(COLOURS[index])[:, None, None]


if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

HEIGHT, WIDTH, LEFT, MARGIN, TEXT = 360, 668, 84, 16, 28
"""Pixels: the chart, the space for numbers at its left, the space around, the height of a line of text."""
TOP, BOTTOM, RIGHT = 2 * MARGIN + TEXT, HEIGHT - MARGIN - TEXT, WIDTH - MARGIN
"""Between these, from `LEFT` on, the lines run."""
POINTS = 150
"""At most this many a line: of more, neighbours are averaged."""
GRID = 0.9
"""Grey of the lines that halve and quarter the scale."""
FINE = 2
"""Lines are drawn this much larger, and come out smooth."""
INKS = (*COLOURS, (0.36, 0.55, 0.30), (0.62, 0.45, 0.68))


def line_chart(lines: Mapping[str, Sequence[float]], across: str = "steps") -> Tensor:
    """Lines [1, 3, H, W] in 0..1, one a name, from the first value at the left to the last at the right.

    All share one scale that starts at zero; its top and the number of values are written at the axes. At most four.
    """
    from PIL import Image, ImageDraw

    count = max((len(values) for values in lines.values()), default=0)
    largest = max((value for values in lines.values() for value in _thinned(values)), default=0.0) or 1.0
    grey = round(PAPER * 255)
    canvas = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), (grey, grey, grey))
    draw = ImageDraw.Draw(canvas)
    _axes(draw)
    for values, ink in zip(lines.values(), INKS, strict=False):
        _line(draw, [value / largest for value in _thinned(values)], ink)
    chart = torch.frombuffer(bytearray(canvas.reduce(FINE).tobytes()), dtype=torch.uint8).reshape(HEIGHT, WIDTH, 3)
    chart = chart.movedim(-1, 0).float() / 255
    for number, height in ((f"{largest:.3g}", TOP), ("0", BOTTOM)):
        _write(chart, number, (height - TEXT // 2, 0), LEFT - MARGIN // 2)
    _write(chart, f"{count} {across}", (HEIGHT - MARGIN // 2 - TEXT, LEFT), RIGHT - LEFT)
    _line_legend(chart, list(lines))
    return chart[None]


def _thinned(values: Sequence[float]) -> list[float]:
    parts = min(len(values), POINTS)
    edges = [index * len(values) // parts for index in range(parts + 1)] if parts else []
    return [sum(values[start:end]) / (end - start) for start, end in zip(edges, edges[1:], strict=False)]


def _axes(draw: ImageDraw) -> None:
    for quarter in range(4):
        height = TOP + quarter * (BOTTOM - TOP) / 4
        _stroke(draw, [(LEFT, height), (RIGHT, height)], (GRID,) * 3, 1)
    _stroke(draw, [(LEFT - 2, TOP), (LEFT - 2, BOTTOM + 2), (RIGHT, BOTTOM + 2)], (AXIS,) * 3, 2)


def _line(draw: ImageDraw, heights: list[float], ink: tuple[float, ...]) -> None:
    """`heights` in 0..1."""
    if not heights:
        return
    stride = (RIGHT - LEFT) / max(1, len(heights) - 1)
    points = [(LEFT + index * stride, BOTTOM - height * (BOTTOM - TOP)) for index, height in enumerate(heights)]
    _stroke(draw, points if len(points) != 1 else points * 2, ink, 3)


def _stroke(draw: ImageDraw, points: list[tuple[float, float]], ink: tuple[float, ...], width: int) -> None:
    larger = [(x * FINE, y * FINE) for x, y in points]
    draw.line(larger, fill=tuple(round(part * 255) for part in ink), width=width * FINE, joint="curve")


def _line_legend(chart: Tensor, names: list[str]) -> None:
    width = (RIGHT - LEFT) // max(1, len(names))
    for index, name in enumerate(names):
        _write(chart, name, (MARGIN // 2, LEFT + index * width), width, INKS[index])


def _write(
    chart: Tensor, text: str, place: tuple[int, int], width: int, ink: tuple[float, ...] = (0.15, 0.15, 0.15)
) -> None:
    top, left = place
    letters = (PAPER - draw_text(text, (TEXT, width), PAPER, ink=0.0)) / PAPER  # 1 in the letters
    chart[:, top : top + TEXT, left : left + width] = PAPER - letters * (PAPER - torch.tensor(ink)[:, None, None])
