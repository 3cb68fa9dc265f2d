"""`python -m brushwork.benchmarks.memory`: memory and time that large pictures take, each in a fresh process.

That process is this module, too. `large NETWORK METHOD MEGAPIXELS WAY THREADS` restyles one picture, and writes the
bytes that it held at most beside content and result, the seconds that it took, and those that are the style's: what a
picture of next to no size takes. `peak CASE WAY SIZE THREADS` makes one picture of a timed case, and writes the bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from math import isqrt
from time import perf_counter
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from ..methods import MATCHING
from ..methods.protocol import Style
from ..methods.render import render
from ..models.networks.base import ADAIN, StyleNetwork
from ..models.networks.precision import AUTOMATIC, compute_dtype
from ..models.networks.vgg import ADAIN_LEVEL, LEVELS, VGG19
from ..models.registry import load_network
from ..samples import load_sample
from ..tiling.policy import Host, Policy
from ..transfer.wct import WHITENING
from .cases import CASES, random_vgg, small16x, way_through
from .measure import own_peak
from .scenes import CONTENT, SIZES, STYLE, scene

NETWORKS: Mapping[str, Callable[[], StyleNetwork]] = {
    "compact": lambda: load_network("compact"),
    "small16x": small16x,
    "vgg19": lambda: random_vgg(VGG19),
}
"""VGG-19's shape with random weights: they cost what its own would."""
RECIPES = {
    "adain": (MATCHING[ADAIN], {ADAIN_LEVEL: 1.0}),
    "wct": (MATCHING[WHITENING], dict.fromkeys(reversed(LEVELS), 0.6)),
}
TILED, WHOLE = "tiled", "whole"
WAYS = {TILED: Host(), WHOLE: Host(policy=Policy(tile_bytes=1 << 60, tile_pixels=1 << 60, feature_bytes=1 << 60))}
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
    command = [sys.executable, "-m", __spec__.name, "large", name, recipe, str(size), way, str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def large(network: str, method: str, megapixels: str, way: str, threads: str) -> None:
    """Restyle noise, and write what it took as JSON."""
    torch.set_num_threads(int(threads))
    # compute_dtype says what a node would choose.
    ready = NETWORKS[network]().prepare(compute_dtype(AUTOMATIC, torch.device("cpu")))
    side = isqrt(round(1e6 * float(megapixels)))
    content = torch.rand(1, side, side, 3).movedim(-1, 1)
    style = Style(load_sample("swirling_night"))
    _, learning = _timed(lambda: _rendered(ready, content[..., :8, :8], style, method, way))
    result, whole = _timed(lambda: _rendered(ready, content, style, method, way))
    figures = {"bytes": own_peak() - _size(content) - _size(result), "seconds": whole - learning, "style": learning}
    sys.stdout.write(json.dumps(figures))


def _rendered(network: StyleNetwork, content: Tensor, style: Style, method: str, way: str) -> Tensor:
    how, strengths = RECIPES[method]
    return render(network, how, content, [style], strengths=strengths, host=WAYS[way])


def _timed(work: Callable[[], Tensor]) -> tuple[Tensor, float]:
    start = perf_counter()
    return work(), perf_counter() - start


def _size(picture: Tensor) -> int:
    return picture.numel() * picture.element_size()


def peak(case: str, way: str, size: str, threads: str) -> None:
    """Make one picture, and nothing else, in this process."""
    torch.set_num_threads(int(threads))
    content, style = (scene(name, SIZES[size]) for name in (CONTENT, STYLE))
    way_through(CASES[case], way).painter.picture(content, style)
    sys.stdout.write(str(own_peak()))


ONE = {"large": large, "peak": peak}

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ONE:
        ONE[sys.argv[1]](*sys.argv[2:])
    else:
        typer.run(main)
