"""Tiles of networks that normalise inside: every InstanceNorm gets the whole picture's statistics in a pass of its own.

A pass runs each tile up to the first norm whose statistics are not known yet, and adds up the moments of what comes to
it; the last pass meets no such norm. So tiles show what the whole picture would, whatever their size. Statistics of a
reduced picture, or of a part of it, cost one pass and are far off: see benchmarks/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from ..models.networks.base import StyleNetwork
from ..models.networks.norm import InstanceNorm, MissingStatistics, NormStatistics, count_norms, fixed_statistics
from ..transfer.moments import Moments
from .plan import Grid, Tile
from .runner import TileBatch, TileLoop, TooLargeError, cut

Work = Callable[[TileBatch], None]
Known = dict[InstanceNorm, NormStatistics]


def over_tiles(loop: TileLoop, network: StyleNetwork, grid: Grid, batch: int, work: Work, *, encoding: bool) -> None:
    """As `TileLoop.over`, where `work` runs a tile batch through the network's encoder or its decoder.

    If that normalises inside, pictures go whole while they fit; else in tiles, by the statistics of each picture.
    """
    done = loop.done
    if network.local or grid.picture.area <= loop.whole_pixels:
        try:
            return loop.over(grid, batch, work)
        except TooLargeError:
            if network.local:
                raise
            loop.done = done
    loop.total += count_norms(network, encoding=encoding) * batch * grid.picture.area
    for item in range(batch):
        known: Known = {}

        def of_item(part: TileBatch, item: int = item) -> None:
            work(replace(part, items=slice(item, item + 1)))

        while met := _first_unknown(loop, network, replace(grid, whole=False), of_item, known):
            norm, moments = met
            known[norm] = NormStatistics(moments.mean[0], moments.scatter[0] / moments.count[0])


def _first_unknown(
    loop: TileLoop, network: StyleNetwork, grid: Grid, work: Work, known: Known
) -> tuple[InstanceNorm, Moments] | None:
    """One pass: the first norm that is not `known` and the moments there, or None once `work` is done."""
    met: tuple[InstanceNorm, Moments] | None = None

    def measured(part: TileBatch) -> None:
        nonlocal met
        try:
            with fixed_statistics(network, known):
                work(part)
        except MissingStatistics as missing:
            moments = Moments.of(_core(missing.values, part.tile))
            met = missing.norm, met[1].merge(moments) if met else moments

    loop.over(grid, 1, measured)
    return met


def _core(values: Tensor, tile: Tile) -> Tensor:
    """The part of `values` [1, C, h, w], computed of a tile at any stride, that its core covers."""
    stride = 1
    while tile.outer.cells(stride).height > values.shape[-2]:
        stride *= 2
    return cut(values, tile.core.cells(stride).within(tile.outer.cells(stride)))
