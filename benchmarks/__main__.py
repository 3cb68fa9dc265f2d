"""`python -m brushwork.benchmarks`: ours against the plain way, in one table."""

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ..models.networks.precision import FULL
from ..models.weights.manifest import WeightsError
from .cases import CACHED, CASES, CONTENT, PLAIN, SIZES, STYLE, WAYS, expect_known, peak_of, scene, way_through
from .measure import OPERATIONS, convolution, counted, decibels, in_fresh_process, interleaved, ratio

COLUMNS = ("way", "type", "seconds", "of plain", "limit", "of limit", "memory", "PSNR to float32")
CPUINFO = Path("/proc/cpuinfo")
FLAGS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
BASIS = 512 * 512
"""Pixels up to which a case has all its turns; larger pictures have fewer."""


def main(
    case: Annotated[list[str] | None, typer.Option(help=f"What to time, of {', '.join(CASES)}; else all.")] = None,
    size: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(SIZES)}; else 512, 1080p and 4K.")] = None,
    repeats: Annotated[int, typer.Option(help="Turns at 512 that the medians are taken over; fewer above.")] = 7,
    threads: Annotated[int, typer.Option(help="Threads to compute with.")] = torch.get_num_threads(),
    memory: Annotated[bool, typer.Option(help="Measure memory too, each way in a process of its own.")] = True,
) -> None:
    """Time every way through every case, in turns, on this machine's CPU."""
    expect_known(case, CASES)
    expect_known(size, SIZES)
    torch.set_num_threads(threads)
    runs = [(name, one) for name in case or CASES if _present(name) for one in size or ("512", "1080p", "4K")]
    for name, one in track(runs, console=Console(stderr=True), transient=True):
        table = Table(*COLUMNS, title=f"{CASES[name].title}, {one}", title_justify="left")
        alone = [way for way in WAYS if memory and CACHED not in way]
        peaks = {way: in_fresh_process(peak_of, name, way, one, threads) for way in alone}
        for way, type, *figures, quality in _rows(name, one, repeats):
            peak = peaks.get(way)
            table.add_row(way, type, *figures, f"{peak / 1e6:.0f} MB" if peak else "", quality)
        Console().print(table)  # at once: the largest pictures take minutes
    Console().print(_machine(threads))


def _present(name: str) -> bool:
    """Whether the case's weights are here; if not, a line says what to do."""
    try:
        CASES[name].build()
    except WeightsError as error:
        Console(stderr=True).print(f"{CASES[name].title} is left out: {error}", markup=False)
        return False
    return True


def _rows(name: str, size: str, repeats: int) -> Iterator[Sequence[str]]:
    """A row a way: what it is, how long it took, how long it could have taken, how good the picture is."""
    content, style = (scene(picture, SIZES[size]) for picture in (CONTENT, STYLE))
    ways = {way: way_through(CASES[name], way) for way in WAYS}
    paint, learning = counted(lambda: ways[PLAIN].learn(style))
    picture, painting = counted(lambda: paint(content))
    runs = {way: through.ready(content, style) for way, through in ways.items()}
    pictures = {PLAIN: picture, **{way: run() for way, run in runs.items() if way != PLAIN}}
    rates = {str(through.dtype): convolution(through.dtype) for through in ways.values()}
    turns = max(1, round(repeats * BASIS / (content.shape[-2] * content.shape[-1])))
    seconds = interleaved({**runs, **rates}, turns)
    for way, through in ways.items():
        operations = painting if through.cached else painting + learning
        limit = operations / OPERATIONS * median(seconds[str(through.dtype)])
        yield (
            way,
            str(through.dtype).removeprefix("torch."),
            f"{median(seconds[way]):.3f}",
            f"{ratio(seconds[way], seconds[PLAIN]):.3f}",
            f"{limit:.3f}",
            f"{100 * limit / median(seconds[way]):.0f} %",
            f"{decibels(pictures[way], pictures[FULL]):.1f} dB",
        )


def _machine(threads: int) -> str:
    """What ran this."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    known = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = " ".join(flag for flag in FLAGS if flag in known.get("flags", "").split())
    cpu = known.get("model name", platform.processor())
    return f"{cpu} ({flags}), {threads} threads, torch {torch.__version__}"


if __name__ == "__main__":
    typer.run(main)
