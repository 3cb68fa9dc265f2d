"""The values of feature maps themselves, sorted: what exact histogram matching is fitted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor

MAX_CELLS = 1 << 16
"""Cells of a picture whose values are all kept; of a larger one those of an even lattice."""


def lattice(cells: int) -> int:
    """Of a map of so many cells every how many-th row and column is kept: the map decides, never a tile of it."""
    return max(1, isqrt(-(-cells // MAX_CELLS) - 1) + 1)


@dataclass(frozen=True)
class Quantiles:
    """The values of each channel of B feature maps in any order, in float32 (float64 where the features are)."""

    values: Tensor
    """[B, C, N]"""
    weights: Tensor
    """[B, N], how much the cells count"""

    @staticmethod
    def of(values: Tensor, weights: Tensor | None = None) -> Quantiles:
        """Of `values` [B, C, h, w], each cell counting as much as `weights` [B or 1, 1, h, w] in 0..1 says."""
        kept = values.flatten(2).to(torch.promote_types(values.dtype, torch.float32))
        if weights is None:
            return Quantiles(kept, kept.new_ones(len(kept), kept.shape[2]))
        return Quantiles(kept, weights.flatten(1).to(kept).expand(len(kept), -1))

    def merge(self, other: Quantiles) -> Quantiles:
        """Those of both sets of cells together."""
        return Quantiles(torch.cat([self.values, other.values], 2), torch.cat([self.weights, other.weights], 1))

    @staticmethod
    def joined(parts: Sequence[Quantiles]) -> Quantiles:
        """Those of several batches as one batch."""
        return Quantiles(torch.cat([part.values for part in parts]), torch.cat([part.weights for part in parts]))

    def of_items(self, items: slice) -> Quantiles:
        """Those of some items of the batch; one item goes with all."""
        return self if len(self.values) == 1 else Quantiles(self.values[items], self.weights[items])

    def over_batch(self) -> Quantiles:
        """Those of all items as if they were one picture."""
        return Quantiles(self.values.movedim(0, 1).flatten(1)[None], self.weights.flatten()[None])

    def over_window(self, before: int, after: int, shots: Tensor | None = None) -> Quantiles:
        """Each item's merged with those of its neighbours in the batch, `before` items back to `after` ahead, and of
        the same number in `shots` [B], which rise along the batch."""
        place, found = torch.arange(len(self.values), device=self.values.device), []
        shots = torch.zeros_like(place) if shots is None else shots
        for step in range(-before, after + 1):
            near = (place + step).clamp(0, len(place) - 1)
            counts = (near == place + step) & (shots[near] == shots)
            found.append(Quantiles(self.values[near], self.weights[near] * counts[:, None]))
        return Quantiles(torch.cat([f.values for f in found], 2), torch.cat([f.weights for f in found], 1))

    @property
    def count(self) -> Tensor:
        """[B], the sum of the weights."""
        return self.weights.sum(1)

    def ascending(self) -> tuple[Tensor, Tensor]:
        """The values in order and their shares, both [B, C, N]; shares sum to one, or are 0 where nothing counts."""
        values, order = self.values.sort(-1)
        weights = self.weights[:, None].expand_as(values).gather(-1, order)
        return values, weights / weights.sum(-1, keepdim=True).clamp_min(1e-12)
