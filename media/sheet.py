"""A contact sheet: pictures in a grid, a line of text under each."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..transfer.resize import to_longer_side
from .charts import draw_text

GAP = 0.03
"""Space between pictures, as a share of a cell's side."""
LINE = 0.09
"""Height of a label's line, as a share of a cell's side."""
PAPER = 0.97
"""Grey of the sheet, 0..1."""


def contact_sheet(pictures: Sequence[Tensor], labels: Sequence[str] = (), columns: int = 0, side: int = 320) -> Tensor:
    """One picture [1, 3, H, W] in 0..1 of `pictures` [3, h, w], row by row, each with its longer side of `side` pixels.

    `labels` go with the pictures in order; where there are fewer, the rest stay bare. `columns` 0 makes the sheet about
    square. ValueError where there is no picture.
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture: connect an image.")
    columns = min(columns, len(pictures)) or math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    scaled = [to_longer_side(picture[None].cpu(), side)[0] for picture in pictures]
    height, width = (max(picture.shape[axis] for picture in scaled) for axis in (1, 2))
    gap, line = max(1, round(side * GAP)), round(side * LINE) if any(labels) else 0
    sheet = torch.full((3, rows * (height + line + gap) + gap, columns * (width + gap) + gap), PAPER)
    for index, picture in enumerate(scaled):
        top, left = gap + index // columns * (height + line + gap), gap + index % columns * (width + gap)
        down, across = (height - picture.shape[1]) // 2, (width - picture.shape[2]) // 2
        sheet[:, top + down :, left + across :][:, : picture.shape[1], : picture.shape[2]] = picture
        if index < len(labels) and line:
            below = sheet[:, top + height : top + height + line, left : left + width]
            below.copy_(draw_text(labels[index], (line, width), PAPER))
    return sheet[None]
