"""Encode and decode pictures tile by tile, with the very features and pixels that the whole picture would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from ..models.networks.base import FeatureMap, FeatureSpace, StyleNetwork
from ..transfer.masks import cell_weights
from ..transfer.moments import Moments
from ..transfer.quantiles import Quantiles, lattice
from .instance_norm import over_tiles
from .plan import Box, Grid, up
from .policy import Host
from .runner import TileBatch, TileLoop, cut
from .transfers import Transfers, room_for

GLIMPSE_SIDE = 512
"""Pixels, of a picture that is looked at while it is painted."""

Kind = Literal["diagonal", "full", "quantiles"] | None
"""Of statistics: each channel's own moments, those between channels too, all values; or none."""
Statistics = Moments | Quantiles


@torch.no_grad()
def encode(network: StyleNetwork, image: Tensor, level: str, host: Host) -> FeatureMap:
    """Features of `image` [B, 3, H, W] in 0..1, on the host's device while they fit its limit, else on the CPU.

    Networks that normalise inside take the picture whole, and only if that does not fit in tiles, one pass a norm.
    ValueError for an unknown level, and where the map does not fit into memory.
    """
    space, size = network.space(level), (image.shape[-2], image.shape[-1])
    grid = encoding_grid(network, size, [space])
    loop = TileLoop(host, network, image.shape[0] * grid.picture.area)
    cells, transfers = FeatureBuffer(network, space, grid.size, image.shape[0], host), Transfers(host.device)

    def work(part: TileBatch) -> None:
        seen = transfers.upload(cut(image[part.items], part.tile.outer))
        cells.put(part, network.encode(seen, level).values)

    over_tiles(loop, network, grid, image.shape[0], work, encoding=True)
    return FeatureMap(cells.values, space, size)


@torch.no_grad()
def decode(
    network: StyleNetwork, features: FeatureMap, decoder: str, host: Host, device: torch.device | None = None
) -> Tensor:
    """The pictures [B, 3, H, W] of features, clamped to 0..1, float32 on `device` (the CPU unless told).

    In memory they lie as [B, H, W, 3]. Networks that normalise inside go as for `encode`. ValueError as
    `StyleNetwork.decode`, and where not even small tiles fit.
    """
    grid = decoding_grid(network, features.image_size, features.space)
    batch, stride = features.values.shape[0], features.space.stride
    result = blank(batch, features.image_size, device, host.device)
    loop, transfers = TileLoop(host, network, batch * grid.picture.area), Transfers(host.device)
    if host.show:
        result.zero_()

    def work(part: TileBatch) -> None:
        values = cut(features.values[part.items], part.tile.outer.cells(stride)).to(host.device)
        paint(network, features.with_values(values), decoder, part, part.tile.outer, result, transfers=transfers)
        if host.show:
            host.show(partial(glimpse, result, part))

    over_tiles(loop, network, grid, batch, work, encoding=False)
    transfers.finish()
    return result


def glimpse(result: Tensor, part: TileBatch) -> Tensor:
    """The picture [1, 3, h, w] that a tile batch belongs to, of at most `GLIMPSE_SIDE` pixels a side."""
    picture = result[part.items.start, None]
    step = -(-max(picture.shape[-2:]) // GLIMPSE_SIDE)
    return picture[..., ::step, ::step]


def paint(
    network: StyleNetwork,
    features: FeatureMap,
    decoder: str,
    part: TileBatch,
    seen: Box,
    result: Tensor,
    before: Tensor | None = None,
    coverage: Tensor | None = None,
    transfers: Transfers | None = None,
) -> None:
    """Decode the features of what is `seen` around a tile batch and write its core into `result` [B, 3, H, W], in 0..1.

    By `transfers` it need not be there before they are finished. With `coverage` [1 or n, h, w] of the core it covers
    what was there `before` [B, 3, H, W] only so far.
    """
    height, width = result.shape[-2:]
    size = min(seen.bottom, height) - seen.top, min(seen.right, width) - seen.left
    values = features.values.contiguous(memory_format=torch.channels_last)
    picture = network.decode(FeatureMap(values, features.space, size), decoder)
    core = part.tile.core
    painted = cut(picture, core.within(seen)).clamp_(0, 1)
    if before is not None and coverage is not None:
        painted = cut(before[part.items], core).to(painted).lerp(painted, coverage[:, None].to(painted))
    place = cut(result[part.items], core)
    transfers.download(painted, place) if transfers else place.copy_(painted)


def blank(
    batch: int, size: tuple[int, int], device: torch.device | None = None, source: torch.device | None = None
) -> Tensor:
    """Room for pictures [B, 3, H, W] that lie in memory as [B, H, W, 3], and are painted on `source`."""
    return room_for((batch, *size, 3), device, source or torch.device("cpu")).movedim(-1, 1)


def encoding_grid(network: StyleNetwork, size: tuple[int, int], spaces: Sequence[FeatureSpace]) -> Grid:
    """Tiles whose cores can be encoded at several levels."""
    stride = max(space.stride for space in spaces)
    return _grid(network, size, stride, max(space.encoder_margin for space in spaces))


def decoding_grid(
    network: StyleNetwork, size: tuple[int, int], space: FeatureSpace, encoded: bool = True, halo: int = 0
) -> Grid:
    """Tiles whose cores can be decoded; if they are not `encoded` yet, tiles that can first be encoded.

    An operator before the decoder may see `halo` cells beyond its own.
    """
    encoder = 0 if encoded else up(space.encoder_margin, space.stride)
    grid = _grid(network, size, space.stride, encoder + space.decoder_margin + halo * space.stride)
    if network.local or not encoded:
        return grid
    # What normalises inside sees the last cells to their end, though it is cut off afterwards.
    return replace(grid, size=(up(grid.size[0], grid.stride), up(grid.size[1], grid.stride)))


def _grid(network: StyleNetwork, size: tuple[int, int], stride: int, margin: int) -> Grid:
    # What is smaller than the network takes is padded by it; a tile must not be where the picture is not.
    least = network.minimum_side
    padded = max(size[0], least), max(size[1], least)
    return Grid(padded, stride, max(margin, least - 1), whole=not network.local)


class NoRoomError(ValueError):
    """Memory cannot hold a feature map."""


class FeatureBuffer:
    """A feature map that is put together from the cores of tile batches."""

    def __init__(
        self, network: StyleNetwork, space: FeatureSpace, size: tuple[int, int], batch: int, host: Host
    ) -> None:
        """Of pictures of `size` as a grid has it."""
        self.stride, self.batch = space.stride, batch
        self.map = Box(0, 0, *size).cells(space.stride)
        self.fits = batch * space.channels * self.map.area * network.dtype.itemsize <= host.policy.feature_bytes
        """Whether the whole map is within the host's limit, and there was room for it."""
        self._host, self._device = host, host.device if self.fits else torch.device("cpu")
        self._channels = space.channels
        self._values: Tensor | None = None

    @property
    def values(self) -> Tensor:
        """[B, C, h, w]"""
        assert self._values is not None  # every picture has a tile batch
        return self._values

    def put(self, part: TileBatch, values: Tensor) -> None:
        """Take the core of what was encoded of a tile batch."""
        box = part.tile.core.cells(self.stride)
        core = cut(values, box.within(part.tile.outer.cells(self.stride)))
        if len(core) == self.batch and box == self.map:
            self._values = core.to(self._device)
            return
        if self._values is None:
            self._values = self._room(core)
        cut(self._values[part.items], box).copy_(core)

    def offer(self, part: TileBatch, values: Tensor) -> None:
        """`put`, while the map fits."""
        try:
            if self.fits:
                self.put(part, values)
        except NoRoomError:
            self.fits = False

    def get(self, part: TileBatch, box: Box) -> Tensor:
        """The cells that a box of pixels covers, of its pictures, on the host's device."""
        return cut(self.values[part.items], box.cells(self.stride)).to(self._host.device)

    def _room(self, like: Tensor) -> Tensor:
        shape = self.batch, self._channels, self.map.height, self.map.width
        for device in dict.fromkeys((self._device, torch.device("cpu"))):
            with suppress(RuntimeError):
                return torch.empty(shape, dtype=like.dtype, device=device, memory_format=torch.channels_last)
        raise NoRoomError(
            "the features of this picture do not fit into memory: make it smaller, or use Stylize Large, which never "
            "holds them all."
        )


class Overpainted:
    """A picture [B, 3, H, W] that is painted over from top to bottom, and read as it was before."""

    def __init__(self, picture: Tensor) -> None:
        self.picture = picture
        self._items, self._span = slice(0), (0, 0)
        self._rows = picture[:, :, :0]

    def read(self, part: TileBatch) -> Tensor:
        """What was under a tile batch, margins included."""
        outer = part.band.outer
        if (self._items, self._span) != (part.items, (outer.top, outer.bottom)):
            self._enter(part)
        return cut(self._rows, part.tile.outer.within(outer))

    def _enter(self, part: TileBatch) -> None:
        """Keep the rows of the next band; those painted over already come from the last band, which saw them before."""
        first, outer = part.band.core.top, part.band.outer
        rows = [self.picture[part.items, :, first : outer.bottom]]
        if outer.top < first:
            last = self._span[0]
            rows.insert(0, self._rows[:, :, outer.top - last : first - last])
        self._rows = torch.cat(rows, 2)
        self._items, self._span = part.items, (outer.top, outer.bottom)


def accumulate_statistics(
    loop: TileLoop,
    network: StyleNetwork,
    pictures: Tensor,
    wanted: Mapping[str, Kind],
    regions: Sequence[Tensor | None],
    keep: FeatureBuffer | None = None,
) -> dict[str, list[Statistics]]:
    """Statistics of `pictures` [B, 3, H, W] by level, for each of several regions in order.

    `wanted` names their kind at each level. A region is a mask [1 or B, H, W] in 0..1, or None for everything. The
    first level's features go to `keep`: whole where the network normalises inside, else while they fit.
    """
    spaces = [network.space(level) for level in wanted]
    size = (pictures.shape[-2], pictures.shape[-1])
    grid = encoding_grid(network, size, spaces)
    transfers = Transfers(loop.host.device)
    sums: dict[tuple[str, int], dict[int, Statistics]] = {(at, n): {} for at in wanted for n in range(len(regions))}

    def work(part: TileBatch) -> None:
        seen = transfers.upload(cut(pictures[part.items], part.tile.outer))
        found: list[tuple[tuple[str, int], Statistics]] = []
        for (level, kind), features in zip(wanted.items(), network.encode_levels(seen, wanted).values(), strict=True):
            if keep is not None and level == next(iter(wanted)):
                (keep.offer if network.local else keep.put)(part, features.values)
            stride, core = features.space.stride, part.tile.core
            box = core.cells(stride)
            values = cut(features.values, box.within(part.tile.outer.cells(stride)))
            area = Box(0, 0, *size).cells(stride).area
            for number, mask in enumerate(regions if kind else ()):
                weights = None if mask is None else weights_of(mask, part.items, core, values, stride)
                found.append(((level, number), statistics_of(kind, values, weights, box, area)))
        for key, statistics in found:  # only now: memory may run out before, and the tile batch be tried again
            known = sums[key].get(part.items.start)
            sums[key][part.items.start] = statistics if known is None else known.merge(statistics)  # pyright: ignore[reportArgumentType]

    over_tiles(loop, network, grid, pictures.shape[0], work, encoding=True)
    return {level: [_joined(sums[level, n]) for n in range(len(regions))] for level, kind in wanted.items() if kind}


def _joined(parts: Mapping[int, Statistics]) -> Statistics:
    """Those of the whole batch, of parts by the number of their first picture."""
    ordered = [parts[start] for start in sorted(parts)]
    return type(ordered[0]).joined(ordered)  # pyright: ignore[reportArgumentType]


def statistics_of(kind: Kind, values: Tensor, weights: Tensor | None, box: Box, area: int) -> Statistics:
    """Statistics of `values` [B, C, h, w], the cells in `box` of a map of `area` cells, weighted [B or 1, 1, h, w]."""
    if kind == "quantiles":
        step = lattice(area)
        rows, columns = (slice(-first % step, None, step) for first in (box.top, box.left))
        weights = None if weights is None else weights[..., rows, columns]
        return Quantiles.of(values[..., rows, columns], weights)
    return Moments.of(values, weights, kind == "full")


def statistics_of_map(kind: Kind, values: Tensor, weights: Tensor | None) -> Statistics:
    """Statistics of a whole map [B, C, h, w], weighted [1 or B, 1, h, w]."""
    box = Box(0, 0, values.shape[-2], values.shape[-1])
    return statistics_of(kind, values, weights, box, box.area)


def weights_of(mask: Tensor, items: slice, box: Box, values: Tensor, stride: int) -> Tensor:
    """A mask as weights [1 or n, 1, h, w] of `values` [n, C, h, w], the features of a box of some pictures."""
    height, width = values.shape[-2:]
    last = mask.shape[-2] - 1, mask.shape[-1] - 1  # stands for what a tiny picture is padded with, too
    seen = Box(min(box.top, last[0]), min(box.left, last[1]), box.bottom, box.right)
    return cell_weights(cut(items_of(mask, items), seen), (height, width), stride).to(values.device)


def items_of(mask: Tensor, items: slice) -> Tensor:
    """The masks of some pictures, where one goes with all."""
    return mask if mask.shape[0] == 1 else mask[items]
