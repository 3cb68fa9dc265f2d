"""The deepest level's own layers, of encoder and decoder, trained together: the last but one stage of `compact`.

What distillation keeps of the picture at relu5_1 is what a linear map can find, and that is a blur: a cascade which
starts there has lost the content before it comes to the finer levels. Here the layers behind relu4_1 learn together
with their decoder, which is asked for the features at all finer levels too: edges. All else stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.vgg import LEVELS, VggNetwork
from ..pictures.sheet import contact_sheet
from . import parallel
from .crops import Crops
from .loop import Losses, OnStep, Run
from .losses import relative_distance
from .perception import Eye
from .readout import Readout

LEVEL, ABOVE = LEVELS[-1], LEVELS[-2]
SEEN = LEVELS[1:-1]
"""Where decoded pictures are looked at."""


@dataclass(frozen=True)
class DeepestRecipe:
    """The knobs."""

    steps: int = 2000
    photos: int = 3  # crops of photographs a step
    paintings: int = 1  # and of paintings
    side: int = 160  # pixels of a crop
    shorter: int = 256  # pixels of a picture's shorter side before the crop
    rate: float = 5e-4  # Adam's, falling to zero
    pixels: float = 0.5  # beside the features at each finer level
    taught: float = 0.5  # the teachers' features at the level itself
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_deepest(
    network: VggNetwork,
    teachers: Eye,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    recipe: DeepestRecipe = DeepestRecipe(),
    on_step: OnStep | None = None,
) -> None:
    """Train them in `network`, which has one encoder for all levels; `on_step` may raise to stop."""
    device, generator = parallel.training_device(), torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.shorter, generator, recipe.held_out, device)
    paintings = Crops(styles, recipe.side, recipe.shorter, generator, device=device)
    shown = torch.cat([contents.take(3), paintings.take(1)])
    readout = Readout(network.spaces[LEVEL].channels, teachers.look(shown[:1], (LEVEL,))[LEVEL].shape[1])
    learner = nn.ModuleList([*_own_layers(network.to(device)), network.decoder[LEVEL], readout])
    run = Run(learner.requires_grad_(True), generator, asdict(recipe), recipe.steps, recipe.rate, out / "deepest.pt")

    def losses() -> Losses:
        image = torch.cat([contents.take(recipe.photos), paintings.take(recipe.paintings)])
        return _losses(network, readout, teachers.to(device), image, recipe)

    def preview() -> Tensor:
        return contact_sheet([*shown, *network.decode(network.encode(shown, LEVEL))], columns=len(shown))

    for step, parts in run.go(losses, preview):
        if on_step:
            on_step(step, parts)
    network.requires_grad_(False)


def _own_layers(network: VggNetwork) -> list[nn.Module]:
    """The encoder's layers behind the level above."""
    names = list(network.encoder)
    return [network.encoder[name] for name in names[names.index(f"conv{ABOVE[4]}_1") + 1 :]]


def _losses(network: VggNetwork, readout: Readout, teachers: Eye, image: Tensor, recipe: DeepestRecipe) -> Losses:
    own, taught = network.encode_levels(image, LEVELS[1:]), teachers.look(image, (LEVEL,))[LEVEL]
    painted = network.decode(own[LEVEL])
    reached = network.encode_levels(painted, SEEN)
    parts = {level: relative_distance(reached[level].values, own[level].values.detach()) for level in SEEN}
    return {
        **parts,
        "pixels": recipe.pixels * relative_distance(painted, image),
        "taught": recipe.taught * readout(own[LEVEL].values, taught),
    }
