"""A loop over the tiles of a batch of pictures: what memory cannot hold is cut smaller, and so are later tiles."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from math import isqrt

from torch import Tensor, nn

from ..models.networks.base import StyleNetwork
from .plan import Box, Grid, Tile
from .policy import Host


class TooLargeError(ValueError):
    """The smallest tile does not fit into memory."""


@dataclass(frozen=True)
class TileBatch:
    """What is computed at once: a tile of some pictures of the batch, or several small pictures whole."""

    items: slice
    tile: Tile
    band: Tile
    """The tile's row of tiles."""

    @property
    def area(self) -> int:
        return (self.items.stop - self.items.start) * self.tile.core.area


class TileLoop:
    """One way through pictures, maybe in several passes: how far it is, and how large a tile batch may be."""

    def __init__(self, host: Host, network: StyleNetwork, total: int) -> None:
        self.host = host
        self._network = network
        self.total = total
        """Pixels of all passes."""
        self.done = 0
        self.pixels = host.policy.pixels(network)
        self.whole_pixels = host.policy.whole_pixels(network)
        self._limit = self.pixels
        """Pixels of the cores that fitted into memory at last."""

    def over(self, grid: Grid, batch: int, work: Callable[[TileBatch], None]) -> None:
        """`work` on all tile batches of `batch` pictures, row by row, which does nothing where memory runs out.

        TooLargeError with the remedy where the smallest tile does not fit.
        """
        waiting = deque(self._tile_batches(grid, batch))
        # A GPU's host hands out the work of a tile batch in a few milliseconds, and a hook a layer would double them.
        at_once = self.host.device.type == "cuda"
        with nullcontext() if at_once else checked(self._network, self.host.interrupt):
            while waiting:
                self.host.progress(self.done, self.total)
                if at_once:
                    self.host.interrupt()
                part = waiting.popleft()
                parts = self._parts(grid, part) if part.area > self._limit else []
                if not parts and not self._fits(work, part):
                    if self._network.graphs is not None:
                        self._network.graphs.clear()
                    self.host.empty_cache()
                    parts = self._parts(grid, part)
                    if not parts:
                        raise TooLargeError(_remedy(grid))
                    self._limit = max(part.area for part in parts)
                waiting.extendleft(reversed(parts))
                self.done += 0 if parts else part.area
        self.host.progress(self.done, self.total)

    def at_once(self, area: int) -> bool:
        """Whether pictures of so many pixels in all are one tile batch."""
        return area <= min(self.pixels, self._limit, self.whole_pixels)

    def together(self, area: int) -> int:
        """How many pictures of so many pixels make one tile batch."""
        return max(1, self.pixels // area)

    def _tile_batches(self, grid: Grid, batch: int) -> list[TileBatch]:
        many = self.together(grid.picture.area)
        starts = range(0, batch, many)
        side = max(self.host.policy.minimum_side, isqrt(self.pixels) - 2 * grid.margin)
        tiles = [grid.tile(grid.picture)] if grid.picture.area <= self.pixels else grid.tiles(side)
        return [_tile_batch(grid, slice(at, min(at + many, batch)), tile) for at in starts for tile in tiles]

    def _parts(self, grid: Grid, part: TileBatch) -> list[TileBatch]:
        """Halves of the pictures, else quarters of the tile; none of a tile batch that cannot be cut."""
        first, last = part.items.start, part.items.stop
        if last - first > 1:
            half = (last - first) // 2
            return [_tile_batch(grid, slice(at, min(at + half, last)), part.tile) for at in range(first, last, half)]
        core = part.tile.core
        longest = max(core.height, core.width)
        if longest <= max(self.host.policy.minimum_side, grid.stride) or grid.whole:
            return []
        return [TileBatch(part.items, tile, part.band) for tile in grid.tiles(-(-longest // 2), core)]

    def _fits(self, work: Callable[[TileBatch], None], part: TileBatch) -> bool:
        # A function by itself, so that the exception, which holds the tensors that filled memory, is gone on return.
        try:
            work(part)
        except (RuntimeError, MemoryError) as error:
            graphs = self._network.graphs
            if not self.host.is_full(error) or (graphs is not None and graphs.recording):
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


def _tile_batch(grid: Grid, items: slice, tile: Tile) -> TileBatch:
    return TileBatch(items, tile, grid.band(tile))


def _remedy(grid: Grid) -> str:
    if grid.whole:
        return (
            "one picture alone does not fit into memory, and this network needs it whole: make it smaller, or use "
            "another network."
        )
    return "not even a small tile fits into memory: close what else uses the device, or use a smaller network."
