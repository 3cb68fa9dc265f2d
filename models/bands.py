"""Run layers of one resolution band by band, so that what is between them stays in the processor's cache."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

BAND = 4 << 20
"""Bytes of the widest map of a band: larger ones leave the cache, and more often are fresh memory, slow to touch."""


def in_bands(stage: Callable[[Tensor], Tensor], values: Tensor, widest: int, halo: int, scale: float = 1.0) -> Tensor:
    """`stage(values)` for `values` [B, C, h, w], computed in bands of rows on a CPU; the result is the same.

    `widest` is the largest number of channels inside the stage, `halo` how many rows of its input it looks beyond a row
    (even where it pools), `scale` what it multiplies the size by: 2, 1 or 1/2 rounded up. Borders are the stage's own.
    """
    batch, _, height, width = values.shape
    row = batch * widest * width * values.element_size() * max(1.0, scale) ** 2
    rows = max(8, int(BAND / row) // 8 * 8)
    # Where gradients are wanted all is kept anyway, and a band's way back fills a whole map.
    if values.device.type != "cpu" or values.requires_grad or rows >= height:
        return stage(values)
    bands = []
    for top in range(0, height, rows):
        start, end = max(0, top - halo), min(height, top + rows)
        band = stage(values[:, :, start : min(height, end + halo)])
        first = int((top - start) * scale)
        bands.append(band[:, :, first : first + math.ceil((end - top) * scale)])
    return torch.cat(bands, 2)
