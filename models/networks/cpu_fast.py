"""The layers' work in quicker ways: padding that keeps its layout, and on CPUs row strips, width packing, sub-pixel
convolution. Every function gives what the plain layers give, up to rounding."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .kept import KeepingConv

STRIP_BYTES = 4 << 20
"""Of the widest map of a strip: larger ones leave the cache, and more often are fresh memory, slow to touch."""
WIDE = 64
"""Channels that go in and come out of a convolution whose products are fewer by `row_conv`, and sooner done."""
PACKED = 4
"""Columns in one. Where channels lie beside each other in memory so do columns, and packing them costs nothing."""


def reflect_pad(values: Tensor, margin: int) -> Tensor:
    """`values` [B, C, h, w] in a border of `margin` cells that mirrors them: [B, C, h + 2 margin, w + 2 margin].

    The memory format stays; gradients are the same in every run. RuntimeError unless both sides exceed the margin.
    """
    if not slices(values):
        return F.pad(values, (margin,) * 4, mode="reflect")
    padded: Tensor = _Padded.apply(values, margin, 1)  # pyright: ignore[reportAssignmentType]
    return padded


def replicate_pad(values: Tensor) -> Tensor:
    """`values` [B, C, h, w] in a border of one cell that repeats theirs: [B, C, h + 2, w + 2]. Like `reflect_pad`."""
    if not slices(values):
        return F.pad(values, (1,) * 4, mode="replicate")
    padded: Tensor = _Padded.apply(values, 1, 0)  # pyright: ignore[reportAssignmentType]
    return padded


def slices(values: Tensor) -> bool:
    """Whether padding by slices is better; on a CPU torch's is twice as fast and keeps both format and order."""
    return values.device.type != "cpu"


class _Padded(torch.autograd.Function):
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


def in_row_strips(
    stage: Callable[[Tensor], Tensor], values: Tensor, peak_channels: int, halo: int, scale: float = 1.0
) -> Tensor:
    """`stage(values)` for `values` [B, C, h, w], computed in strips of rows on a CPU; the result is the same.

    `peak_channels` is the largest number of channels that the stage meets, `halo` how many rows of its input it looks
    beyond a row (even where it pools), `scale` what it multiplies the size by: 2, 1 or 1/2 rounded up. Padding is the
    stage's own.
    """
    batch, _, height, width = values.shape
    row = batch * peak_channels * width * values.element_size() * max(1.0, scale) ** 2
    rows = max(8, int(STRIP_BYTES / row) // 8 * 8)
    # Where gradients are wanted all is kept anyway, and a strip's way back fills a whole map.
    if values.device.type != "cpu" or torch.is_grad_enabled() or rows >= height:
        return stage(values)
    result = None  # the strips are not kept beside it
    for top in range(0, height, rows):
        start, end = max(0, top - halo), min(height, top + rows)
        strip = stage(values[:, :, start : min(height, end + halo)])
        if result is None:
            result = _empty((batch, strip.shape[1], math.ceil(height * scale), strip.shape[3]), strip)
        first, last = int(top * scale), math.ceil(end * scale)
        skipped = int((top - start) * scale)
        result[:, :, first:last] = strip[:, :, skipped : skipped + last - first]
    assert result is not None
    return result


def row_kernels(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, ...]:
    """The weight [out, C, 3, 3] as the six [out, C, 1, 3] of `row_conv`: G g of Winograd's F(4, 3), along columns."""
    before, here, after = weight.double().split(1, 2)
    near, far = (before + after) / 6, (before + 4 * after) / 24
    six = (before / 4, -near - here / 6, here / 6 - near, far + here / 12, far - here / 12, after)
    return tuple(each.to(weight.dtype, memory_format=torch.channels_last) for each in six)


def in_fours(conv: KeepingConv, values: Tensor) -> bool:
    """Whether `row_conv` is for `conv` of the padded `values`: wide and float32, on a CPU, where nothing learns."""
    return (
        values.device.type == "cpu"
        and values.dtype is torch.float32
        and not (torch.is_grad_enabled() or conv.weight.requires_grad or torch.is_autocast_enabled("cpu"))
        and conv.kernel_size == (3, 3)
        and conv.stride == (1, 1)
        and min(conv.in_channels, conv.out_channels) >= WIDE
        and values.shape[2] >= 6
        and values.is_contiguous(memory_format=torch.channels_last)
    )


def row_conv(values: Tensor, kernels: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.conv2d(values, weight, bias)` of a 3x3 weight and `values` [B, C, h, w] without padding, by `row_kernels`.

    Four rows by six convolutions of a row, with half of the products (Lavin & Gray 2016, section 4.3, in one
    dimension: along columns alone whole rows are added, which costs next to nothing). Rounding is three times as much.
    """
    batch, _, height, width = values.shape
    fours, rest = divmod(height - 2, 4)
    result = values.new_empty(batch, height - 2, width - 2, len(weight))
    y = [result[:, number : 4 * fours : 4].movedim(-1, 1) for number in range(4)]
    x = [values[:, :, number : number + 4 * fours - 3 : 4] for number in range(6)]
    even, odd = torch.add(x[4], x[2], alpha=-4), torch.add(x[3], x[1], alpha=-4)
    # The bias of this one reaches every row once.
    plus, minus = F.conv2d(even + odd, kernels[1], bias), F.conv2d(even.sub_(odd), kernels[2])
    inner, inner_step = plus + minus, plus.sub_(minus)
    torch.sub(x[4], x[2], out=even)
    torch.sub(x[3], x[1], out=odd)
    plus, minus = F.conv2d(torch.add(even, odd, alpha=2), kernels[3]), F.conv2d(even.sub_(odd, alpha=2), kernels[4])
    outer, outer_step = plus + minus, plus.sub_(minus)
    torch.add(inner_step, outer_step, alpha=2, out=y[1])
    torch.add(inner, outer, alpha=4, out=y[2])
    for number, kernel, total in (
        (0, kernels[0], inner.add_(outer)),
        (1, kernels[5], inner_step.add_(outer_step, alpha=8)),
    ):
        cells = torch.add(x[number + 2], x[number], alpha=-0.8, out=even)
        cells = torch.add(x[number + 4], cells, alpha=-5, out=even)
        torch.add(total, F.conv2d(cells, kernel), out=y[3 * number])
    if rest:
        result[:, 4 * fours :].copy_(F.conv2d(values[:, :, 4 * fours :], weight, bias).movedim(1, -1))
    return result.movedim(-1, 1)


def width_packed(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Weight [out, C, k, k] and bias of a convolution of four columns in one, for `width_packed_conv`.

    For each of four results the weight, a column further right each: [4 out, 4 C, k, taps].
    """
    outputs, channels, height, width = weight.shape
    taps = -(-(width + PACKED - 1) // PACKED)  # of the packed kernel along a row
    shifted = [F.pad(weight, (place, PACKED * taps - width - place)) for place in range(PACKED)]
    kernel = torch.cat(shifted).unflatten(3, (taps, PACKED)).permute(0, 4, 1, 2, 3)
    kernel = kernel.reshape(PACKED * outputs, PACKED * channels, height, taps)
    return kernel.contiguous(memory_format=torch.channels_last), None if bias is None else bias.repeat(PACKED)


def width_packed_conv(values: Tensor, kernel: Tensor, bias: Tensor | None, width: int) -> Tensor:
    """`F.conv2d` of `values` [B, C, H, W], without padding, by what `width_packed` made of a kernel `width` wide.

    Four columns become one of four times as many channels, which fill a CPU's vector where there are few.
    """
    taps = kernel.shape[-1]
    columns = values.shape[-1] - width + 1
    missing = PACKED * (-(-columns // PACKED) + taps - 1) - values.shape[-1]
    packed = F.pad(values, (0, missing)).permute(0, 2, 3, 1).unflatten(2, (-1, PACKED)).flatten(3).permute(0, 3, 1, 2)
    result = F.conv2d(packed, kernel, bias)
    result = result.permute(0, 2, 3, 1).unflatten(3, (PACKED, -1)).flatten(2, 3).permute(0, 3, 1, 2)
    return result[..., :columns]


def subpixel_kernels(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The weight [out, C, 3, 3] of a convolution over nearest-upsampled values as that of sub-pixels, [4 out, C, 2, 2].

    Exact, with 4/9 of the products: an upsampled row stands beside itself or its neighbour, so two of the three taps
    always meet one row; and the reflection padding of the large map is the replication padding of the small one.
    Sub-pixels are the four cells of the large map that a small one becomes, in the order of `shuffle_subpixels`.
    """

    def halved(weight: Tensor, axis: int) -> tuple[Tensor, ...]:
        # Two taps for three along an axis: an even row meets (before, itself twice), an odd one (itself twice, after).
        # Slices keep the memory format, and nothing is sent to a GPU.
        before, here, after = weight.split(1, axis)
        return torch.cat([before, here + after, before + here, after], axis).split(2, axis)

    kernels = torch.cat([kernel for rows in halved(weight, 2) for kernel in halved(rows, 3)])
    kernels = kernels.contiguous(memory_format=_layout(weight))
    return kernels, None if bias is None else bias.repeat(4)


def subpixel_conv(values: Tensor, conv: KeepingConv) -> Tensor:
    """`conv`, a 3x3 one, over the nearest-upsampled `values` [B, C, h, w], as sub-pixels [B, 4 out, h + 1, w + 1]."""
    return F.conv2d(replicate_pad(values), *conv.folded("sub-pixels", subpixel_kernels))


def shuffle_subpixels(subpixels: Tensor) -> Tensor:
    """The large map [B, C, 2 h, 2 w] of sub-pixels [B, 4 C, h + 1, w + 1], which reach a cell beyond it each way."""
    large: Tensor = _Shuffled.apply(subpixels)  # pyright: ignore[reportAssignmentType]
    return large


def reflect_subpixels(subpixels: Tensor) -> Tensor:
    """`subpixels`, and in them the reflection padding of the large map: its row -1 is row 1, row 2 h is 2 h - 2.

    The former are odd, the latter even; columns likewise. In place.
    """
    padded: Tensor = _Reflected.apply(subpixels)  # pyright: ignore[reportAssignmentType]
    return padded


def kernel_of_subpixels(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The weight [out, C, 3, 3] of a convolution over a large map as one over its sub-pixels, [4 out, 4 C, 2, 2]."""

    def spread(weight: Tensor, axis: int) -> Tensor:
        # The taps that meet cells i and i + 1 of either sub-pixel (even, odd) to give row 2i, then row 2i + 1.
        before, here, after = weight.split(1, axis)
        none = torch.zeros_like(here)
        return torch.cat([here, none, before, after, before, after, none, here], axis)

    outputs, inputs = weight.shape[:2]
    taps = spread(spread(weight, 2), 3).unflatten(3, (2, 2, 2)).unflatten(2, (2, 2, 2))
    # Axes 2 to 7: the result's row, the sub-pixel, the cell, then the same of columns. In `pixel_shuffle`'s order:
    kernel = taps.permute(0, 2, 5, 4, 7, 3, 6, 1).reshape(4 * outputs, 2, 2, 4 * inputs).permute(0, 3, 1, 2)
    kernel = kernel.contiguous(memory_format=_layout(weight))
    return kernel, None if bias is None else bias.repeat_interleave(4)


def conv_of_subpixels(subpixels: Tensor, conv: KeepingConv) -> Tensor:
    """`conv`, a 3x3 one, over the large map of `reflect_subpixels`: [B, out, 2 h, 2 w].

    With few outputs (a picture's three) this is faster than over the large map: here are four times as many, which fill
    a vector, and nothing wide is shuffled.
    """
    result = F.conv2d(subpixels, *conv.folded("of sub-pixels", kernel_of_subpixels))
    if result.device.type == "cpu":
        return F.pixel_shuffle(result, 2)
    # The same; on a GPU torch's own knows NCHW alone.
    cells = result.permute(0, 2, 3, 1).unflatten(3, (-1, 2, 2)).permute(0, 1, 4, 2, 5, 3)  # B, h, row, w, column, C
    return cells.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


class _Shuffled(torch.autograd.Function):
    """By itself autograd would copy the whole map's gradient for every sub-pixel, and that in NCHW."""

    @staticmethod
    def forward(ctx: Any, subpixels: Tensor) -> Tensor:  # noqa: ANN401 - torch's own type
        batch, channels, height, width = subpixels.shape
        large = _empty((batch, channels // 4, 2 * height - 2, 2 * width - 2), subpixels)
        for subpixel, cells in _pairs(subpixels, large):
            cells.copy_(subpixel)
        return large

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        batch, channels, height, width = gradient.shape
        subpixels = _empty((batch, channels * 4, height // 2 + 1, width // 2 + 1), gradient).zero_()
        for subpixel, cells in _pairs(subpixels, gradient):
            subpixel.copy_(cells)
        return subpixels


class _Reflected(torch.autograd.Function):
    """Likewise."""

    @staticmethod
    def forward(ctx: Any, subpixels: Tensor) -> Tensor:  # noqa: ANN401 - torch's own type
        ctx.mark_dirty(subpixels)
        for beyond, shown in _edges(subpixels):
            beyond.copy_(shown)
        return subpixels

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        found = gradient.clone()
        for beyond, shown in reversed(_edges(found)):
            shown.add_(beyond)
            beyond.zero_()
        return found


def _pairs(subpixels: Tensor, large: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Each sub-pixel without the cells that lie beyond the large map, and where it stands in that."""
    height, width = subpixels.shape[2] - 1, subpixels.shape[3] - 1
    placed = [(number // 2, number % 2, each) for number, each in enumerate(subpixels.chunk(4, 1))]
    return [(each[..., a : a + height, b : b + width], large[..., a::2, b::2]) for a, b, each in placed]


def _edges(subpixels: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What lies beyond the large map, and what it shows: of rows, then of columns, whose corners need the rows."""
    rows = subpixels.unflatten(1, (2, -1))
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
