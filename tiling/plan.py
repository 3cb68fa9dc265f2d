"""How a picture is cut into tiles that a network sees one by one: integers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """Rows top to bottom and columns left to right, the last ones excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        return self.height * self.width

    def within(self, other: Box) -> Box:
        """This box as seen from the corner of `other`."""
        return Box(self.top - other.top, self.left - other.left, self.bottom - other.top, self.right - other.left)

    def cells(self, stride: int) -> Box:
        """The cells of `stride` pixels that a box covers, be it in part."""
        return Box(self.top // stride, self.left // stride, -(-self.bottom // stride), -(-self.right // stride))


@dataclass(frozen=True)
class Tile:
    """What a tile is for, and what has to be seen for it."""

    core: Box
    outer: Box


@dataclass(frozen=True)
class Grid:
    """Where tiles of a picture may lie: cores begin at multiples of `stride`, and `margin` more pixels are seen.

    The margin is rounded up to the stride and ends where the picture does. So the picture's own borders are a tile's
    borders, too, and what the network makes of other borders lies outside the core.
    """

    size: tuple[int, int]
    """(H, W) in pixels."""
    stride: int
    margin: int
    whole: bool = False
    """Whether the picture must not be cut."""

    @property
    def picture(self) -> Box:
        return Box(0, 0, *self.size)

    def tile(self, core: Box) -> Tile:
        """The tile of a core that begins at multiples of the stride."""
        margin = up(self.margin, self.stride)
        top, left = max(0, core.top - margin), max(0, core.left - margin)
        bottom, right = min(self.size[0], core.bottom + margin), min(self.size[1], core.right + margin)
        return Tile(core, Box(top, left, bottom, right))

    def tiles(self, side: int, within: Box | None = None) -> list[Tile]:
        """Tiles, row by row, whose cores cover a box of the grid: about alike, no longer than `side` or the stride."""
        box = within or self.picture
        if self.whole:
            return [self.tile(box)]
        rows, columns = (
            list(self._spans(first, last, side)) for first, last in ((box.top, box.bottom), (box.left, box.right))
        )
        return [self.tile(Box(top, left, bottom, right)) for top, bottom in rows for left, right in columns]

    def band(self, tile: Tile) -> Tile:
        """The tile's rows through the whole picture."""
        return self.tile(Box(tile.core.top, 0, tile.core.bottom, self.size[1]))

    def _spans(self, first: int, last: int, side: int) -> Iterator[tuple[int, int]]:
        longest = max(side // self.stride * self.stride, self.stride)
        count = -(-(last - first) // longest)
        step = up(-(-(last - first) // count), self.stride)
        return ((start, min(start + step, last)) for start in range(first, last, step))


def up(length: int, stride: int) -> int:
    """The next multiple of `stride`."""
    return -(-length // stride) * stride
