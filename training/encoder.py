"""One encoder with taps at five levels, distilled from the teachers: the first stage of `compact`.

It starts from random weights. At every tap a linear map of its channels must give the teachers' features, so that it
sees what VGG-19 sees; and another the picture itself, so that decoders have something to work with: features that only
mean what VGG's mean forget colours and edges. Both maps are solved for over the last batches, and never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.networks.vgg import LEVELS, VggEncoder, VggLayout, VggNetwork
from . import distributed
from .data import Crops
from .initialisation import kaiming_initialised
from .least_squares import LinearProbe, best_map
from .loss_network import LossNetwork
from .networks import check_side
from .pairs import fixed_crops
from .recipes import Job
from .trainer import Losses

PROJECTION_CROPS = 8
"""Batches of crops that the projections are solved from."""
REFRESH_EVERY = 4
"""Steps after which the probes are solved for again."""


@dataclass(frozen=True)
class EncoderConfig:
    """What can be set."""

    steps: int = 5000
    photos: int = 6  # crops of photographs a step
    paintings: int = 2  # and of paintings: what they need of the encoder is not in photographs
    side: int = 128  # pixels of a crop
    shorter: int = 256  # pixels of a picture's shorter side before the crop
    rate: float = 2e-3  # Adam's, falling to zero
    picture_weight: float = 0.5  # beside the teachers' features; 1 from the start slows those
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_encoder(
    layout: VggLayout, teachers: LossNetwork, job: Job, config: EncoderConfig = EncoderConfig()
) -> VggEncoder:
    """Train an encoder of `layout` and save it."""
    check_side(config.side, 2 ** (len(LEVELS) - 1))
    device = distributed.training_device()
    photos = Crops(job.photographs(config.shorter, config.held_out), config.side)
    paintings = Crops(job.paintings(config.shorter), config.side)
    encoder, probes = first_encoder(layout, config.seed), _probes(layout, teachers)
    teachers = teachers.to_training(device)

    def images() -> Tensor:
        both = torch.cat([photos.take(config.photos), paintings.take(config.paintings)])
        return both.to(memory_format=torch.channels_last)

    def losses() -> Losses:
        refresh = trainer.step % REFRESH_EVERY == 0
        return _losses(encoder, probes, teachers, images(), config.picture_weight, refresh)

    trainer = job.trainer(nn.ModuleList([encoder, probes]), "encoder", config, exported=encoder)
    trainer.train(losses, None, job.on_step)
    normalise(trainer.finished(encoder), fixed_crops(photos, config.photos, paintings, config.paintings, config.seed))
    return encoder


@torch.no_grad()
def normalise(encoder: VggEncoder, images: Tensor) -> None:
    """Scales each convolution so that its activations on `images` have the mean one, as in the papers' VGG-19.

    What the encoder sees stays the same, since ReLUs and pools commute with scales. Training leaves the scales open,
    and they grow from layer to layer beyond what float16 holds.
    """
    means: dict[nn.Module, list[Tensor]] = {layer: [] for layer in encoder.values()}
    hooks = [layer.register_forward_hook(partial(_measure, means)) for layer in encoder.values()]
    encoder(images, LEVELS)
    before = torch.ones(())
    for hook, (layer, seen) in zip(hooks, means.items(), strict=True):
        hook.remove()
        mean = torch.stack(seen).mean()
        layer.get_parameter("weight").mul_(before / mean)
        layer.get_parameter("bias").div_(mean)
        before = mean


def _measure(means: dict[nn.Module, list[Tensor]], layer: nn.Module, _: object, output: Tensor) -> None:
    means[layer].append(output.relu().mean())  # once a band of rows


def _probes(layout: VggLayout, teachers: LossNetwork) -> nn.ModuleDict:
    """Two a level: of the teachers' features and of the picture."""
    with torch.no_grad():
        taught = teachers(torch.zeros(1, 3, 32, 32), LEVELS)
    probes = nn.ModuleDict()
    for index, (level, width) in enumerate(zip(LEVELS, layout.widths, strict=True)):
        probes[level] = LinearProbe(width, taught[level].shape[1])
        probes[f"{level} picture"] = LinearProbe(width, 3 * 4**index)
    return probes


def _losses(
    encoder: VggEncoder,
    probes: nn.ModuleDict,
    teachers: LossNetwork,
    image: Tensor,
    picture_weight: float,
    refresh: bool,
) -> Losses:
    with torch.no_grad():
        taught = teachers(image, LEVELS)
    own = encoder(image, LEVELS)
    parts: Losses = {}
    for index, level in enumerate(LEVELS):
        every = 2 if index == 0 else 1  # a quarter of the finest level's pixels says as much
        values, picture = own[level][..., ::every, ::every], F.pixel_unshuffle(image, 2**index)[..., ::every, ::every]
        parts[level] = probes[level](values, taught[level][..., ::every, ::every], refresh)
        parts[f"{level} picture"] = picture_weight * probes[f"{level} picture"](values, picture, refresh)
    return parts


def first_encoder(layout: VggLayout, seed: int) -> VggEncoder:
    """Random filters, the first layer's made for pixels in 0..1: centred, and of the size of what follows.

    Its first three filters are the pixel itself, which no ReLU cuts: relu1_1 forgets nothing, and learns to stay so.
    """
    encoder = kaiming_initialised(VggEncoder(layout.widths), seed)
    first = next(iter(encoder.values()))
    assert isinstance(first, nn.Conv2d)
    with torch.no_grad():
        first.weight.mul_(4)
        first.get_parameter("bias").copy_(-first.weight.sum((1, 2, 3)) / 2)
        give_pixels(first, range(3))
    return encoder


@torch.no_grad()
def give_pixels(first: nn.Conv2d, channels: Sequence[int]) -> None:
    """Make three channels of the first layer red, green and blue, at the size of its other ones."""
    for colour, channel in enumerate(channels):
        first.weight[channel] = 0
        first.weight[channel, colour, 1, 1] = 4
        first.get_parameter("bias")[channel] = 0


@torch.no_grad()
def solve_projections(network: VggNetwork, teachers: LossNetwork, job: Job, config: EncoderConfig) -> None:
    """1x1 convolutions that show `network`'s features as the teachers', solved for over some crops."""
    device = distributed.training_device()
    network.to(device)
    photos = Crops(job.photographs(config.shorter, config.held_out), config.side)
    paintings = Crops(job.paintings(config.shorter), config.side)
    count, others = PROJECTION_CROPS * config.photos, PROJECTION_CROPS * config.paintings
    images = fixed_crops(photos, count, paintings, others, config.seed)
    taught, own = teachers.to(device)(images, LEVELS), network.encode_levels(images, LEVELS)
    for level, projection in network.heads.items():
        matrix, offset = best_map(own[level].values, taught[level])
        projection.get_parameter("weight").copy_(matrix[..., None, None])
        projection.get_parameter("bias").copy_(offset)
