"""Encode and decode pictures tile by tile, with the very features and pixels that the whole picture would give."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import torch
from torch import Tensor

from ..models.networks.base import FeatureMap, FeatureSpace, StyleNetwork
from ..models.networks.norm import count_norms
from ..transfer.masks import cell_weights
from ..transfer.moments import Moments
from .instance_norm import over
from .plan import Box, Grid, up
from .runner import Host, Piece, Walk, cut


@torch.no_grad()
def encode(network: StyleNetwork, image: Tensor, level: str, host: Host) -> FeatureMap:
    """Features of `image` [B, 3, H, W] in 0..1, on the host's device while they fit its budget, else on the CPU.

    Networks that normalise inside take the picture whole, and only if that does not fit in tiles, one pass a norm.
    ValueError for an unknown level, and where the map does not fit into memory.
    """
    space, size = network.space(level), (image.shape[-2], image.shape[-1])
    grid = encoding_grid(network, size, [space])
    walk = Walk(host, network, image.shape[0] * grid.picture.area)
    cells = Cells(network, space, grid.size, image.shape[0], host)

    def work(piece: Piece) -> None:
        seen = cut(image[piece.items], piece.tile.outer).to(host.device, torch.float32)
        cells.put(piece, network.encode(seen, level).values)

    over(walk, network, grid, image.shape[0], work, count_norms(network, encoding=True))
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
    result = blank(batch, features.image_size, device)
    walk = Walk(host, network, batch * grid.picture.area)

    def work(piece: Piece) -> None:
        values = cut(features.values[piece.items], piece.tile.outer.cells(stride)).to(host.device)
        paint(network, features.with_values(values), decoder, piece, piece.tile.outer, result)

    over(walk, network, grid, batch, work, count_norms(network, encoding=False))
    return result


def paint(network: StyleNetwork, features: FeatureMap, decoder: str, piece: Piece, seen: Box, result: Tensor) -> None:
    """Decode the features of what is `seen` around a piece and write its core into `result` [B, 3, H, W], in 0..1."""
    height, width = result.shape[-2:]
    size = min(seen.bottom, height) - seen.top, min(seen.right, width) - seen.left
    values = features.values.contiguous(memory_format=torch.channels_last)
    picture = network.decode(FeatureMap(values, features.space, size), decoder)
    core = piece.tile.core
    cut(result[piece.items], core).copy_(cut(picture, core.within(seen)).clamp_(0, 1))


def blank(batch: int, size: tuple[int, int], device: torch.device | None = None) -> Tensor:
    """Room for pictures [B, 3, H, W] that lie in memory as [B, H, W, 3]."""
    return torch.empty(batch, *size, 3, device=device).movedim(-1, 1)


def encoding_grid(network: StyleNetwork, size: tuple[int, int], spaces: Sequence[FeatureSpace]) -> Grid:
    """Tiles whose cores can be encoded at several levels."""
    stride = max(space.stride for space in spaces)
    return _grid(network, size, stride, max(space.encoder_margin for space in spaces))


def decoding_grid(network: StyleNetwork, size: tuple[int, int], space: FeatureSpace, encoded: bool = True) -> Grid:
    """Tiles whose cores can be decoded; if they are not `encoded` yet, tiles that can first be encoded."""
    encoder = 0 if encoded else up(space.encoder_margin, space.stride)
    grid = _grid(network, size, space.stride, encoder + space.decoder_margin)
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


class Cells:
    """A feature map that is put together from the cores of pieces."""

    def __init__(
        self, network: StyleNetwork, space: FeatureSpace, size: tuple[int, int], batch: int, host: Host
    ) -> None:
        """Of pictures of `size` as a grid has it."""
        self.stride, self.batch = space.stride, batch
        self.map = Box(0, 0, *size).cells(space.stride)
        self.fits = batch * space.channels * self.map.area * network.dtype.itemsize <= host.budget
        """Whether the whole map is within the host's budget, and there was room for it."""
        self._host, self._device = host, host.device if self.fits else torch.device("cpu")
        self._channels = space.channels
        self._values: Tensor | None = None

    @property
    def values(self) -> Tensor:
        """[B, C, h, w]"""
        assert self._values is not None  # every picture has a piece
        return self._values

    def put(self, piece: Piece, values: Tensor) -> None:
        """Take the core of what was encoded of a piece."""
        box = piece.tile.core.cells(self.stride)
        core = cut(values, box.within(piece.tile.outer.cells(self.stride)))
        if len(core) == self.batch and box == self.map:
            self._values = core.to(self._device)
            return
        if self._values is None:
            self._values = self._room(core)
        cut(self._values[piece.items], box).copy_(core)

    def offer(self, piece: Piece, values: Tensor) -> None:
        """`put`, while the map fits."""
        try:
            if self.fits:
                self.put(piece, values)
        except NoRoomError:
            self.fits = False

    def get(self, piece: Piece, box: Box) -> Tensor:
        """The cells that a box of pixels covers, of the piece's pictures, on the host's device."""
        return cut(self.values[piece.items], box.cells(self.stride)).to(self._host.device)

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

    def read(self, piece: Piece) -> Tensor:
        """What was under a piece, margins included."""
        outer = piece.band.outer
        if (self._items, self._span) != (piece.items, (outer.top, outer.bottom)):
            self._enter(piece)
        return cut(self._rows, piece.tile.outer.within(outer))

    def _enter(self, piece: Piece) -> None:
        """Keep the rows of the next band; those painted over already come from the last band, which saw them before."""
        first, outer = piece.band.core.top, piece.band.outer
        rows = [self.picture[piece.items, :, first : outer.bottom]]
        if outer.top < first:
            last = self._span[0]
            rows.insert(0, self._rows[:, :, outer.top - last : first - last])
        self._rows = torch.cat(rows, 2)
        self._items, self._span = piece.items, (outer.top, outer.bottom)


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
