"""Instance normalisation, also by fixed statistics: a tile alone does not know those of its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .base import StyleNetwork
from .gpu_fast import bordered, fewer_kernels, in_one
from .kept import KeepingConv

BLOCK = 4096
"""Pixels whose sums are taken at once."""


@dataclass(frozen=True)
class NormStatistics:
    """Of one picture at one norm."""

    mean: Tensor
    """[C]"""
    variance: Tensor
    """[C], divided by the number of pixels."""


def normalised(values: Tensor, eps: float = 1e-5) -> Tensor:
    """Each channel of each picture of `values` [B, C, h, w] with mean 0 and variance 1: the same shape and dtype."""
    if values.device.type == "cpu":
        return F.instance_norm(values, eps=eps)
    if fewer_kernels(values):
        found = in_one(values, eps=eps)
        return _normalised_at_once(values, eps) if found is None else found
    result: Tensor = _Normalised.apply(values, eps)  # pyright: ignore[reportAssignmentType]
    return result


def _normalised_at_once(values: Tensor, eps: float) -> Tensor:
    """On a GPU, without gradients."""
    if len(values) == 1 and values[0, 0].numel() > 1:  # one picture is a batch
        return F.batch_norm(values, None, None, training=True, eps=eps)
    variance, mean = torch.var_mean(
        values.to(torch.promote_types(values.dtype, torch.float32)), (2, 3), correction=0, keepdim=True
    )
    scale = (variance + eps).rsqrt_()
    # Computed in the type of the statistics, and written in that of the values.
    return torch.addcmul(mean.mul_(scale).neg_(), values, scale, out=torch.empty_like(values))


class _Normalised(torch.autograd.Function):
    """On a GPU torch's own is for NCHW alone; autograd's way back would be three times as many kernels.

    Statistics, and what is left of a value beside them, need float32.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, eps: float) -> Tensor:  # noqa: ANN401 - torch's own type
        exact = values.to(torch.promote_types(values.dtype, torch.float32))
        variance, mean = torch.var_mean(exact, (2, 3), correction=0, keepdim=True)
        scale = (variance + eps).rsqrt()
        result = (exact - mean).mul_(scale).to(values.dtype)
        ctx.save_for_backward(result, scale)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        result, scale = ctx.saved_tensors
        exact = gradient.to(scale.dtype)
        along = (exact * result).mean((2, 3), keepdim=True)
        found = (exact - exact.mean((2, 3), keepdim=True)).addcmul_(result, along, value=-1).mul_(scale)
        return found.to(gradient.dtype), None


class InstanceNorm(nn.InstanceNorm2d):
    """Brings each channel of each picture to mean 0 and variance 1: by its own statistics, or by `fixed_statistics`."""

    _fixed: Mapping[InstanceNorm, NormStatistics] | None = None

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, h, w] -> the same; MissingStatistics where they are fixed, and lack those of this norm."""
        return normalised(input, self.eps) if self._fixed is None else self.prepared(input)(input)

    def rectified(self, values: Tensor, conv: KeepingConv | None = None) -> Tensor:
        """`values` [B, C, h, w] normalised, after a ReLU, in the border that `conv` sees; on a GPU, without gradients.

        As `forward`.
        """
        moments = None
        if self._fixed is not None and (own := self._fixed.get(self)):
            moments = own.mean, own.variance
        if self._fixed is None or moments:
            found = in_one(values, conv, eps=self.eps, moments=moments, relu=True)
            if found is not None:
                return found
        rectified = self(values).relu_()
        return bordered(conv, rectified) if conv else rectified

    def prepared(self, values: Tensor) -> Callable[[Tensor], Tensor]:
        """What normalises `values` [B, C, h, w], or a part of each of them; without gradients. As `forward`."""
        if self._fixed is None:
            statistics = [_statistics(each) for each in values]
        elif self in self._fixed:
            statistics = [self._fixed[self]]
        else:
            raise MissingStatistics(self, values)

        def normalise(part: Tensor) -> Tensor:
            pairs = zip(part.split(len(part) // len(statistics)), statistics, strict=True)
            normalised = [F.batch_norm(each, own.mean, own.variance, eps=self.eps) for each, own in pairs]
            return normalised[0] if len(normalised) == 1 else torch.cat(normalised)

        return normalise


def _statistics(values: Tensor) -> NormStatistics:
    """Of one picture's [C, h, w], in blocks that stay in the cache."""
    pixels, exact = values.flatten(1), torch.promote_types(values.dtype, torch.float32)
    blocks = pixels.split(BLOCK, 1)
    mean = torch.stack([block.sum(1, dtype=exact) for block in blocks]).sum(0) / pixels.shape[1]
    squares = [(block - mean[:, None]).square_().sum(1) for block in blocks]
    return NormStatistics(mean, torch.stack(squares).sum(0) / pixels.shape[1])


class MissingStatistics(Exception):  # noqa: N818 - it tells what was met, and nothing went wrong
    """A tile came to a norm whose statistics nobody knows yet; its way through the network ends there."""

    def __init__(self, norm: InstanceNorm, values: Tensor) -> None:
        super().__init__()
        self.norm = norm
        self.values = values
        """[B, C, h, w], what was to be normalised."""


@contextmanager
def fixed_statistics(network: StyleNetwork, known: Mapping[InstanceNorm, NormStatistics]) -> Iterator[None]:
    """Within this, every norm of the network takes its statistics from `known`, for whatever picture comes."""
    norms = _norms(network)
    try:
        for norm in norms:
            norm._fixed = known
        yield
    finally:
        for norm in norms:
            norm._fixed = None


def count_norms(network: StyleNetwork, *, encoding: bool) -> int:
    """How many a picture meets in the encoder, or else its features on their way back."""
    inside = len(_norms(network.get_submodule("encoder")))
    return inside if encoding else len(_norms(network)) - inside


def _norms(module: nn.Module) -> list[InstanceNorm]:
    return [layer for layer in module.modules() if isinstance(layer, InstanceNorm)]
