"""Tiles cover a picture once, begin on cells, and see as far as they must."""

from hypothesis import given
from hypothesis import strategies as st

from brushwork.tests.laws import law
from brushwork.tiling.plan import Box, Grid, Tile, up

lengths, strides = st.integers(1, 70), st.sampled_from([1, 2, 4, 8, 16])
grids = st.builds(Grid, st.tuples(lengths, lengths), strides, st.integers(0, 40))


def pixels(box: Box) -> set[tuple[int, int]]:
    return {(y, x) for y in range(box.top, box.bottom) for x in range(box.left, box.right)}


@law
@given(grids, st.integers(1, 80))
def test_every_pixel_is_in_one_core(grid: Grid, side: int) -> None:
    tiles = grid.tiles(side)
    assert sum(tile.core.area for tile in tiles) == grid.picture.area
    assert set().union(*(pixels(tile.core) for tile in tiles)) == pixels(grid.picture)
    assert all(max(tile.core.height, tile.core.width) <= max(side, grid.stride) for tile in tiles)


@law
@given(grids, st.integers(1, 80))
def test_tiles_begin_on_cells_and_end_there_or_with_the_picture(grid: Grid, side: int) -> None:
    for box in (box for tile in grid.tiles(side) for box in (tile.core, tile.outer)):
        assert box.top % grid.stride == box.left % grid.stride == 0
        assert box.bottom % grid.stride == 0 or box.bottom == grid.size[0]
        assert box.right % grid.stride == 0 or box.right == grid.size[1]


@law
@given(grids, st.integers(1, 80))
def test_a_margin_is_seen_on_every_side_but_beyond_the_picture(grid: Grid, side: int) -> None:
    for core, outer in ((tile.core, tile.outer) for tile in grid.tiles(side)):
        margin = up(grid.margin, grid.stride)
        assert (outer.top, outer.left) == (max(0, core.top - margin), max(0, core.left - margin))
        assert (outer.bottom, outer.right) == (
            min(grid.size[0], core.bottom + margin),
            min(grid.size[1], core.right + margin),
        )


@law
@given(grids, st.integers(17, 80))
def test_a_tile_is_cut_as_a_picture_is(grid: Grid, side: int) -> None:
    """Into tiles that cover it, of at most half its side, which see no more rows than it does."""
    tile = max(grid.tiles(side), key=lambda tile: tile.core.area)
    longest = max(tile.core.height, tile.core.width)
    parts = grid.tiles(-(-longest // 2), tile.core)
    assert set().union(*(pixels(part.core) for part in parts)) == pixels(tile.core)
    assert sum(part.core.area for part in parts) == tile.core.area
    assert len(parts) > 1 or longest <= grid.stride
    assert all(tile.outer.top <= part.outer.top and part.outer.bottom <= tile.outer.bottom for part in parts)


@law
@given(grids, st.integers(1, 80))
def test_a_band_is_the_row_of_a_tile(grid: Grid, side: int) -> None:
    for tile in grid.tiles(side):
        band = grid.band(tile)
        assert (band.core.left, band.core.right) == (band.outer.left, band.outer.right) == (0, grid.size[1])
        rows = [(box.top, box.bottom) for box in (band.core, band.outer)]
        assert rows == [(box.top, box.bottom) for box in (tile.core, tile.outer)]


def test_tiles_are_about_alike() -> None:
    """A remainder of a few pixels would cost its margins."""
    assert [tile.core.width for tile in Grid((8, 1100), 8, 16).tiles(1024)] == [552, 548]


def test_a_picture_that_must_not_be_cut() -> None:
    grid = Grid((70, 50), 4, 8, whole=True)
    assert grid.tiles(4) == [Tile(grid.picture, grid.picture)]


def test_boxes() -> None:
    box = Box(8, 4, 21, 16)
    assert (box.height, box.width, box.area) == (13, 12, 156)
    assert box.cells(4) == Box(2, 1, 6, 4)  # a cell in part is a cell
    assert box.within(Box(4, 4, 40, 40)) == Box(4, 0, 17, 12)
    assert [up(length, 8) for length in (0, 1, 8, 9)] == [0, 8, 8, 16]
