"""`brushwork train`: the recipes of training/, a command each, and what they learn from as one file or folder."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..runner.run import silent
from ..training import distributed
from ..training.recipes import RecipeName, find_recipe, with_settings
from ..training.recipes import train as train_recipe
from ..training.trainer import OnStep
from .progress import shown_progress

if TYPE_CHECKING:
    from ..training.pack import Packed


def train(
    recipe: Annotated[RecipeName, "What to train; each is a file in training/ that says what it does."],
    styles: Annotated[list[Path], "--styles", "A folder of paintings, a picture, or a pack; as often as you like."],
    output: Annotated[Path, "--out", "-o", "Where checkpoints and weights go; the same command goes on from them."],
    photos: Annotated[list[Path] | None, "--photos", "A folder of photographs, or a pack; likewise."] = None,
    network: Annotated[str, "--network", "The network to train on, a name or file; the recipe's own unless told."] = "",
    loss_network: Annotated[str, "--loss-network", "A name or a file of VGG-19; the recipe's own unless told."] = "",
    teacher: Annotated[str, "--teacher", "A name or a file of AdaIN's network, whose pictures are targets."] = "",
    start: Annotated[Path | None, "--start", "Weights of another run of the recipe, to start from."] = None,
    from_scratch: Annotated[bool, "--from-scratch", "Build the network in the paper's own layout."] = False,
    minutes: Annotated[float | None, "--minutes", "How long to train in all, in place of `--set steps=`."] = None,
    settings: Annotated[list[str] | None, "--set", "FIELD=VALUE; `--set fields` lists what there is."] = None,
) -> list[Path]:
    """Train weights from pictures, and name the files that hold them; torchrun spreads it over several devices."""
    chosen = find_recipe(recipe)
    steps = chosen.length(with_settings(chosen.config(), settings or []))
    with distributed.joined(), _resumable(output), _shown(steps, minutes) as on_step:
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
            settings=settings or (),
            on_step=on_step,
        )
        return files if distributed.rank() == 0 else []


def pack(
    output: Annotated[Path, "The file to write; its name ends in .pack."],
    photos: Annotated[list[Path], "--photos", "A folder of photographs; may be given several times."],
    styles: Annotated[list[Path], "--styles", "A folder of paintings; may be given several times."],
    photo_size: Annotated[int, "--photo-size", "Pixels of a photograph's shorter side."] = 256,
    style_size: Annotated[int, "--style-size", "Pixels of a painting's shorter side."] = 512,
    limit: Annotated[float, "--limit", "MiB of the file: what does not fit becomes JPEG, then is left out."] = 250,
) -> list[str]:
    """Decode photographs and paintings once into one file, which --photos and --styles take in place of folders."""
    from ..training.data import Pictures
    from ..training.pack import write_pack

    pictures = Pictures.from_files(photos, photo_size, group="photos")
    return [_told(write_pack(output, pictures, Pictures.from_files(styles, style_size, group="styles"), limit))]


def bundle(
    output: Annotated[Path, "The folder to write."],
    photos: Annotated[list[Path], "--photos", "A folder of photographs; may be given several times."],
    styles: Annotated[list[Path], "--styles", "A folder of paintings; may be given several times."],
    teacher: Annotated[Path, "--teacher", "A file of AdaIN's network."],
    loss_network: Annotated[Path, "--loss-network", "A file of VGG-19."],
    photo_size: Annotated[int, "--photo-size", "Pixels of a photograph's shorter side."] = 256,
    style_size: Annotated[int, "--style-size", "Pixels of a painting's shorter side."] = 384,
    limit: Annotated[float, "--limit", "MiB of the folder."] = 60,
) -> list[str]:
    """Put the package, pictures and networks into a folder that trains elsewhere: python FOLDER/train.py RECIPE."""
    from ..training.bundle import write_bundle

    sizes = {"photo_size": photo_size, "style_size": style_size, "limit_mib": limit}
    return [_told(write_bundle(output, photos, styles, teacher, loss_network, **sizes))]


def _told(packed: "Packed") -> str:
    kind = packed.quality if packed.quality == "PNG" else f"JPEG of quality {packed.quality}"
    counts = " and ".join(f"{count} {group}" for group, count in packed.counts.items())
    return f"{counts} as {kind}, {packed.size / 2**20:.1f} MiB"


@contextmanager
def _shown(steps: int, minutes: float | None) -> Iterator[OnStep]:
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
