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

from ..models.manifest import WeightsError
from ..models.precision import FULL
from .cases import CASES, PLAIN, WAYS, one_way
from .measure import decibels, interleaved, peak_of, ratio

COLUMNS = ("case", "size", "way", "seconds", "of the plain way", "peak memory", "PSNR to float32")
CPUINFO = Path("/proc/cpuinfo")
FLAGS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")


def main(
    case: Annotated[list[str] | None, typer.Option(help=f"What to time, of {', '.join(CASES)}; else all.")] = None,
    size: Annotated[list[int] | None, typer.Option(help="Sides of the square pictures; else 512 and 1024.")] = None,
    repeats: Annotated[int, typer.Option(help="Turns that the medians are taken over.")] = 7,
    threads: Annotated[int, typer.Option(help="Threads to compute with.")] = torch.get_num_threads(),
    memory: Annotated[bool, typer.Option(help="Measure memory too, each way in a process of its own.")] = True,
) -> None:
    """Time every way through every case, in turns, on this machine's CPU."""
    if unknown := set(case or ()) - set(CASES):
        raise typer.BadParameter(f"no case {', '.join(sorted(unknown))}: choose of {', '.join(CASES)}")
    torch.set_num_threads(threads)
    table = Table(*COLUMNS, caption=_machine(threads), caption_justify="left", title=f"Medians of {repeats} turns")
    runs = [(name, side) for name in case or CASES if _present(name) for side in size or (512, 1024)]
    for name, side in track(runs, console=Console(stderr=True), transient=True):
        for row in _rows(name, side, repeats, threads if memory else None):
            table.add_row(*row)
        table.add_section()
    Console().print(table)


def _present(name: str) -> bool:
    """Whether the case's weights are here; if not, a line says what to do."""
    try:
        CASES[name].build()
    except WeightsError as error:
        Console(stderr=True).print(f"{CASES[name].title} is left out: {error}", markup=False)
        return False
    return True


def _rows(name: str, size: int, repeats: int, threads: int | None) -> Iterator[Sequence[str]]:
    """A row a way; with `threads`, memory is measured too."""
    peaks = {way: peak_of(name, way, size, threads) if threads else None for way in WAYS}
    ways = {way: one_way(CASES[name], way, size) for way in WAYS}
    pictures = {way: make() for way, make in ways.items()}
    seconds = interleaved(ways, repeats)
    for way, peak in peaks.items():
        yield (
            CASES[name].title,
            str(size),
            way,
            f"{median(seconds[way]):.3f}",
            f"{ratio(seconds[way], seconds[PLAIN]):.2f}",
            f"{peak / 1e6:.0f} MB" if peak else "",
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
