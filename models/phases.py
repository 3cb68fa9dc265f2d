"""3x3 convolutions after nearest upsampling by two, without the upsampled map: its phases lie side by side as channels.

Phase (a, b) holds rows 2i + a and columns 2j + b. All four come from one 2x2 convolution of the small map bordered by
one cell, [B, 4 C, h + 1, w + 1]: row 2i of the large map is row i of an even phase, row 2i + 1 row i + 1 of an odd one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BEFORE, HERE, AFTER, NONE = range(4)
TAPS = (HERE, NONE, BEFORE, AFTER, BEFORE, AFTER, NONE, HERE)
"""The tap of a 3-kernel that meets cells i and i + 1 of either phase (even, odd) to give row 2i, then row 2i + 1."""


def upsampled(values: Tensor, conv: nn.Conv2d) -> Tensor:
    """The phases of `conv`, a 3x3 one, over the upsampled `values` [B, C, h, w]: exact, with 4/9 of the products.

    An upsampled row stands beside itself or its neighbour, so two of the three taps always meet one row; and the
    reflected border of the upsampled map is the repeated border of the small one.
    """
    kernels = torch.cat([_halved(_halved(conv.weight, 2, a), 3, b) for a in (0, 1) for b in (0, 1)])
    bias = None if conv.bias is None else conv.bias.repeat(4)
    return F.conv2d(F.pad(values, (1,) * 4, mode="replicate"), kernels, bias)


def interleaved(phases: Tensor) -> Tensor:
    """The large map [B, C, 2 h, 2 w] of phases [B, 4 C, h + 1, w + 1]."""
    batch, channels, height, width = phases.shape
    size = (batch, channels // 4, 2 * height - 2, 2 * width - 2)
    output = torch.empty(size, dtype=phases.dtype, device=phases.device, memory_format=_layout(phases))
    for number, phase in enumerate(phases.chunk(4, 1)):
        a, b = divmod(number, 2)
        output[..., a::2, b::2] = phase[..., a : a + height - 1, b : b + width - 1]
    return output


def reflected(phases: Tensor) -> Tensor:
    """`phases`, and in them what lies beyond the large map: its row -1 is row 1, its row 2 h is row 2 h - 2.

    The former are odd, the latter even; columns likewise.
    """
    rows = phases.unflatten(1, (2, -1))
    rows[:, 1, :, 0] = rows[:, 1, :, 1]
    rows[:, 0, :, -1] = rows[:, 0, :, -2]
    columns = rows.unflatten(2, (2, -1))
    columns[:, :, 1, ..., 0] = columns[:, :, 1, ..., 1]
    columns[:, :, 0, ..., -1] = columns[:, :, 0, ..., -2]
    return phases


def convolved(phases: Tensor, conv: nn.Conv2d) -> Tensor:
    """`conv`, a 3x3 one, over the large map of `reflected` phases: [B, out, 2 h, 2 w].

    With few outputs (a picture's three) this is faster than over the large map: here are four times as many, which fill
    a vector, and nothing wide is interleaved.
    """
    bias = None if conv.bias is None else conv.bias.repeat_interleave(4)
    return F.pixel_shuffle(F.conv2d(phases, _across(conv.weight), bias), 2)


def _halved(weight: Tensor, axis: int, odd: int) -> Tensor:
    """Two taps for three along an axis: an even row meets (before, itself twice), an odd one (itself twice, after)."""
    before, here, after = weight.unbind(axis)
    return torch.stack([before + here, after] if odd else [before, here + after], axis)


def _across(weight: Tensor) -> Tensor:
    """[out, C, 3, 3] -> [out * 4, 4 C, 2, 2]: from phases to the phases of the result, in `pixel_shuffle`'s order."""
    outputs, inputs = weight.shape[:2]
    taps = F.pad(weight, (0, 1, 0, 1))[:, :, TAPS][..., TAPS]
    apart = taps.view(outputs, inputs, 2, 2, 2, 2, 2, 2)  # result's row, phase, cell, then the same of columns
    kernel = apart.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(4 * outputs, 4 * inputs, 2, 2)
    return kernel.contiguous(memory_format=_layout(weight))


def _layout(values: Tensor) -> torch.memory_format:
    last = values.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
