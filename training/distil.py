"""One encoder with taps at five levels, distilled from the teachers: the first stage of `compact`.

The encoder is trained from nothing. At every tap a linear map of its channels must give the teachers' features, so that
it sees what VGG-19 sees; and another the picture itself, so that decoders have something to work with: features that
only mean what VGG's mean forget colours and edges. Both maps are solved for over the last batches, and never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.vgg import LEVELS, VggEncoder, VggLayout, VggNetwork
from . import parallel
from .crops import Crops, check_side
from .loop import Losses, OnStep, Run
from .losses import best_map
from .newborn import give_birth
from .perception import Eye
from .readout import Readout

HEAD_CROPS = 8
"""Batches of crops that the heads are solved from."""


@dataclass(frozen=True)
class DistilRecipe:
    """The knobs."""

    steps: int = 5000
    photos: int = 6  # crops of photographs a step
    paintings: int = 2  # and of paintings: what they need of the encoder is not in photographs
    side: int = 128  # pixels of a crop
    shorter: int = 256  # pixels of a picture's shorter side before the crop
    rate: float = 2e-3  # Adam's, falling to zero
    keep: float = 0.5  # weight of the picture beside the teachers' features; 1 from the start slows those
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def distil(
    layout: VggLayout,
    teachers: Eye,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    recipe: DistilRecipe = DistilRecipe(),
    on_step: OnStep | None = None,
) -> VggEncoder:
    """Train an encoder of `layout`; `on_step(steps done, losses)` may raise to stop, the same call goes on."""
    check_side(recipe.side, 2 ** (len(LEVELS) - 1))
    device, generator = parallel.training_device(), torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.shorter, generator, recipe.held_out, device)
    paintings = Crops(styles, recipe.side, recipe.shorter, generator, device=device)

    encoder = _newborn(layout, recipe.seed)
    readouts = _readouts(layout, teachers)
    run = Run(
        nn.ModuleList([encoder, readouts]), generator, asdict(recipe), recipe.steps, recipe.rate, out / "encoder.pt"
    )

    def images() -> Tensor:
        both = torch.cat([contents.take(recipe.photos), paintings.take(recipe.paintings)])
        return both.to(memory_format=torch.channels_last)

    for step, parts in run.go(lambda: _losses(encoder, readouts, teachers.to(device), images(), recipe.keep)):
        if on_step:
            on_step(step, parts)
    normalise(encoder, images())
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


def _readouts(layout: VggLayout, teachers: Eye) -> nn.ModuleDict:
    """Two a level: of the teachers' features and of the picture."""
    taught = teachers.look(torch.zeros(1, 3, 32, 32), LEVELS)
    readouts = nn.ModuleDict()
    for index, (level, width) in enumerate(zip(LEVELS, layout.widths, strict=True)):
        readouts[level] = Readout(width, taught[level].shape[1])
        readouts[f"{level} picture"] = Readout(width, 3 * 4**index)
    return readouts


def _losses(encoder: VggEncoder, readouts: nn.ModuleDict, teachers: Eye, image: Tensor, keep: float) -> Losses:
    taught, own = teachers.look(image, LEVELS), encoder(image, LEVELS)
    parts: Losses = {}
    for index, level in enumerate(LEVELS):
        every = 2 if index == 0 else 1  # a quarter of the finest level's pixels says as much
        values, picture = own[level][..., ::every, ::every], F.pixel_unshuffle(image, 2**index)[..., ::every, ::every]
        parts[level] = readouts[level](values, taught[level][..., ::every, ::every])
        parts[f"{level} picture"] = keep * readouts[f"{level} picture"](values, picture)
    return parts


def _newborn(layout: VggLayout, seed: int) -> VggEncoder:
    """Random filters, the first layer's made for pixels in 0..1: centred, and of the size of what follows.

    Its first three filters are the pixel itself, which no ReLU cuts: relu1_1 forgets nothing, and learns to stay so.
    """
    encoder = give_birth(VggEncoder(layout.widths), seed)
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
def teach_heads(
    network: VggNetwork, teachers: Eye, photos: Sequence[Path], styles: Sequence[Path], recipe: DistilRecipe
) -> None:
    """Heads that show `network`'s features as the teachers', solved for over some crops: see `VggNetwork.heads`."""
    device, generator = parallel.training_device(), torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.shorter, generator, recipe.held_out, device)
    paintings = Crops(styles, recipe.side, recipe.shorter, generator, device=device)
    images = torch.cat([contents.take(HEAD_CROPS * recipe.photos), paintings.take(HEAD_CROPS * recipe.paintings)])
    taught, own = teachers.look(images, LEVELS), network.encode_levels(images, LEVELS)
    for level, head in network.heads.items():
        matrix, offset = best_map(own[level].values, taught[level])
        head.get_parameter("weight").copy_(matrix[..., None, None])
        head.get_parameter("bias").copy_(offset)
