"""Instance normalisation that can be told its statistics: a tile alone does not know those of its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .network import StyleNetwork

BLOCK = 4096
"""Pixels whose sums are taken at once."""


@dataclass(frozen=True)
class Statistics:
    """Of one picture at one norm."""

    mean: Tensor
    """[C]"""
    variance: Tensor
    """[C], divided by the number of pixels."""


class InstanceNorm(nn.InstanceNorm2d):
    """Brings each channel of each picture to mean 0 and variance 1: by itself, or, if `frozen`, as it is told."""

    _known: Mapping[InstanceNorm, Statistics] | None = None

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, h, w] -> the same; Unmeasured where statistics are frozen and not known."""
        return super().forward(input) if self._known is None else self.prepared(input)(input)

    def prepared(self, values: Tensor) -> Callable[[Tensor], Tensor]:
        """What normalises `values` [B, C, h, w], or a part of each of them; without gradients. As `forward`."""
        statistics = [_measured(each) for each in values] if self._known is None else [self._told(values)]

        def normalise(part: Tensor) -> Tensor:
            pairs = zip(part.split(len(part) // len(statistics)), statistics, strict=True)
            normalised = [F.batch_norm(each, own.mean, own.variance, eps=self.eps) for each, own in pairs]
            return normalised[0] if len(normalised) == 1 else torch.cat(normalised)

        return normalise

    def _told(self, values: Tensor) -> Statistics:
        known = self._known or {}
        if self not in known:
            raise Unmeasured(self, values)
        return known[self]


def _measured(values: Tensor) -> Statistics:
    """Of one picture's [C, h, w], in blocks that stay in the cache."""
    pixels, exact = values.flatten(1), torch.promote_types(values.dtype, torch.float32)
    blocks = pixels.split(BLOCK, 1)
    mean = torch.stack([block.sum(1, dtype=exact) for block in blocks]).sum(0) / pixels.shape[1]
    squares = [(block - mean[:, None]).square_().sum(1) for block in blocks]
    return Statistics(mean, torch.stack(squares).sum(0) / pixels.shape[1])


class Unmeasured(Exception):  # noqa: N818 - it tells what was met, and nothing went wrong
    """A tile came to a norm whose statistics nobody knows yet; its way through the network ends there."""

    def __init__(self, norm: InstanceNorm, values: Tensor) -> None:
        super().__init__()
        self.norm = norm
        self.values = values
        """[B, C, h, w], what was to be normalised."""


@contextmanager
def frozen(network: StyleNetwork, known: Mapping[InstanceNorm, Statistics]) -> Iterator[None]:
    """Within this, every norm of the network takes its statistics from `known`, for whatever picture comes."""
    norms = _norms(network)
    try:
        for norm in norms:
            norm._known = known
        yield
    finally:
        for norm in norms:
            norm._known = None


def count_norms(network: StyleNetwork, *, encoding: bool) -> int:
    """How many a picture meets in the encoder, or else its features on their way back."""
    inside = len(_norms(network.get_submodule("encoder")))
    return inside if encoding else len(_norms(network)) - inside


def _norms(module: nn.Module) -> list[InstanceNorm]:
    return [layer for layer in module.modules() if isinstance(layer, InstanceNorm)]
