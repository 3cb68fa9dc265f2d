"""`brushwork train`: the recipes of training/."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

from ..training import parallel
from ..training.loop import OnStep
from ..training.recipes import Job, RecipeName, find_recipe
from .knobs import with_settings
from .progress import shown_progress
from .run import silent


def train(
    recipe: Annotated[RecipeName, "What to train; each is a file in training/ that says what it does."],
    styles: Annotated[list[Path], "--styles", "A folder of paintings, or one; may be given several times."],
    output: Annotated[Path, "--out", "-o", "Where checkpoints and weights go; the same command goes on from them."],
    photos: Annotated[list[Path] | None, "--photos", "A folder of photographs; may be given several times."] = None,
    network: Annotated[str, "--network", "The network to train on; the recipe's own unless told."] = "",
    eye: Annotated[str, "--eye", "The loss network; the recipe's own unless told."] = "",
    settings: Annotated[list[str] | None, "--set", "KNOB=VALUE; `--set knobs` lists what there is."] = None,
) -> list[Path]:
    """Train weights from pictures, and name the files that hold them; torchrun spreads it over several devices."""
    chosen = find_recipe(recipe)
    for name, given, own in (("--network", network, chosen.network), ("--eye", eye, chosen.eye)):
        if given and not own:
            raise ValueError(f"{recipe} takes no {name}: leave it out.")
    if not photos and not chosen.samples_do:
        raise ValueError(f"{recipe} needs photographs: name a folder of them as --photos.")
    knobs = with_settings(chosen.knobs(), settings or [])
    with parallel.joined(), _resumable(output), _told(chosen.length(knobs)) as on_step:
        job = Job(photos or (), styles, output, network or chosen.network, eye or chosen.eye, knobs, on_step)
        files = chosen.run(job)
        return files if parallel.rank() == 0 else []


@contextmanager
def _told(steps: int) -> Iterator[OnStep]:
    """A progress bar with the losses behind it, in one process of a group."""
    with shown_progress() if parallel.rank() == 0 else nullcontext(silent) as progress:

        def tell(step: int, losses: dict[str, float]) -> None:
            progress(step, steps, ", ".join(f"{name} {value:.3f}" for name, value in losses.items()))

        yield tell


@contextmanager
def _resumable(output: Path) -> Iterator[None]:
    """An interruption ends in a line that says what is left to go on from."""
    try:
        yield
    except KeyboardInterrupt:
        last = max(output.glob("*.pt"), key=lambda path: path.stat().st_mtime, default=None)
        left = f"goes on from {last}" if last else "starts again, since there is no checkpoint yet"
        if parallel.rank() == 0:
            sys.stderr.write(f"brushwork: stopped; the same command {left}\n")
        raise SystemExit(130) from None
