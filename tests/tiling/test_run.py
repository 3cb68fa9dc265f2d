"""The loop: every tiles once, smaller ones when memory is full, and a way to stop."""

from collections.abc import Callable
from weakref import ref

import pytest
import torch

from brushwork.tests.laws import picture
from brushwork.tests.models.small import KINDS, small_network
from brushwork.tiling.features import encode
from brushwork.tiling.plan import Grid
from brushwork.tiling.policy import Host, Policy, out_of_memory
from brushwork.tiling.runner import TileBatch, TileLoop

NETWORK = small_network(KINDS[0])
Reported = list[tuple[int, int]]


class Memory:
    """A device that holds `fits` pixels of cores."""

    def __init__(self, fits: float) -> None:
        self.fits = fits
        self.done: list[TileBatch] = []
        self.tried: list[int] = []

    def work(self, part: TileBatch) -> None:
        self.tried.append(part.area)
        if part.area > self.fits:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        self.done.append(part)

    def seen(self, batch: int, grid: Grid) -> torch.Tensor:
        """How often every pixel was done, [batch, H, W]."""
        times = torch.zeros(batch, *grid.size)
        for part in self.done:
            core = part.tile.core
            times[part.items, core.top : core.bottom, core.left : core.right] += 1
        return times


def loop(host: Host, total: int = 0) -> TileLoop:
    return TileLoop(host, NETWORK, total)


def host_for(pixels: int, floor: int = 8, progress: Callable[[int, int], None] | None = None) -> Host:
    """One on which so many pixels go through the network at once."""
    room = pixels * 3 * NETWORK.peak_channels * 4
    policy = Policy(tile_bytes=room, minimum_side=floor)
    return Host(progress=progress or (lambda done, total: None), policy=policy)


@pytest.mark.parametrize(
    ("batch", "together", "fits", "tried"),
    [
        (4, 8, 9, [4]),
        (5, 2, 9, [2, 2, 1]),
        (8, 8, 2, [8, 4, 2, 2, 2, 2]),
        (7, 7, 3, [7, 3, 3, 1]),
        (3, 3, 1, [3, 1, 1, 1]),
        (0, 4, 9, []),
    ],
)
def test_slices_of_a_batch_halve_until_they_fit(batch: int, together: int, fits: int, tried: list[int]) -> None:
    grid, memory = Grid((20, 20), 4, 8), Memory(400 * fits)
    loop(host_for(400 * together)).over(grid, batch, memory.work)
    assert [area // 400 for area in memory.tried] == tried
    assert (memory.seen(batch, grid) == 1).all()


@pytest.mark.parametrize("fits", [70, 150, 400])
def test_tiles_are_cut_until_they_fit_and_later_ones_are_as_small(fits: int) -> None:
    grid, memory = Grid((90, 70), 4, 8), Memory(fits)
    loop(host_for(50**2)).over(grid, 2, memory.work)
    assert (memory.seen(2, grid) == 1).all()
    failed = [area for area in memory.tried if area > fits]
    assert failed and memory.tried[: len(failed)] == failed == sorted(set(failed), reverse=True)


def test_a_pass_keeps_to_the_size_that_fitted_before() -> None:
    grid, memory, way = Grid((90, 70), 4, 8), Memory(400), loop(host_for(50**2))
    way.over(grid, 1, memory.work)
    memory.tried.clear()
    way.over(grid, 1, memory.work)
    assert max(memory.tried) <= 400


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (Grid((90, 70), 4, 8), "not even a small tile fits into memory: close .* or use a smaller network"),
        (Grid((90, 70), 4, 8, whole=True), "this network needs it whole: make it smaller, or use another network"),
    ],
)
def test_nothing_fits(grid: Grid, words: str) -> None:
    with pytest.raises(ValueError, match=f"^[^.]*{words}[.]$"):
        loop(host_for(50**2)).over(grid, 3, Memory(0).work)


def test_memory_is_free_before_the_next_try() -> None:
    """The exception holds the frames, and with them the tensors, of the try that failed."""
    held: list[ref[torch.Tensor]] = []
    freed: list[bool] = []

    def work(part: TileBatch) -> None:
        large = torch.zeros(part.area)
        held.append(ref(large))
        if part.area > 400:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    policy = Policy(tile_bytes=0, minimum_side=8)
    host = Host(policy=policy, empty_cache=lambda: freed.append(all(tensor() is None for tensor in held)))
    TileLoop(host, NETWORK, 0).over(Grid((20, 20), 4, 8), 1, work)
    assert freed == []
    loop(Host(empty_cache=host.empty_cache)).over(Grid((20, 20), 4, 8), 4, work)
    assert freed == [True, True]


def test_what_memory_says_when_it_is_full() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert out_of_memory(caught.value)
    assert out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    assert out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
    assert out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert not out_of_memory(RuntimeError("shapes do not match"))


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
def test_other_errors_pass(error: type[Exception]) -> None:
    def work(part: TileBatch) -> None:
        raise error("something else")

    with pytest.raises(error, match="something else"):
        loop(Host()).over(Grid((20, 20), 4, 8), 4, work)


@pytest.mark.parametrize("fits", [100, 1e9])
def test_progress_is_reported_before_every_tile_and_at_the_end(fits: float) -> None:
    reported: Reported = []
    grid, memory = Grid((90, 70), 4, 8), Memory(fits)
    host = host_for(50**2, progress=lambda done, total: reported.append((done, total)))
    way = loop(host, 2 * 3 * 6300)
    for _ in range(2):
        way.over(grid, 3, memory.work)
    assert [done for done, _ in reported] == sorted(done for done, _ in reported)
    assert {total for _, total in reported} == {2 * 3 * 6300}
    assert reported[0][0] == 0 and reported[-1][0] == 2 * 3 * 6300
    assert {done for done, _ in reported} >= {sum(p.area for p in memory.done[:n]) for n in range(len(memory.done))}


def test_interruption_stops_before_the_next_tile() -> None:
    class Stop(Exception):  # noqa: N818 - as ComfyUI's is no error
        pass

    def tell(done: int, total: int) -> None:
        if len(memory.done) == 3:
            raise Stop

    memory = Memory(1e9)
    with pytest.raises(Stop):
        loop(Host(policy=Policy(tile_bytes=0, minimum_side=16), progress=tell)).over(
            Grid((90, 70), 4, 8), 1, memory.work
        )
    assert len(memory.done) == 3


def test_interruption_stops_within_a_tile_and_leaves_the_network_as_it_was() -> None:
    network, asked = small_network(KINDS[0]), [0]

    def check() -> None:
        asked[0] += 1
        if asked[0] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(network, picture(40, 40), "relu3_1", Host(interrupt=check))
    assert asked == [3]  # of five convolutions
    encode(network, picture(40, 40), "relu3_1", Host())
    assert asked == [3]


def test_tiles_take_what_memory_has() -> None:
    """With the margins; and however little it is, no tile is smaller than the floor."""
    grid, memory = Grid((500, 400), 8, 16), Memory(1e9)
    loop(host_for(120**2)).over(grid, 1, memory.work)
    assert 100**2 < max(part.tile.outer.area for part in memory.done) <= 120**2
    small = Memory(1e9)
    loop(host_for(1, floor=64)).over(grid, 1, small.work)
    assert {max(p.tile.core.height, p.tile.core.width) for p in small.done} <= set(range(50, 65))
