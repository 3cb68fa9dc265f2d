"""A bar chart of distances, level by level."""

from collections.abc import Mapping

import torch
from torch import Tensor

from .text import draw_text

ROW, LABEL, BARS = 40, 150, 430
"""Pixels: a row's height, the width of its label, the length of the longest bar."""
PAPER = 0.97
COLOURS = ((0.80, 0.36, 0.27), (0.23, 0.45, 0.62))


def bar_chart(rows: Mapping[str, tuple[float, ...]], legend: tuple[str, ...]) -> Tensor:
    """Horizontal bars [1, 3, H, W] in 0..1: a row a label, one bar a value (at most two), numbers beside them.

    Bars share one scale that starts at zero. `legend` names the bars of a row in order.
    """
    largest = max((value for values in rows.values() for value in values), default=0) or 1.0
    keys = [draw_text(name, (ROW, BARS // len(legend)), PAPER, ink=0.0) for name in legend]
    strips = [_row("", [])] + [
        _row(label, [value / largest for value in values], values) for label, values in rows.items()
    ]
    for index, key in enumerate(keys):
        left = LABEL + index * key.shape[-1]
        tint = torch.tensor(COLOURS[index])[:, None, None]
        strips[0][:, :, left : left + key.shape[-1]] = PAPER - (PAPER - key) / PAPER * (PAPER - tint)
    return torch.cat(strips, 1)[None]


def _row(label: str, lengths: list[float], values: tuple[float, ...] = ()) -> Tensor:
    strip = torch.full((3, ROW, LABEL + BARS + 90), PAPER)
    strip[:, :, :LABEL] = draw_text(label, (ROW, LABEL), PAPER)
    thickness = (ROW - 8) // max(1, len(lengths))
    for index, (length, value) in enumerate(zip(lengths, values, strict=True)):
        top, end = 4 + index * thickness, LABEL + max(1, round(length * BARS))
        strip[:, top : top + thickness - 1, LABEL:end] = torch.tensor(COLOURS[index])[:, None, None]
        strip[:, top : top + thickness - 1, end : end + 60] = draw_text(f"{value:.3g}", (thickness - 1, 60), PAPER)
    return strip
