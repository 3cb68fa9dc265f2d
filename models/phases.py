"""3x3 convolutions after nearest upsampling by two, without the upsampled map: its phases lie side by side as channels.

Phase (a, b) holds rows 2i + a and columns 2j + b. All four come from one 2x2 convolution of the small map bordered by
one cell, [B, 4 C, h + 1, w + 1]: row 2i of the large map is row i of an even phase, row 2i + 1 row i + 1 of an odd one.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .borders import repeated


def upsampled(values: Tensor, conv: nn.Conv2d) -> Tensor:
    """The phases of `conv`, a 3x3 one, over the upsampled `values` [B, C, h, w]: exact, with 4/9 of the products.

    An upsampled row stands beside itself or its neighbour, so two of the three taps always meet one row; and the
    reflected border of the upsampled map is the repeated border of the small one.
    """
    rows = _halved(conv.weight, 2).split(2, 2)
    kernels = torch.cat([phase for row in rows for phase in _halved(row, 3).split(2, 3)])
    bias = None if conv.bias is None else conv.bias.repeat(4)
    return F.conv2d(repeated(values), kernels, bias)


def interleaved(phases: Tensor) -> Tensor:
    """The large map [B, C, 2 h, 2 w] of phases [B, 4 C, h + 1, w + 1]."""
    large: Tensor = _Interleaved.apply(phases)  # pyright: ignore[reportAssignmentType]
    return large


def reflected(phases: Tensor) -> Tensor:
    """`phases`, and in them what lies beyond the large map: its row -1 is row 1, its row 2 h is row 2 h - 2.

    The former are odd, the latter even; columns likewise. In place.
    """
    bordered: Tensor = _Reflected.apply(phases)  # pyright: ignore[reportAssignmentType]
    return bordered


def convolved(phases: Tensor, conv: nn.Conv2d) -> Tensor:
    """`conv`, a 3x3 one, over the large map of `reflected` phases: [B, out, 2 h, 2 w].

    With few outputs (a picture's three) this is faster than over the large map: here are four times as many, which fill
    a vector, and nothing wide is interleaved.
    """
    bias = None if conv.bias is None else conv.bias.repeat_interleave(4)
    return _shuffled(F.conv2d(phases, _across(conv.weight), bias))


def _halved(weight: Tensor, axis: int) -> Tensor:
    """Two taps for three along an axis: an even row meets (before, itself twice), an odd one (itself twice, after).

    Those of even rows stand before those of odd ones. Slices keep the memory format, and nothing is sent to a GPU.
    """
    before, here, after = weight.split(1, axis)
    return torch.cat([before, here + after, before + here, after], axis)


def _across(weight: Tensor) -> Tensor:
    """[out, C, 3, 3] -> [out * 4, 4 C, 2, 2]: from phases to the phases of the result, in `pixel_shuffle`'s order."""
    outputs, inputs = weight.shape[:2]
    taps = _tapped(_tapped(weight, 2), 3)
    apart = taps.unflatten(3, (2, 2, 2)).unflatten(2, (2, 2, 2))  # result's row, phase, cell, then the same of columns
    kernel = apart.permute(0, 2, 5, 4, 7, 3, 6, 1).reshape(4 * outputs, 2, 2, 4 * inputs).permute(0, 3, 1, 2)
    return kernel.contiguous(memory_format=_layout(weight))


def _tapped(weight: Tensor, axis: int) -> Tensor:
    """The taps that meet cells i and i + 1 of either phase (even, odd) to give row 2i, then row 2i + 1."""
    before, here, after = weight.split(1, axis)
    none = torch.zeros_like(here)
    return torch.cat([here, none, before, after, before, after, none, here], axis)


def _shuffled(values: Tensor) -> Tensor:
    """`F.pixel_shuffle(values, 2)`, which on a GPU knows NCHW alone."""
    if values.device.type == "cpu":
        return F.pixel_shuffle(values, 2)
    cells = values.permute(0, 2, 3, 1).unflatten(3, (-1, 2, 2)).permute(0, 1, 4, 2, 5, 3)  # B, h, a, w, b, C
    return cells.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


class _Interleaved(torch.autograd.Function):
    """By itself autograd would copy the whole map's gradient for every phase, and that in NCHW."""

    @staticmethod
    def forward(ctx: Any, phases: Tensor) -> Tensor:  # noqa: ANN401 - torch's own type
        batch, channels, height, width = phases.shape
        large = _empty((batch, channels // 4, 2 * height - 2, 2 * width - 2), phases)
        for phase, cells in _pairs(phases, large):
            cells.copy_(phase)
        return large

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        batch, channels, height, width = gradient.shape
        phases = _empty((batch, channels * 4, height // 2 + 1, width // 2 + 1), gradient).zero_()
        for phase, cells in _pairs(phases, gradient):
            phase.copy_(cells)
        return phases


class _Reflected(torch.autograd.Function):
    """Likewise."""

    @staticmethod
    def forward(ctx: Any, phases: Tensor) -> Tensor:  # noqa: ANN401 - torch's own type
        ctx.mark_dirty(phases)
        for beyond, shown in _edges(phases):
            beyond.copy_(shown)
        return phases

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        found = gradient.clone()
        for beyond, shown in reversed(_edges(found)):
            shown.add_(beyond)
            beyond.zero_()
        return found


def _pairs(phases: Tensor, large: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Each phase without the cells that lie beyond the large map, and where it stands in that."""
    height, width = phases.shape[2] - 1, phases.shape[3] - 1
    placed = [(number // 2, number % 2, phase) for number, phase in enumerate(phases.chunk(4, 1))]
    return [(phase[..., a : a + height, b : b + width], large[..., a::2, b::2]) for a, b, phase in placed]


def _edges(phases: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What lies beyond the large map, and what it shows: of rows, then of columns, whose corners need the rows."""
    rows = phases.unflatten(1, (2, -1))
    columns = rows.unflatten(2, (2, -1))
    return [
        (rows[:, 1, :, 0], rows[:, 1, :, 1]),
        (rows[:, 0, :, -1], rows[:, 0, :, -2]),
        (columns[:, :, 1, ..., 0], columns[:, :, 1, ..., 1]),
        (columns[:, :, 0, ..., -1], columns[:, :, 0, ..., -2]),
    ]


def _empty(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=_layout(like))


def _layout(values: Tensor) -> torch.memory_format:
    last = values.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
