"""The deepest level's own layers, of encoder and decoder, trained together: the last but one stage of `compact`.

What distillation keeps of the picture at relu5_1 is what a linear map can find, and that is a blur: a cascade which
starts there has lost the content before it comes to the finer levels. Here the layers behind relu4_1 learn together
with their decoder, which is asked for the features at all finer levels too: edges. All else stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..media.sheet import contact_sheet
from ..models.networks.vgg import LEVELS, VggNetwork
from . import distributed
from .data import Crops
from .least_squares import LinearProbe
from .loss_network import LossNetwork
from .losses import relative_distance
from .pairs import fixed_crops
from .recipes import Job
from .trainer import Losses

LEVEL, ABOVE = LEVELS[-1], LEVELS[-2]
COMPARED = LEVELS[1:-1]
"""Where decoded pictures are looked at."""


@dataclass(frozen=True)
class DeepestConfig:
    """What can be set."""

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
    network: VggNetwork, teachers: LossNetwork, job: Job, config: DeepestConfig = DeepestConfig()
) -> None:
    """Train them in `network`, which has one encoder for all levels."""
    device = distributed.training_device()
    photos = Crops(job.photographs(config.shorter, config.held_out), config.side)
    paintings = Crops(job.paintings(config.shorter), config.side)
    shown = fixed_crops(photos, 3, paintings, 1, config.seed)
    teachers = teachers.to_training(device)
    with torch.no_grad():
        channels = teachers(shown[:1], (LEVEL,))[LEVEL].shape[1]
    probe = LinearProbe(network.spaces[LEVEL].channels, channels)
    layers = nn.ModuleList([*_own_layers(network.to(device)), network.decoder[LEVEL]])

    def losses() -> Losses:
        image = torch.cat([photos.take(config.photos), paintings.take(config.paintings)])
        return _losses(network, probe, teachers, image, config)

    def preview() -> Tensor:
        return contact_sheet([*shown, *network.decode(network.encode(shown, LEVEL))], columns=len(shown))

    learner = nn.ModuleList([layers, probe]).requires_grad_(True)
    trainer = job.trainer(learner, "deepest", config, exported=layers)
    trainer.train(losses, preview, job.on_step)
    trainer.finished(layers)


def _own_layers(network: VggNetwork) -> list[nn.Module]:
    """The encoder's layers behind the level above."""
    names = list(network.encoder)
    return [network.encoder[name] for name in names[names.index(f"conv{ABOVE[4]}_1") + 1 :]]


def _losses(
    network: VggNetwork, probe: LinearProbe, teachers: LossNetwork, image: Tensor, config: DeepestConfig
) -> Losses:
    own = network.encode_levels(image, LEVELS[1:])
    with torch.no_grad():
        taught = teachers(image, (LEVEL,))[LEVEL]
    painted = network.decode(own[LEVEL])
    reached = network.encode_levels(painted, COMPARED)
    parts = {level: relative_distance(reached[level].values, own[level].values.detach()) for level in COMPARED}
    return {
        **parts,
        "pixels": config.pixels * relative_distance(painted, image),
        "taught": config.taught * probe(own[LEVEL].values, taught),
    }
