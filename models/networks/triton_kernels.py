"""Kernels of our own, in Triton, for maps in NHWC: the statistics of a norm, and all that then stands between two
convolutions in one pass. Every function gives what the plain layers give, up to rounding.

Blocks are fixed, and integers are not specialised on: what is compiled at a first use, a second or so each, is a
handful for a network. No GPU has timed them yet.
"""

# pyright: reportMissingImports=false, reportIndexIssue=false, reportArgumentType=false, reportGeneralTypeIssues=false
# There is no Triton for some systems, and its types know a kernel's constants by another name.

from __future__ import annotations

import re

import torch
import triton
import triton.language as tl
from torch import Tensor

CHANNELS, PIXELS = 32, 128
"""Of a block: 32 values for each of 128 threads, in float16 four loads of 16 bytes; 64 bytes of a pixel lie together,
two sectors of DRAM. Wider blocks would leave more of a narrow map's empty."""
PARTS = 512
"""Of a picture, at most, whose statistics are taken at once: for a narrow map on a large card a few programs each."""
JOINED = 8
"""Channels of a block that joins them, so that it has `PIXELS` times `CHANNELS` values, too."""
TOGETHER = 8
"""Channels are so many times a number: a thread then moves 16 bytes at once, and the compiler knows it by `units`."""
COUNTS = ("height", "width", "units", "blocks", "pixels", "pixels_a_part")


@triton.jit(do_not_specialize=COUNTS)
def _parts(
    values,
    means,
    scatters,
    pixels,
    pixels_a_part,
    units,
    blocks,
    together: tl.constexpr,
    block_pixels: tl.constexpr,
    block_channels: tl.constexpr,
):
    """The mean of each channel over a part of a picture's pixels, and its scatter there."""
    channels = units * together
    channel = tl.program_id(0) % blocks * block_channels + tl.arange(0, block_channels)
    part, picture = tl.program_id(0) // blocks, tl.program_id(1).to(tl.int64)
    first = part * pixels_a_part
    last = tl.minimum(first + pixels_a_part, pixels)
    count = 0.0
    mean = tl.zeros([block_channels], tl.float32)
    scatter = tl.zeros([block_channels], tl.float32)
    for start in range(first, last, block_pixels):
        pixel = start + tl.arange(0, block_pixels)
        inside = (pixel < last)[:, None] & (channel < channels)[None, :]
        cells = (picture * pixels + pixel)[:, None] * channels + channel[None, :]
        own = tl.load(values + cells, inside, 0.0).to(tl.float32)
        many = tl.minimum(last - start, block_pixels).to(tl.float32)
        own_mean = tl.sum(own, 0) / many
        beside = tl.where(inside, own - own_mean[None, :], 0.0)
        # Two sets of values become one (Chan et al. 1979): no large sums whose difference is to be small.
        apart, share = own_mean - mean, many / (count + many)
        scatter += tl.sum(beside * beside, 0) + apart * apart * count * share
        mean += apart * share
        count += many
    place = (picture * tl.num_programs(0) // blocks + part) * channels + channel
    tl.store(means + place, mean, channel < channels)
    tl.store(scatters + place, scatter, channel < channels)


@triton.jit(do_not_specialize=(*COUNTS, "parts", "channels"))
def _join(
    means,
    scatters,
    mean,
    variance,
    parts,
    pixels,
    pixels_a_part,
    channels,
    most_parts: tl.constexpr,
    block_channels: tl.constexpr,
):
    """Mean and variance of each channel of a picture."""
    channel, part = tl.program_id(0) * block_channels + tl.arange(0, block_channels), tl.arange(0, most_parts)
    inside = (part < parts)[:, None] & (channel < channels)[None, :]
    cells = (tl.program_id(1) * parts + part)[:, None] * channels + channel[None, :]
    own = tl.load(means + cells, inside, 0.0)
    many = tl.maximum(tl.minimum(pixels - part * pixels_a_part, pixels_a_part), 0).to(tl.float32)[:, None]
    whole = tl.sum(own * many, 0) / pixels
    apart = own - whole[None, :]
    scatter = tl.sum(tl.load(scatters + cells, inside, 0.0) + apart * apart * many, 0)
    place = tl.program_id(1) * channels + channel
    tl.store(mean + place, whole, channel < channels)
    tl.store(variance + place, scatter / pixels, channel < channels)


@triton.jit(do_not_specialize=(*COUNTS, "margin", "a_picture", "eps"))
def _finish(
    values,
    mean,
    variance,
    result,
    height,
    width,
    units,
    blocks,
    margin,
    a_picture,
    eps,
    norm: tl.constexpr,
    relu: tl.constexpr,
    pool: tl.constexpr,
    mirror: tl.constexpr,
    together: tl.constexpr,
    block_pixels: tl.constexpr,
    block_channels: tl.constexpr,
):
    """A block of the map that the next convolution reads."""
    channels = units * together
    channel = tl.program_id(0) % blocks * block_channels + tl.arange(0, block_channels)
    pixel = tl.program_id(0) // blocks * block_pixels + tl.arange(0, block_pixels)
    picture = tl.program_id(1).to(tl.int64)
    inner_height, inner_width = ((height + 1) // 2, (width + 1) // 2) if pool else (height, width)
    outer_width = inner_width + 2 * margin
    area = (inner_height + 2 * margin) * outer_width
    row, column = pixel // outer_width - margin, pixel % outer_width - margin
    if mirror:
        row = inner_height - 1 - tl.abs(inner_height - 1 - tl.abs(row))
        column = inner_width - 1 - tl.abs(inner_width - 1 - tl.abs(column))
    else:
        row = tl.minimum(tl.maximum(row, 0), inner_height - 1)
        column = tl.minimum(tl.maximum(column, 0), inner_width - 1)
    inside = (pixel < area)[:, None] & (channel < channels)[None, :]
    start = values + picture * height * width * channels
    if pool:
        # Beyond an odd side a cell stands for its missing neighbour.
        below = tl.where(2 * row + 1 < height, width, 0)
        right = tl.where(2 * column + 1 < width, 1, 0)
        cell = (2 * row * width + 2 * column).to(tl.int64)
        found = tl.load(start + cell[:, None] * channels + channel[None, :], inside, 0.0)
        for step in tl.static_range(1, 4):
            there = cell + (right if step % 2 else 0) + (below if step // 2 else 0)
            other = tl.load(start + there[:, None] * channels + channel[None, :], inside, 0.0)
            found = tl.maximum(found, other, propagate_nan=tl.PropagateNan.ALL)
        found = found.to(tl.float32)
    else:
        cell = (row * width + column).to(tl.int64)
        found = tl.load(start + cell[:, None] * channels + channel[None, :], inside, 0.0).to(tl.float32)
    if norm:
        own = picture * a_picture + channel
        centre = tl.load(mean + own, channel < channels, 0.0).to(tl.float32)
        scale = tl.rsqrt(tl.load(variance + own, channel < channels, 1.0).to(tl.float32) + eps)
        found = (found - centre[None, :]) * scale[None, :]
    if relu:
        found = tl.where(found < 0.0, 0.0, found)  # no number stays none
    place = (picture * area + pixel)[:, None] * channels + channel[None, :]
    tl.store(result + place, found.to(result.dtype.element_ty), inside)


# Ops of torch, so that modes which count or trace see them; each copy of this package has its own.
NAME = re.sub(r"\W", "_", __name__)
LIBRARY = torch.library.Library(NAME, "DEF")
LIBRARY.define("statistics(Tensor values) -> (Tensor, Tensor)")
LIBRARY.define(
    "finished(Tensor values, Tensor? mean, Tensor? variance, float eps, bool relu, bool pool, int margin, bool mirror)"
    " -> Tensor"
)


def statistics(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance, float32 [B, C] each, of `values` [B, C, h, w] in NHWC; two kernels."""
    found: tuple[Tensor, Tensor] = getattr(torch.ops, NAME).statistics(values)
    return found


def finished(
    values: Tensor,
    mean: Tensor | None = None,
    variance: Tensor | None = None,
    eps: float = 1e-5,
    relu: bool = False,
    pool: bool = False,
    margin: int = 0,
    mirror: bool = True,
) -> Tensor:
    """`values` [B, C, h, w] in NHWC normalised by `mean` and `variance`, [C] or [B, C], after a ReLU, the maxima of 2x2
    cells with sizes rounded up, in a border of `margin` cells that mirrors the map, or repeats its last cells: as far
    as told, in one kernel. Only one of norm and pool; sides, after the pool, that exceed a margin which mirrors.
    """
    result: Tensor = getattr(torch.ops, NAME).finished(values, mean, variance, eps, relu, pool, margin, mirror)
    return result


@torch.library.impl(LIBRARY, "statistics", "CompositeExplicitAutograd")
def _statistics(values: Tensor) -> tuple[Tensor, Tensor]:
    batch, channels, height, width = values.shape
    pixels = height * width
    pixels_a_part = triton.cdiv(triton.cdiv(pixels, PARTS), PIXELS) * PIXELS
    parts = triton.cdiv(pixels, pixels_a_part)
    means, scatters = (values.new_empty(batch, parts, channels, dtype=torch.float32) for _ in range(2))
    mean, variance = (values.new_empty(batch, channels, dtype=torch.float32) for _ in range(2))
    units, blocks = channels // TOGETHER, triton.cdiv(channels, CHANNELS)
    with torch.cuda.device_of(values):
        _parts[(parts * blocks, batch)](
            values, means, scatters, pixels, pixels_a_part, units, blocks, TOGETHER, PIXELS, CHANNELS
        )
        _join[(triton.cdiv(channels, JOINED), batch)](
            means, scatters, mean, variance, parts, pixels, pixels_a_part, channels, PARTS, JOINED
        )
    return mean, variance


@torch.library.impl(LIBRARY, "finished", "CompositeExplicitAutograd")
def _finished(
    values: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    eps: float,
    relu: bool,
    pool: bool,
    margin: int,
    mirror: bool,
) -> Tensor:
    result = _empty(values, mean, variance, eps, relu, pool, margin, mirror)
    batch, channels, height, width = values.shape
    units, blocks = channels // TOGETHER, triton.cdiv(channels, CHANNELS)
    grid = triton.cdiv(result.shape[2] * result.shape[3], PIXELS) * blocks, batch
    a_picture = channels if mean is not None and mean.dim() > 1 else 0
    with torch.cuda.device_of(values):
        _finish[grid](
            *(values, mean, variance, result, height, width, units, blocks, margin, a_picture, eps),
            *(mean is not None, relu, pool, mirror, TOGETHER, PIXELS, CHANNELS),
        )
    return result


@torch.library.impl(LIBRARY, "finished", "Meta")
def _empty(
    values: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    eps: float,
    relu: bool,
    pool: bool,
    margin: int,
    mirror: bool,
) -> Tensor:
    height, width = (((length + 1) // 2 if pool else length) + 2 * margin for length in values.shape[-2:])
    return torch.empty(
        (*values.shape[:2], height, width),
        dtype=values.dtype,
        device=values.device,
        memory_format=torch.channels_last,
    )


@torch.library.impl(LIBRARY, "statistics", "Meta")
def _empty_statistics(values: Tensor) -> tuple[Tensor, Tensor]:
    mean = values.new_empty(values.shape[:2], dtype=torch.float32)
    return mean, torch.empty_like(mean)
