"""Count, mean and scatter of feature maps: what every method is fitted from. They add up over tiles and frames."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 1 << 13
"""Pixels whose moments a CPU takes at once: their centred copy stays in its cache, and no copy of the map is made."""


@dataclass(frozen=True)
class Moments:
    """First and second moments of the pixels of B feature maps, in float32 (float64 where the features are).

    The mean is kept and the scatter centred on it: raw second moments would add up too, but in float32 the subtraction
    E[xx] - mean mean' loses the small variances that whitening divides by.
    """

    count: Tensor
    """[B] pixels, or the sum of their weights."""
    mean: Tensor
    """[B, C]"""
    scatter: Tensor
    """[B, C] (each channel by itself) or [B, C, C]: the sum of (x - mean)(x - mean)' over the pixels."""

    @staticmethod
    def of(values: Tensor, weights: Tensor | None = None, full: bool = False) -> Moments:
        """Moments of `values` [B, C, h, w], each pixel counting as much as `weights` [B or 1, 1, h, w] in 0..1 says.

        `full` keeps the scatter between channels (WCT, CoMatch) and not only each channel's own (AdaIN).
        """
        pixels = values.flatten(2)  # [B, C, N]
        if pixels.requires_grad and torch.is_grad_enabled() and weights is None:
            return Moments(*_Differentiable.apply(pixels, full))
        weights = None if weights is None else weights.flatten(2).to(pixels.device).expand(pixels.shape[0], 1, -1)
        blocks = pixel_blocks(pixels)
        masks = (None,) * len(blocks) if weights is None else pixel_blocks(weights)
        with exact_products(values):
            return reduce(Moments.merge, (_of_block(*pair, full) for pair in zip(blocks, masks, strict=True)))

    def merge(self, other: Moments) -> Moments:
        """Moments of both sets of pixels together, exactly (Chan, Golub & LeVeque 1979)."""
        count = self.count + other.count
        share = other.count / _positive(count)
        step = other.mean - self.mean
        between = self._square(step, self.count * share)
        return Moments(count, self.mean + step * share[:, None], self.scatter + other.scatter + between)

    @staticmethod
    def joined(parts: Sequence[Moments]) -> Moments:
        """Moments of several batches as one batch."""
        fields = [[part.count, part.mean, part.scatter] for part in parts]
        return Moments(*(torch.cat(field) for field in zip(*fields, strict=True)))

    def of_items(self, items: slice) -> Moments:
        """Those of some items of the batch; one item goes with all."""
        if self.count.shape[0] == 1:
            return self
        return Moments(self.count[items], self.mean[items], self.scatter[items])

    def mapped(self, matrix: Tensor, offset: Tensor) -> Moments:
        """Moments of A x + b, for A [D, C] and b [D], without a look at pixels; ValueError as for `covariance`."""
        with exact_products(self.mean):
            return Moments(self.count, self.mean @ matrix.mT + offset, matrix @ self._full_scatter @ matrix.mT)

    def over_batch(self) -> Moments:
        """Moments of all B items as if they were one picture [1, ...]: what keeps the frames of a video alike."""
        count = self.count.sum(0, keepdim=True)
        mean = (self.mean * self.count[:, None]).sum(0, keepdim=True) / _positive(count)[:, None]
        between = self._square(self.mean - mean, self.count)
        return Moments(count, mean, (self.scatter + between).sum(0, keepdim=True))

    def over_window(self, before: int, after: int, shots: Tensor | None = None) -> Moments:
        """Each item's moments merged with those of its neighbours in the batch, `before` items back to `after` ahead,
        and of the same number in `shots` [B], which rise along the batch.

        Count and scatter are those of an average item of the window, so that equal items stay what they are at the ends
        of the batch too, where the window holds fewer.
        """
        frames, device = self.count.shape[0], self.count.device
        exact = self.mean.dtype if device.type == "mps" else torch.float64
        place = torch.arange(frames, device=device)
        first, end = (place - min(before, frames)).clamp_min(0), (place + min(after, frames) + 1).clamp_max(frames)
        if shots is not None:
            first = first.maximum(torch.searchsorted(shots, shots))
            end = end.minimum(torch.searchsorted(shots, shots, right=True))

        def summed(values: Tensor) -> Tensor:
            """Over each item's window, by one running sum."""
            sums = torch.cat([values[:1] * 0, values]).cumsum(0)
            return sums[end] - sums[first]

        centre = self.mean.to(exact).mean(0, keepdim=True)
        count, own = self.count.to(exact), self.mean.to(exact) - centre
        total = summed(count)
        mean = summed(own * count[:, None]) / _positive(total)[:, None]
        scatter = summed(self.scatter.to(exact) + self._square(own, count)) - self._square(mean, total)
        merged = Moments(total, mean + centre, scatter)._scaled(1 / (end - first).to(exact))
        return Moments(*(part.to(self.mean.dtype) for part in (merged.count, merged.mean, merged.scatter)))

    @property
    def full(self) -> bool:
        """Whether the scatter between channels is known."""
        return self.scatter.dim() == 3

    @property
    def variance(self) -> Tensor:
        """[B, C], unbiased."""
        own = self.scatter.diagonal(dim1=1, dim2=2) if self.full else self.scatter
        return own / self._divisor[:, None]

    @property
    def covariance(self) -> Tensor:
        """[B, C, C], unbiased; ValueError where only each channel's own scatter was kept."""
        return self._full_scatter / self._divisor[:, None, None]

    @property
    def gram(self) -> Tensor:
        """[B, C, C]: F F' / (C h w), the Gram matrix as MSG-Net scales it; ValueError as for `covariance`."""
        raw = self._full_scatter + self._square(self.mean, self.count)
        return raw / (_positive(self.count) * self.mean.shape[1])[:, None, None]

    @property
    def _divisor(self) -> Tensor:
        # Never under count / 2: a soft mask that weighs little more than one pixel would divide by nearly nothing.
        return _positive(torch.maximum(self.count - 1, self.count / 2))

    @property
    def _full_scatter(self) -> Tensor:
        if not self.full:
            raise ValueError("these moments hold each channel by itself: take them with full=True for a covariance.")
        return self.scatter

    def _scaled(self, factor: Tensor) -> Moments:
        """The moments as if each pixel of item b counted `factor` [B] times as much."""
        factor = factor.to(self.count)
        return Moments(self.count * factor, self.mean, self.scatter * factor.view(-1, *[1] * (self.scatter.dim() - 1)))

    def _square(self, vector: Tensor, weight: Tensor) -> Tensor:
        """weight * vector vector', in the form of the scatter."""
        if self.full:
            return vector[:, :, None] * vector[:, None, :] * weight[:, None, None]
        return vector.square() * weight[:, None]


def _of_block(pixels: Tensor, weights: Tensor | None, full: bool) -> Moments:
    exact = torch.promote_types(pixels.dtype, torch.float32)
    if weights is None:
        count = torch.full((pixels.shape[0],), pixels.shape[2], dtype=exact, device=pixels.device)
        if pixels.device.type != "cpu" and not full:  # in one kernel
            variance, mean = torch.var_mean(pixels.to(exact), 2, correction=0)
            return Moments(count, mean, variance * pixels.shape[2])
        mean = pixels.mean(2, dtype=exact)
        centred = weighted = pixels - mean[..., None]
    else:
        pixels, weights = pixels.to(exact), weights.to(pixels.device, exact)
        count = weights.sum((1, 2))
        mean = (pixels * weights).sum(2) / _positive(count)[:, None]
        centred = pixels - mean[..., None]
        weighted = centred * weights
    return Moments(count, mean, weighted @ centred.mT if full else (weighted * centred).sum(2))


class _Differentiable(torch.autograd.Function):
    """Count, mean and scatter of pixels [B, C, N], and their gradient in closed form.

    For the way back nothing is kept but pixels and mean, and it goes over the pixels once, block by block: half to a
    third of the time that centring, squares and the merging of all blocks take.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401 - torch's own type
        moments = Moments.of(pixels[..., None], full=full)
        ctx.save_for_backward(pixels, moments.mean)
        ctx.mark_non_differentiable(moments.count)
        return moments.count, moments.mean, moments.scatter

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor, of_mean: Tensor, of_scatter: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        pixels, mean = ctx.saved_tensors
        slope, share = torch.empty_like(pixels), (of_mean / pixels.shape[2])[..., None]
        full = of_scatter.dim() == 3
        twice = of_scatter + of_scatter.mT if full else 2 * of_scatter[..., None]
        for part, own in zip(pixel_blocks(slope), pixel_blocks(pixels), strict=True):
            centred = own - mean[..., None]
            part.copy_(torch.baddbmm(share, twice, centred) if full else torch.addcmul(share, twice, centred))
        return slope, None


def _positive(count: Tensor) -> Tensor:
    """The count, or nearly nothing where no pixel counts: sums are zero there, and stay so."""
    return count.clamp_min(torch.finfo(count.dtype).tiny)


def pixel_blocks(pixels: Tensor) -> Sequence[Tensor]:
    """`pixels` [B, C, N] in pieces: on a CPU of BLOCK pixels."""
    return pixels.split(BLOCK if pixels.device.type == "cpu" else max(1, pixels.shape[2]), 2)


def exact_products(values: Tensor) -> AbstractContextManager[object]:
    """Inside, matrix products keep their type where a training autocasts: half types do not bear sums over pixels."""
    device = values.device.type
    casting = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if casting else nullcontext()


def check_batches(content: int, style: int) -> None:
    """A style goes with one content or with as many as there are styles; ValueError says both numbers."""
    if style not in (1, content):
        raise ValueError(
            f"{content} content images cannot be paired with {style} style images: "
            "give one style, or as many as contents."
        )
