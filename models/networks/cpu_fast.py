"""The layers' work done quicker on CPUs: row strips, width packing, sub-pixel convolution, and their borders."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def reflected(values: Tensor, margin: int) -> Tensor:
    """`values` [B, C, h, w] in a border of `margin` cells that mirrors them: [B, C, h + 2 margin, w + 2 margin].

    The memory format stays; gradients are the same in every run. RuntimeError unless both sides exceed the margin.
    """
    if not slices(values):
        return F.pad(values, (margin,) * 4, mode="reflect")
    bordered: Tensor = _Bordered.apply(values, margin, 1)  # pyright: ignore[reportAssignmentType]
    return bordered


def repeated(values: Tensor) -> Tensor:
    """`values` [B, C, h, w] in a border of one cell that repeats theirs: [B, C, h + 2, w + 2]. Else as `reflected`."""
    if not slices(values):
        return F.pad(values, (1,) * 4, mode="replicate")
    bordered: Tensor = _Bordered.apply(values, 1, 0)  # pyright: ignore[reportAssignmentType]
    return bordered


def slices(values: Tensor) -> bool:
    """Whether slices are the better way; on a CPU torch's is twice as fast and keeps both format and order."""
    return values.device.type != "cpu"


class _Bordered(torch.autograd.Function):
    """The border's cell number n, counted outwards from 0, shows cell n + `first`, counted inwards."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, margin: int, first: int) -> Tensor:  # noqa: ANN401 - torch's own type
        ctx.margin, ctx.first = margin, first
        for axis in (2, 3):
            cells = [values.narrow(axis, first + number, 1) for number in range(margin)]
            last = values.shape[axis] - 1 - first
            others = [values.narrow(axis, last - number, 1) for number in range(margin)]
            values = torch.cat([*reversed(cells), values, *others], axis)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        margin, first = ctx.margin, ctx.first
        width = gradient.shape[3] - 2 * margin
        inner = gradient.narrow(3, margin, width).clone()
        for number in range(margin):
            inner.narrow(3, first + number, 1).add_(gradient.narrow(3, margin - 1 - number, 1))
            inner.narrow(3, width - 1 - first - number, 1).add_(gradient.narrow(3, margin + width + number, 1))
        height = inner.shape[2] - 2 * margin
        found = inner.narrow(2, margin, height)
        for number in range(margin):
            found.narrow(2, first + number, 1).add_(inner.narrow(2, margin - 1 - number, 1))
            found.narrow(2, height - 1 - first - number, 1).add_(inner.narrow(2, margin + height + number, 1))
        return found, None, None


BAND = 4 << 20
"""Bytes of the widest map of a band: larger ones leave the cache, and more often are fresh memory, slow to touch."""


def in_bands(
    stage: Callable[[Tensor], Tensor], values: Tensor, peak_channels: int, halo: int, scale: float = 1.0
) -> Tensor:
    """`stage(values)` for `values` [B, C, h, w], computed in bands of rows on a CPU; the result is the same.

    `peak_channels` is the largest number of channels inside the stage, `halo` how many rows of its input it looks
    beyond a row (even where it pools), `scale` what it multiplies the size by: 2, 1 or 1/2 rounded up. Borders are the
    stage's own.
    """
    batch, _, height, width = values.shape
    row = batch * peak_channels * width * values.element_size() * max(1.0, scale) ** 2
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


def bordered_phases(phases: Tensor) -> Tensor:
    """`phases`, and in them what lies beyond the large map: its row -1 is row 1, its row 2 h is row 2 h - 2.

    The former are odd, the latter even; columns likewise. In place.
    """
    bordered: Tensor = _Reflected.apply(phases)  # pyright: ignore[reportAssignmentType]
    return bordered


def convolved(phases: Tensor, conv: nn.Conv2d) -> Tensor:
    """`conv`, a 3x3 one, over the large map of `bordered_phases`: [B, out, 2 h, 2 w].

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
