"""Fitted operators: values that are applied at every position of a feature map, and that blend and mix.

All are differentiable, change nothing in place, and hold one operator or one an item of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .moments import Moments, exact_products


def normalised(weights: Sequence[float]) -> list[float]:
    """The weights scaled to the sum one; ValueError where they are negative, not finite or all zero."""
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or sum(weights) <= 0:
        raise ValueError(f"weights {list(weights)} cannot be mixed: each must be 0 or more, and one of them above 0.")
    largest = max(weights)  # of which no sum overflows
    total = sum(weight / largest for weight in weights)
    return [weight / largest / total for weight in weights]


def mix(values: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted mean of tensors that broadcast together, in the dtype of the first.

    Since every operator of one kind is linear in its parameters, mixing mapped features equals mixing the maps.
    """
    shares = normalised(weights)
    total = values[0] * shares[0]
    for value, share in zip(values[1:], shares[1:], strict=True):
        total = total + value.to(total) * share
    return total


def blend(content: Tensor, stylised: Tensor, alpha: float | Tensor) -> Tensor:
    """(1 - alpha) * content + alpha * stylised; exactly one of them at 0 and 1. A tensor alpha broadcasts."""
    return content.lerp(stylised.to(content), alpha.to(content) if isinstance(alpha, Tensor) else alpha)


def masked_blend(operator: Callable[[Tensor], Tensor], values: Tensor, weights: Tensor | None) -> Tensor:
    """`operator` on `values` [B, C, h, w], faded out where `weights` [B or 1, 1, h, w] go to 0; everywhere if None."""
    mapped = operator(values)
    return mapped if weights is None else blend(values, mapped, weights)


@dataclass(frozen=True)
class ChannelMap:
    """y = A (x - m) + b. Maps of one kind form an algebra, so strength and mixtures cost nothing at the pixels."""

    matrix: Tensor
    """A: [B, C] for a diagonal one, else [B, C, C]."""
    centre: Tensor
    """m: [B, C]"""
    shift: Tensor
    """b: [B, C]"""

    @property
    def halo(self) -> int:
        """Cells that it sees beyond its own."""
        return 0

    def __call__(self, values: Tensor) -> Tensor:
        """Map `values` [B, C, h, w]; the arithmetic is float32 at least, the result has the dtype of `values`."""
        if not self.full:
            centred = values - self.centre[..., None, None]  # first: a near-constant channel has a huge scale
            return torch.addcmul(self.shift[..., None, None], centred, self.matrix[..., None, None]).to(values.dtype)
        pixels = values.movedim(1, -1).flatten(1, 2).to(self.matrix.dtype)  # [B, N, C], a view of channels_last values
        with exact_products(values):
            offset = (self.shift - self._linear(self.centre))[:, None]
            if len(offset) == len(pixels) and values.device.type != "cpu":  # in one kernel
                mapped = torch.baddbmm(offset, pixels, self.matrix.mT)
            else:
                mapped = (pixels @ self.matrix.mT).add_(offset)
        return mapped.unflatten(1, values.shape[-2:]).movedim(-1, 1).to(values.dtype)

    @staticmethod
    def normalising(content: Moments, eps: float = 1e-5) -> ChannelMap:
        """Each channel to mean 0 and deviation 1, as an instance norm: the variance is divided by the pixel count."""
        own = content.scatter.diagonal(dim1=1, dim2=2) if content.full else content.scatter
        scale = (own / content.count.clamp_min(torch.finfo(own.dtype).tiny)[:, None] + eps).rsqrt()
        return ChannelMap(scale, content.mean, torch.zeros_like(content.mean))

    @property
    def full(self) -> bool:
        """Whether the matrix mixes channels."""
        return self.matrix.dim() == 3

    def blend(self, alpha: float | Tensor) -> ChannelMap:
        """alpha * T + (1 - alpha) * I: strength 1 is this map, 0 leaves features as they are. A tensor alpha is [B]."""
        if isinstance(alpha, Tensor):
            alpha = alpha.to(self.matrix).reshape(-1, 1)
        elif alpha == 1:
            return self
        shift = alpha * self.shift + (1 - alpha) * self.centre
        if not self.full:
            return ChannelMap(alpha * self.matrix + (1 - alpha), self.centre, shift)
        matrix = (alpha[..., None] if isinstance(alpha, Tensor) else alpha) * self.matrix
        matrix.diagonal(dim1=1, dim2=2).add_(1 - alpha)
        return ChannelMap(matrix, self.centre, shift)

    def where(self, useful: Tensor) -> ChannelMap:
        """This map for the items of the batch where `useful` [B] holds, the identity for the others."""
        shift = torch.where(useful[:, None], self.shift, self.centre)
        if not self.full:
            return ChannelMap(torch.where(useful[:, None], self.matrix, 1.0), self.centre, shift)
        matrix = torch.where(useful[:, None, None], self.matrix, 0.0)
        matrix.diagonal(dim1=1, dim2=2).add_(~useful[:, None])
        return ChannelMap(matrix, self.centre, shift)

    def of_items(self, items: slice) -> ChannelMap:
        """The maps of some items of the batch; one item goes with all."""
        if self.centre.shape[0] == 1:
            return self
        return ChannelMap(self.matrix[items], self.centre[items], self.shift[items])

    def then(self, after: ChannelMap) -> ChannelMap:
        """after(self(x)) as one map."""
        first, second = _alike([self, after])
        matrix = second.matrix @ first.matrix if first.full else second.matrix * first.matrix
        shift = second._linear(first.shift - second.centre) + second.shift
        return ChannelMap(matrix, first.centre.expand_as(shift), shift)

    @staticmethod
    def mix(maps: Sequence[ChannelMap], weights: Sequence[float]) -> ChannelMap:
        """The weighted mean of several maps; weights are scaled to the sum one."""
        if len(maps) == 1 and normalised(weights):
            return maps[0]
        maps = _alike(maps)
        centre = maps[0].centre
        shares = normalised(weights)
        matrix = sum(share * m.matrix for share, m in zip(shares, maps, strict=True))
        shift = sum(share * (m._linear(centre - m.centre) + m.shift) for share, m in zip(shares, maps, strict=True))
        assert isinstance(matrix, Tensor) and isinstance(shift, Tensor)
        return ChannelMap(matrix, centre.expand_as(shift), shift)

    def _linear(self, vector: Tensor) -> Tensor:
        """A v for `vector` [B, C]."""
        return (self.matrix @ vector[..., None])[..., 0] if self.full else self.matrix * vector

    def _as_full(self) -> ChannelMap:
        return self if self.full else ChannelMap(self.matrix.diag_embed(), self.centre, self.shift)


def _alike(maps: Sequence[ChannelMap]) -> list[ChannelMap]:
    """All diagonal, or all with full matrices."""
    return [m._as_full() for m in maps] if any(m.full for m in maps) else list(maps)


@dataclass(frozen=True)
class KernelMap:
    """A convolution over a k x k neighbourhood: a style of StyleBank. Fused styles cost no more than one."""

    weight: Tensor
    """[1 or B, C, C, k, k], k odd"""
    bias: Tensor
    """[1 or B, C]"""
    centre: Tensor | None = None
    """[1 or B, C], subtracted before: within the weights, half types would lose what differs from a large mean."""

    def __call__(self, values: Tensor) -> Tensor:
        """Convolve `values` [B, C, h, w] with reflected borders, repeated where a side is too short."""
        if self.centre is not None:
            values = values - self.centre.to(values)[..., None, None]
        mode = "reflect" if min(values.shape[-2:]) > self.halo else "replicate"
        if values.device.type == "cpu" or mode == "replicate" or self.halo != 1:
            padded = F.pad(values, (self.halo,) * 4, mode=mode)
        else:  # a GPU's own padding is for NCHW alone
            rows = torch.cat([values[:, :, 1:2], values, values[:, :, -2:-1]], 2)
            padded = torch.cat([rows[..., 1:2], rows, rows[..., -2:-1]], 3)
        pairs = list(zip(self.weight.to(values), self.bias.to(values), strict=True))
        if len(pairs) == 1:
            return F.conv2d(padded, *pairs[0])
        items = zip(padded.split(1), pairs, strict=True)
        return torch.cat([F.conv2d(item, weight, bias) for item, (weight, bias) in items])

    @staticmethod
    def of(weight: Tensor, bias: Tensor) -> KernelMap:
        """One kernel [C, C, k, k] and bias [C] for every item."""
        return KernelMap(weight[None], bias[None])

    @property
    def halo(self) -> int:
        """Cells that it sees beyond its own."""
        return self.weight.shape[-1] // 2

    def of_items(self, items: slice) -> KernelMap:
        """The kernels of some items of the batch; one goes with all."""
        if len(self.bias) == 1:
            return self
        return KernelMap(self.weight[items], self.bias[items], None if self.centre is None else self.centre[items])

    def after(self, channels: ChannelMap) -> KernelMap:
        """self(channels(x)) as one kernel, for one without a centre and a diagonal `channels`; borders stay."""
        centre = channels.centre.to(self.weight)  # a number of that type, and by the bias what is left
        shift = channels.shift - channels.matrix * (channels.centre - centre)
        return KernelMap(
            self.weight * channels.matrix[:, None, :, None, None].to(self.weight),
            self.bias + (self.weight.sum((-2, -1)) * shift[:, None].to(self.weight)).sum(-1),
            centre,
        )

    def blend(self, alpha: float) -> KernelMap:
        """alpha * K + (1 - alpha) * I: strength 0 is the auto-encoder branch, a control the paper does not have."""
        if alpha == 1:
            return self
        identity = torch.zeros_like(self.weight[:1])
        identity[:, :, :, self.halo, self.halo].diagonal(dim1=1, dim2=2).fill_(1)
        shift = torch.zeros_like(self.bias[:1]) if self.centre is None else self.centre.to(self.bias)
        return KernelMap.mix([self, KernelMap(identity, shift, self.centre)], [alpha, 1 - alpha])

    @staticmethod
    def mix(kernels: Sequence[KernelMap], weights: Sequence[float]) -> KernelMap:
        """The linear fusion of styles of one centre (section 4.3 of the paper); weights are scaled to the sum one."""
        if len(kernels) == 1 and normalised(weights):
            return kernels[0]
        weight, bias = mix([k.weight for k in kernels], weights), mix([k.bias for k in kernels], weights)
        return KernelMap(weight, bias, kernels[0].centre)


@dataclass(frozen=True)
class LookupMap:
    """y = f_c(x): a monotone table for each channel, linear between its knots and level beyond them."""

    knots: Tensor
    """[B, C, N], ascending"""
    values: Tensor
    """[B, C, N], what the knots become"""

    @property
    def halo(self) -> int:
        """Cells that it sees beyond its own."""
        return 0

    def __call__(self, values: Tensor) -> Tensor:
        """Map `values` [B, C, h, w]; the result has their dtype."""
        x = values.flatten(2).to(self.knots.dtype)
        knots, table = (each.expand(len(x), -1, -1).contiguous() for each in (self.knots, self.values))
        upper = torch.searchsorted(knots, x.contiguous()).clamp_max(knots.shape[-1] - 1)
        lower = (upper - 1).clamp_min(0)
        low, high = knots.gather(-1, lower), knots.gather(-1, upper)
        share = ((x - low) / (high - low).clamp_min(torch.finfo(x.dtype).tiny)).clamp(0, 1)
        mapped = table.gather(-1, lower).lerp(table.gather(-1, upper), share)
        return mapped.reshape(values.shape).to(values.dtype)

    def of_items(self, items: slice) -> LookupMap:
        """The tables of some items of the batch; one goes with all."""
        return self if len(self.knots) == 1 else LookupMap(self.knots[items], self.values[items])

    def blend(self, alpha: float) -> LookupMap:
        """alpha * f + (1 - alpha) * I, between the outer knots."""
        if alpha == 1:
            return self
        return LookupMap(self.knots, self.knots.lerp(self.values, alpha))

    @staticmethod
    def mix(maps: Sequence[LookupMap], weights: Sequence[float]) -> LookupMap:
        """The weighted mean of maps over the same knots; weights are scaled to the sum one."""
        if len(maps) == 1 and normalised(weights):
            return maps[0]
        return LookupMap(maps[0].knots, mix([each.values for each in maps], weights))
