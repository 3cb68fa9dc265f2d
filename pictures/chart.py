"""A bar chart of distances, level by level."""

from collections.abc import Mapping

import torch
from torch import Tensor

from .text import draw_text

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
