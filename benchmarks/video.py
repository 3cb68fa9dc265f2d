"""`python -m brushwork.benchmarks.video`: frames a second from file to file, and what of that networks take."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from ..cli.order import Stylization
from ..cli.stylize import stylize
from ..media.images import eight_bits
from ..models.networks.precision import AUTOMATIC
from .cases import CASES, CONTENT, STYLE, expect_known, scene, way_through

SIZES = {"480p": (480, 854), "720p": (720, 1280), "1080p": (1080, 1920)}
TIMED = ("adain-compact-adain", "wct-compact", "msgnet", "stylebank")
"""Cases on the network that the command line takes for their method."""
SHIFT = 4
"""Pixels that the picture moves from frame to frame."""
COLUMNS = ("case", "size", "frames", "frames a second", "of networks alone")


def main(
    size: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(SIZES)}; else 480p and 1080p.")] = None,
    case: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(TIMED)}; else all.")] = None,
    frames: Annotated[int, typer.Option(help="Frames of the clip.")] = 24,
    threads: Annotated[int, typer.Option(help="Threads to compute with.")] = torch.get_num_threads(),
) -> None:
    """Stylize a clip that pans over a photograph, as `stylize --stability 0` does it, start and loading included."""
    expect_known(size, SIZES)
    expect_known(case, TIMED)
    torch.set_num_threads(threads)
    table = Table(*COLUMNS, caption=f"{threads} threads, torch {torch.__version__}", caption_justify="left")
    for name in case or TIMED:
        for one in size or ("480p", "1080p"):
            whole, networks = _clip_rate(name, SIZES[one], frames), _network_rate(name, SIZES[one])
            table.add_row(CASES[name].title, one, str(frames), f"{whole:.2f}", f"{100 * whole / networks:.0f} %")
    Console().print(table)


def _clip_rate(case: str, size: tuple[int, int], frames: int) -> float:
    """Frames a second of the whole way."""
    with TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        _write(clip, size, frames)
        order = Stylization(
            content=str(clip), output=clip.with_name("painted.mp4"), method=CASES[case].method, stability=0
        )
        named = replace(order, style_name=["van gogh starry night"])
        start = perf_counter()
        stylize(named if case == "stylebank" else replace(order, style=[STYLE]))
        return frames / (perf_counter() - start)


def _network_rate(case: str, size: tuple[int, int]) -> float:
    """Frames a second of the networks by themselves, on frames in memory."""
    content, paint = scene(CONTENT, size), way_through(CASES[case], AUTOMATIC).learn(scene(STYLE, size))
    paint(content)
    start = perf_counter()
    paint(content)
    return 1 / (perf_counter() - start)


def _write(path: Path, size: tuple[int, int], frames: int) -> None:
    import av

    height, width = size
    wide = eight_bits(scene(CONTENT, (height, width + SHIFT * frames))[0].movedim(0, -1)).cpu().numpy()
    with av.open(str(path), "w") as file:
        picture = file.add_stream("libx264", rate=Fraction(25))
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            view = wide[:, SHIFT * number : SHIFT * number + width]
            file.mux(picture.encode(av.VideoFrame.from_ndarray(view.copy(), format="rgb24")))
        file.mux(picture.encode())


if __name__ == "__main__":
    typer.run(main)
