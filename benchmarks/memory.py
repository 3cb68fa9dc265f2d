"""`python -m brushwork.benchmarks.memory`: memory and time that large pictures take, each in a fresh process."""

from collections.abc import Callable, Mapping
from math import isqrt
from time import perf_counter
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ..methods import METHODS
from ..methods.protocol import Style
from ..methods.render import render
from ..models.networks.base import StyleNetwork
from ..models.networks.precision import AUTOMATIC, compute_dtype
from ..models.networks.vgg import VGG19
from ..models.registry import load_network
from ..samples import load_sample
from ..tiling.policy import Host, Policy
from .cases import expect_known, random_vgg, small16x
from .measure import in_fresh_process, own_peak

NETWORKS: Mapping[str, Callable[[], StyleNetwork]] = {
    "compact": lambda: load_network("compact"),
    "small16x": small16x,
    "vgg19": lambda: random_vgg(VGG19),
}
"""VGG-19's shape with random weights: they cost what its own would."""
TIMED = ("adain", "wct")
TILED, WHOLE = "tiled", "whole"
WAYS = {TILED: Host(), WHOLE: Host(policy=Policy(tile_bytes=1 << 60, tile_pixels=1 << 60, feature_bytes=1 << 60))}
COLUMNS = ("network", "method", "megapixels", "way", "beside content and result", "seconds a megapixel", "style")


def main(
    network: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(NETWORKS)}; else all.")] = None,
    method: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(TIMED)}; else both.")] = None,
    megapixels: Annotated[list[float] | None, typer.Option(help="Sizes of square pictures; else 1, 4, 16.")] = None,
    whole: Annotated[float, typer.Option(help="Up to so many megapixels, the picture in one piece as well.")] = 0.0,
    threads: Annotated[int, typer.Option(help="Threads to compute with.")] = torch.get_num_threads(),
) -> None:
    """Restyle pictures by AdaIN and by WCT's cascade, on this machine's CPU."""
    expect_known(network, NETWORKS)
    expect_known(method, TIMED)
    table = Table(*COLUMNS, caption=f"{threads} threads, torch {torch.__version__}", caption_justify="left")
    runs = [
        (name, one, size, way)
        for name in network or NETWORKS
        for one in method or TIMED
        for size in megapixels or (1.0, 4.0, 16.0)
        for way in (TILED, WHOLE)[: 1 + (size <= whole)]
    ]
    for name, one, size, way in track(runs, console=Console(stderr=True), transient=True):
        held, seconds, learning = in_fresh_process(taken, name, one, size, way, threads)
        table.add_row(name, one, f"{size:g}", way, f"{held / 1e6:.0f} MB", f"{seconds / size:.2f}", f"{learning:.2f} s")
    Console().print(table)


def taken(network: str, method: str, megapixels: float, way: str, threads: int) -> tuple[int, float, float]:
    """What it takes to restyle noise, in a process that does nothing else.

    Bytes held at most beside the content and the result, seconds, and those that are the style's: what a picture of
    next to no size takes.
    """
    torch.set_num_threads(threads)
    # compute_dtype says what a node would choose.
    ready = NETWORKS[network]().prepare(compute_dtype(AUTOMATIC, torch.device("cpu")))
    side = isqrt(round(1e6 * megapixels))
    content = torch.rand(1, side, side, 3).movedim(-1, 1)
    style, times = Style(load_sample("swirling_night")), [perf_counter()]
    for part in (content[..., :8, :8], content):
        result = render(ready, METHODS[method], part, [style], host=WAYS[way])
        times.append(perf_counter())
    learning, both = (later - earlier for earlier, later in zip(times, times[1:], strict=False))
    return own_peak() - content.nbytes - result.nbytes, both - learning, learning


if __name__ == "__main__":
    typer.run(main)
