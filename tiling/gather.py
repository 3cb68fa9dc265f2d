"""Moments of pictures of any size: those of their tiles, each pixel once, add up."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..models.network import StyleNetwork
from ..transfer.moments import Moments
from ..transfer.regions import cell_weights
from .codec import Cells, encoding_grid
from .plan import Box
from .run import Piece, Walk, cut

Found = dict[tuple[str, int], Moments]


def gather(
    walk: Walk,
    network: StyleNetwork,
    pictures: Tensor,
    levels: Sequence[str],
    regions: Sequence[Tensor | None],
    full: bool,
    keep: Cells | None = None,
) -> dict[str, list[Moments]]:
    """Moments of `pictures` [B, 3, H, W] at every level, for each of several regions in order.

    A region is a mask [1 or B, H, W] in 0..1, or None for everything. The first level's features go to `keep`.
    """
    spaces = [network.space(level) for level in levels]
    grid = encoding_grid(network, (pictures.shape[-2], pictures.shape[-1]), spaces)
    sums = {(level, number): _Sum() for level in levels for number in range(len(regions))}

    def work(piece: Piece) -> None:
        seen = cut(pictures[piece.items], piece.tile.outer).to(walk.host.device, torch.float32)
        found: Found = {}
        for level, features in network.encode_levels(seen, levels).items():
            if keep is not None and level == levels[0]:
                keep.offer(piece, features.values)
            stride, core = features.space.stride, piece.tile.core
            values = cut(features.values, core.cells(stride).within(piece.tile.outer.cells(stride)))
            for number, mask in enumerate(regions):
                weights = None if mask is None else weights_of(mask, piece.items, core, values, stride)
                found[level, number] = Moments.of(values, weights, full)
        for key, moments in found.items():  # only now, since memory may run out before, and the piece be tried again
            sums[key].add(piece.items, moments)

    walk.over(grid, pictures.shape[0], work)
    return {level: [sums[level, number].total() for number in range(len(regions))] for level in levels}


def weights_of(mask: Tensor, items: slice, box: Box, values: Tensor, stride: int) -> Tensor:
    """A mask as weights [1 or n, 1, h, w] of `values` [n, C, h, w], the features of a box of some pictures."""
    height, width = values.shape[-2:]
    last = mask.shape[-2] - 1, mask.shape[-1] - 1  # stands for what a tiny picture is padded with, too
    seen = Box(min(box.top, last[0]), min(box.left, last[1]), box.bottom, box.right)
    return cell_weights(cut(items_of(mask, items), seen), (height, width), stride).to(values.device)


def items_of(mask: Tensor, items: slice) -> Tensor:
    """The masks of some pictures, where one goes with all."""
    return mask if mask.shape[0] == 1 else mask[items]


class _Sum:
    """Moments of a batch, which come for some pictures at a time."""

    def __init__(self) -> None:
        self._parts: dict[int, Moments] = {}

    def add(self, items: slice, moments: Moments) -> None:
        known = self._parts.get(items.start)
        self._parts[items.start] = moments if known is None else known.merge(moments)

    def total(self) -> Moments:
        return Moments.joined([self._parts[start] for start in sorted(self._parts)])
