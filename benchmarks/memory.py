"""`python -m brushwork.benchmarks.memory`: memory and time that large pictures take, each in a fresh process."""

import json
import subprocess
import sys
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from .large import NETWORKS, RECIPES, TILED, WHOLE

COLUMNS = ("network", "method", "megapixels", "way", "beside content and result", "seconds a megapixel", "style")


def main(
    network: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(NETWORKS)}; else all.")] = None,
    method: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(RECIPES)}; else both.")] = None,
    megapixels: Annotated[list[float] | None, typer.Option(help="Sizes of square pictures; else 1, 4, 16.")] = None,
    whole: Annotated[float, typer.Option(help="Up to so many megapixels, the picture in one piece as well.")] = 0.0,
    threads: Annotated[int, typer.Option(help="Threads to compute with.")] = torch.get_num_threads(),
) -> None:
    """Restyle pictures by AdaIN and by the cascade of five levels, on this machine's CPU."""
    table = Table(*COLUMNS, caption=f"{threads} threads, torch {torch.__version__}", caption_justify="left")
    runs = [
        (name, recipe, size, way)
        for name in network or NETWORKS
        for recipe in method or RECIPES
        for size in megapixels or (1.0, 4.0, 16.0)
        for way in (TILED, WHOLE)[: 1 + (size <= whole)]
    ]
    for name, recipe, size, way in track(runs, console=Console(stderr=True), transient=True):
        taken = _run(name, recipe, size, way, threads)
        figures = f"{taken['bytes'] / 1e6:.0f} MB", f"{taken['seconds'] / size:.2f}", f"{taken['style']:.2f} s"
        table.add_row(name, recipe, f"{size:g}", way, *figures)
    Console().print(table)


def _run(name: str, recipe: str, size: float, way: str, threads: int) -> dict[str, float]:
    command = [sys.executable, "-m", f"{__package__}.large", name, recipe, str(size), way, str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    typer.run(main)
