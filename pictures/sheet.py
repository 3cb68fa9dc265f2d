"""A contact sheet: pictures in a grid, a line of text under each."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .text import draw_text

GAP = 0.03
"""Space between pictures, as a share of a cell's side."""
LINE = 0.09
"""Height of a label's line, as a share of a cell's side."""
PAPER = 0.97
"""Grey of the sheet, 0..1."""


def contact_sheet(pictures: Sequence[Tensor], labels: Sequence[str] = (), columns: int = 0, side: int = 320) -> Tensor:
    """One picture [1, 3, H, W] in 0..1 of `pictures` [3, h, w], row by row, each fitted into a square of `side` pixels.

    `labels` go with the pictures in order; where there are fewer, the rest stay bare. `columns` 0 makes the sheet about
    square. ValueError where there is no picture.
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture: connect an image.")
    columns = min(columns, len(pictures)) or math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    gap, line = max(1, round(side * GAP)), round(side * LINE) if any(labels) else 0
    sheet = torch.full((3, rows * (side + line + gap) + gap, columns * (side + gap) + gap), PAPER)
    for index, picture in enumerate(pictures):
        top = gap + index // columns * (side + line + gap)
        left = gap + index % columns * (side + gap)
        _place(sheet, picture, top, left, side)
        if index < len(labels) and line:
            sheet[:, top + side : top + side + line, left : left + side] = draw_text(labels[index], (line, side), PAPER)
    return sheet[None]


def _place(sheet: Tensor, picture: Tensor, top: int, left: int, side: int) -> None:
    """Fit a picture into its square, centred, its proportions kept."""
    scale = side / max(picture.shape[-2:])
    height, width = (max(1, round(length * scale)) for length in picture.shape[-2:])
    small = F.interpolate(picture[None].float().cpu(), size=(height, width), mode="bicubic", antialias=True)[0]
    top, left = top + (side - height) // 2, left + (side - width) // 2
    sheet[:, top : top + height, left : left + width] = small.clamp(0, 1)
