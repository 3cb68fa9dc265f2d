"""A convolution with few outputs, for four columns at once: a vector holds more results than a picture's three."""

import torch
import torch.nn.functional as F
from torch import Tensor

TOGETHER = 4
"""Columns. Where channels lie beside each other in memory so do columns, and grouping them costs nothing."""


def convolved_by_columns(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.conv2d(values, weight, bias)` without a border: [B, C, H, W] and [out, C, k, k] to [B, out, h, w]."""
    kernel, columns = _over_groups(weight), values.shape[-1] - weight.shape[-1] + 1
    groups = -(-columns // TOGETHER)
    missing = TOGETHER * (groups + kernel.shape[-1] - 1) - values.shape[-1]
    rows = F.pad(values, (0, missing)).permute(0, 2, 3, 1).unflatten(2, (-1, TOGETHER)).flatten(3)
    found = F.conv2d(rows.permute(0, 3, 1, 2), kernel, None if bias is None else bias.repeat(TOGETHER))
    apart = found.permute(0, 2, 3, 1).unflatten(3, (TOGETHER, -1)).flatten(2, 3)
    return apart.permute(0, 3, 1, 2)[..., :columns]


def _over_groups(weight: Tensor) -> Tensor:
    """[out, C, k, k] -> [4 out, 4 C, k, n]: for each of four results the weight, a column further right each."""
    outputs, channels, height, width = weight.shape
    groups = -(-(width + TOGETHER - 1) // TOGETHER)
    shifted = [F.pad(weight, (place, TOGETHER * groups - width - place)) for place in range(TOGETHER)]
    apart = torch.cat(shifted).unflatten(3, (groups, TOGETHER)).permute(0, 4, 1, 2, 3)
    kernel = apart.reshape(TOGETHER * outputs, TOGETHER * channels, height, groups)
    return kernel.contiguous(memory_format=torch.channels_last)
