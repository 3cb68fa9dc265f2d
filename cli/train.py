"""`brushwork train`: the recipes of training/, a command each, and what they learn from as one file or folder."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from typer import Argument, Context, Option

from ..runner.run import silent
from ..training import distributed
from ..training.recipes import RecipeName, by_current_names, find_recipe, with_settings
from ..training.recipes import train as train_recipe
from ..training.trainer import OnStep
from .progress import shown_progress

if TYPE_CHECKING:
    from ..training.pack import Packed

log = logging.getLogger(__name__)

Photos = Annotated[list[Path], Option(help="A folder of photographs; may be given several times.")]
Styles = Annotated[list[Path], Option(help="A folder of paintings; may be given several times.")]
PhotoSize = Annotated[int, Option(help="Pixels of a photograph's shorter side.")]
StyleSize = Annotated[int, Option(help="Pixels of a painting's shorter side.")]


def train(
    context: Context,
    styles: Annotated[list[Path], Option(help="A folder of paintings, a picture, or a pack; as often as you like.")],
    output: Annotated[
        Path, Option("--out", "-o", help="Where checkpoints and weights go; the same command goes on from them.")
    ],
    photos: Annotated[list[Path] | None, Option(help="A folder of photographs, or a pack; likewise.")] = None,
    network: Annotated[str, Option(help="The network to train on, a name or file; the recipe's own unless told.")] = "",
    loss_network: Annotated[str, Option(help="A name or a file of VGG-19; the recipe's own unless told.")] = "",
    teacher: Annotated[str, Option(help="A name or a file of AdaIN's network, whose pictures are targets.")] = "",
    start: Annotated[Path | None, Option(help="Weights of another run of the recipe, to start from.")] = None,
    from_scratch: Annotated[
        bool, Option("--from-scratch", help="Build the network in the paper's own layout.")
    ] = False,
    minutes: Annotated[float | None, Option(help="How long to train in all, in place of `--set steps=`.")] = None,
    eye: Annotated[str, Option(hidden=True)] = "",
    settings: Annotated[
        list[str] | None, Option("--set", help="FIELD=VALUE; `--set fields` lists what there is.")
    ] = None,
) -> list[Path]:
    """Train by the recipe that the command is called by; torchrun spreads it over several devices."""
    if eye:
        log.warning("--eye is called --loss-network now; the old name goes with the next version.")
        loss_network = loss_network or eye
    if network == "paper":
        log.warning("--network paper is called --from-scratch now; the old name goes with the next version.")
        network, from_scratch = "", True
    recipe = cast(RecipeName, context.info_name)
    chosen = find_recipe(recipe)
    settings = by_current_names(chosen.config(), settings or ())
    steps = chosen.length(with_settings(chosen.config(), settings))
    with distributed.joined(), _resumable(output), _step_progress(steps, minutes) as on_step:
        files = train_recipe(
            recipe,
            photos or (),
            styles,
            output,
            network=network,
            loss_network=loss_network,
            teacher=teacher,
            start=start,
            from_scratch=from_scratch,
            minutes=minutes,
            settings=settings,
            on_step=on_step,
        )
        return files if distributed.rank() == 0 else []


def pack(
    output: Annotated[Path, Argument(help="The file to write; its name ends in .pack.")],
    photos: Photos,
    styles: Styles,
    photo_size: PhotoSize = 256,
    style_size: StyleSize = 512,
    limit: Annotated[float, Option(help="MiB of the file: what does not fit becomes JPEG, then is left out.")] = 250,
) -> list[str]:
    """Decode photographs and paintings once into one file, which --photos and --styles take in place of folders."""
    from ..training.files import read_pictures
    from ..training.pack import write_pack

    pictures = read_pictures(photos, photo_size, group="photos")
    return [_summary(write_pack(output, pictures, read_pictures(styles, style_size, group="styles"), limit))]


def bundle(
    output: Annotated[Path, Argument(help="The folder to write.")],
    photos: Photos,
    styles: Styles,
    teacher: Annotated[Path, Option(help="A file of AdaIN's network.")],
    loss_network: Annotated[Path, Option(help="A file of VGG-19.")],
    photo_size: PhotoSize = 256,
    style_size: StyleSize = 384,
    limit: Annotated[float, Option(help="MiB of the folder.")] = 60,
) -> list[str]:
    """Put the package, pictures and networks into a folder that trains elsewhere: python FOLDER/train.py RECIPE."""
    from ..training.bundle import write_bundle

    sizes = {"photo_size": photo_size, "style_size": style_size, "limit_mib": limit}
    return [_summary(write_bundle(output, photos, styles, teacher, loss_network, **sizes))]


def _summary(packed: "Packed") -> str:
    kind = packed.quality if packed.quality == "PNG" else f"JPEG of quality {packed.quality}"
    counts = " and ".join(f"{count} {group}" for group, count in packed.counts.items())
    return f"{counts} as {kind}, {packed.size / 2**20:.1f} MiB"


@contextmanager
def _step_progress(steps: int, minutes: float | None) -> Iterator[OnStep]:
    """A progress bar, of steps or else of seconds, with the losses behind it, in one process of a group."""
    started = time.monotonic()
    with shown_progress() if distributed.rank() == 0 else nullcontext(silent) as progress:

        def show(step: int, losses: dict[str, float]) -> None:
            text = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
            if minutes is None:
                progress(step, steps, text)
            else:
                progress(int(time.monotonic() - started), int(60 * minutes), f"step {step}: {text}")

        yield show


@contextmanager
def _resumable(output: Path) -> Iterator[None]:
    """An interruption ends in a line that says what is left to go on from."""
    try:
        yield
    except KeyboardInterrupt:
        last = max(output.glob("*.pt"), key=lambda path: path.stat().st_mtime, default=None)
        left = f"goes on from {last}" if last else "starts again, since there is no checkpoint yet"
        if distributed.rank() == 0:
            sys.stderr.write(f"brushwork: stopped; the same command {left}\n")
        raise SystemExit(130) from None
