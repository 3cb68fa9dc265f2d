"""Walk over the pieces of a batch of pictures: one that memory cannot hold is cut smaller, and so are later ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isqrt

import torch
from torch import Tensor, nn

from ..models.networks.base import StyleNetwork
from .plan import Box, Grid, Tile

ROOM = 3 << 28
"""Bytes that a piece may take: more would not be faster, and interrupting would be slower."""
BUDGET = 1 << 30
"""Bytes of a feature map that may be kept."""
ENTIRE = 1 << 32
"""Bytes that a picture may take which cannot be cut, or only at the price of many passes."""
MOST = 1 << 22
"""Pixels that go through a network at once, whatever the memory."""
FLOOR = 64
"""Pixels of a side that is not cut any more."""
COPIES = 3
"""Maps of the peak_channels layer that are alive at once."""


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory is full, on a GPU or on the CPU."""
    return isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


class TooLargeError(ValueError):
    """The smallest piece does not fit into memory."""


@dataclass(frozen=True)
class Host:
    """What a walk needs of whoever runs it."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    """Where networks are; pictures stay where they lie, and their tiles travel."""
    tell: Callable[[int, int], None] = lambda done, total: None
    """Told before every piece how many pixels are done of how many; it raises to stop."""
    check: Callable[[], None] = lambda: None
    """Called before every convolution, since a piece may take seconds; it raises to stop."""
    free: Callable[[], None] = lambda: None
    """Gives memory back before the next try."""
    is_full: Callable[[Exception], bool] = out_of_memory
    room: int = ROOM
    entire: int = ENTIRE
    most: int = MOST
    budget: int = BUDGET
    floor: int = FLOOR


@dataclass(frozen=True)
class Piece:
    """What is computed at once: a tile of some pictures of the batch, or several small pictures whole."""

    items: slice
    tile: Tile
    band: Tile
    """The tile's row of tiles."""

    @property
    def area(self) -> int:
        return (self.items.stop - self.items.start) * self.tile.core.area


class Walk:
    """One way through pictures, maybe in several passes: how far it is, and how large a piece may be."""

    def __init__(self, host: Host, network: StyleNetwork, total: int) -> None:
        self.host = host
        self._network = network
        self.total = total
        """Pixels of all passes."""
        self.done = 0
        pixel = COPIES * network.peak_channels * network.dtype.itemsize
        self.pixels = min(host.most, host.room // pixel)
        """That a piece may have with its margins."""
        self.entire = host.entire // pixel
        """That a picture may have which had better not be cut."""
        self._limit = self.pixels
        """Pixels of the cores that fitted into memory at last."""

    def over(self, grid: Grid, batch: int, work: Callable[[Piece], None]) -> None:
        """`work` on all pieces of `batch` pictures, row by row; it must not have done anything when memory runs out.

        TooLargeError with the remedy where the smallest piece does not fit.
        """
        waiting = deque(self._pieces(grid, batch))
        with checked(self._network, self.host.check):
            while waiting:
                self.host.tell(self.done, self.total)
                piece = waiting.popleft()
                parts = self._parts(grid, piece) if piece.area > self._limit else []
                if not parts and not self._fits(work, piece):
                    self.host.free()
                    parts = self._parts(grid, piece)
                    if not parts:
                        raise TooLargeError(_remedy(grid))
                    self._limit = max(part.area for part in parts)
                waiting.extendleft(reversed(parts))
                self.done += 0 if parts else piece.area
        self.host.tell(self.done, self.total)

    def together(self, area: int) -> int:
        """How many pictures of so many pixels make one piece."""
        return max(1, self.pixels // area)

    def _pieces(self, grid: Grid, batch: int) -> list[Piece]:
        many = self.together(grid.picture.area)
        starts = range(0, batch, many)
        side = max(self.host.floor, isqrt(self.pixels) - 2 * grid.margin)
        tiles = [grid.tile(grid.picture)] if grid.picture.area <= self.pixels else grid.tiles(side)
        return [_piece(grid, slice(at, min(at + many, batch)), tile) for at in starts for tile in tiles]

    def _parts(self, grid: Grid, piece: Piece) -> list[Piece]:
        """Halves of the pictures, else quarters of the tile; none of a piece that cannot be cut."""
        first, last = piece.items.start, piece.items.stop
        if last - first > 1:
            half = (last - first) // 2
            return [_piece(grid, slice(at, min(at + half, last)), piece.tile) for at in range(first, last, half)]
        core = piece.tile.core
        longest = max(core.height, core.width)
        if longest <= max(self.host.floor, grid.stride) or grid.whole:
            return []
        return [Piece(piece.items, tile, piece.band) for tile in grid.tiles(-(-longest // 2), core)]

    def _fits(self, work: Callable[[Piece], None], piece: Piece) -> bool:
        # A function by itself, so that the exception, which holds the tensors that filled memory, is gone on return.
        try:
            work(piece)
        except (RuntimeError, MemoryError) as error:
            if not self.host.is_full(error):
                raise
            return False
        return True


@contextmanager
def checked(network: StyleNetwork, check: Callable[[], None]) -> Iterator[None]:
    """Within this, `check` is called before every convolution of the network."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_pre_hook(lambda *_: check()) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def cut(values: Tensor, box: Box) -> Tensor:
    """A box of [..., h, w], as a view; what lies beyond the edge is left out."""
    return values[..., box.top : box.bottom, box.left : box.right]


def _piece(grid: Grid, items: slice, tile: Tile) -> Piece:
    return Piece(items, tile, grid.band(tile))


def _remedy(grid: Grid) -> str:
    if grid.whole:
        return (
            "one picture alone does not fit into memory, and this network needs it whole: make it smaller, or use "
            "another network."
        )
    return "not even a small tile fits into memory: close what else uses the device, or use a smaller network."
