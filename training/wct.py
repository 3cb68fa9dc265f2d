"""Reconstruction decoders, a level each, for any VGG-shaped encoder (Li et al. 2017, section 3.1).

    python -m brushwork train wct --network vgg19 --photos PHOTOS --styles PAINTINGS --out OUT

The encoder stays as it is. Each decoder learns to give back the picture, and the features that the encoder finds in
it; it starts from the decoder of the level above, whose layers are its own last ones. OUT/decoder-relu1_1.safetensors
and so on are what the manifest takes as the parts `decoder.relu1_1` ...; the same command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.vgg import LEVELS, VggDecoder, VggNetwork
from ..pictures.sheet import contact_sheet
from . import parallel
from .crops import Crops
from .export import save_part
from .loop import Losses, OnStep, Run, later
from .losses import relative_distance
from .newborn import give_birth

SAMPLES = 24
"""Crops that a decoder of one layer is solved from."""
RIDGE = 1e-8
"""Added to the square of every feature, as a share of it."""


@dataclass(frozen=True)
class WctRecipe:
    """The knobs."""

    steps: int = 1500  # a level
    photos: int = 3  # crops of photographs a step
    paintings: int = 1  # and of paintings: what a cascade decodes is no photograph any more
    side: int = 160  # pixels of a crop
    shorter: int = 256  # pixels of a picture's shorter side before the crop
    rate: float = 1e-3  # Adam's, falling to zero
    features: float = 0.5  # weight of the features beside the pixels; the paper's 1 is for squares
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_wct(
    network: VggNetwork,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    recipe: WctRecipe = WctRecipe(),
    levels: Sequence[str] = LEVELS,
    on_step: OnStep | None = None,
) -> list[Path]:
    """Train `network`'s decoders of `levels`, from fine to coarse, and save each; `on_step` may raise to stop.

    ValueError where a folder has no pictures, or where `out` holds a checkpoint of another recipe.
    """
    files, above = [], None
    for stage, level in enumerate(levels):
        tell = later(on_step, stage * recipe.steps)
        above = _train_level(network, level, above, photos, styles, out, recipe, tell)
        network.decoder[level].load_state_dict(above.state_dict())
        files.append(save_part(above, out / f"decoder-{level}.safetensors"))
    return files


def _train_level(
    network: VggNetwork,
    level: str,
    above: VggDecoder | None,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    recipe: WctRecipe,
    on_step: OnStep | None,
) -> VggDecoder:
    device = parallel.training_device()
    network.to(device)
    decoder = first_decoder(network, level, above, recipe.seed).to(device)
    generator = torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.shorter, generator, recipe.held_out, device)
    paintings = Crops(styles, recipe.side, recipe.shorter, generator, device=device)
    if len(decoder) == 1:
        solve(network, decoder, level, torch.cat([contents.take(SAMPLES), paintings.take(SAMPLES // 3)]))
        return decoder
    run = Run(decoder, generator, asdict(recipe), recipe.steps, recipe.rate, out / f"decoder-{level}.pt")

    shown = torch.cat([contents.take(3), paintings.take(1)])

    def losses() -> Losses:
        image = torch.cat([contents.take(recipe.photos), paintings.take(recipe.paintings)])
        return _losses(network, decoder, image, level, recipe.features)

    def preview() -> Tensor:
        return contact_sheet([*shown, *decoder(network.encode(shown, level).values)], columns=len(shown))

    for step, parts in run.go(losses, preview):
        if on_step:
            on_step(step, parts)
    return decoder


@torch.no_grad()
def solve(network: VggNetwork, decoder: VggDecoder, level: str, images: Tensor) -> None:
    """The decoder of relu1_1 is one convolution: the best one for `images` [B, 3, H, W] is found, not learnt.

    Least squares over all pixels, with a ridge against features that tell the same.
    """
    (layer,) = decoder.values()
    values = network.encode(images, level).values
    patches = F.unfold(F.pad(values, (1,) * 4, mode="reflect"), 3).movedim(1, -1).flatten(0, 1).double()
    inputs, wanted = F.pad(patches, (0, 1), value=1.0), images.movedim(1, -1).flatten(0, 2).double()
    scatter = inputs.mT @ inputs
    scatter.diagonal().mul_(1 + RIDGE)
    best = torch.linalg.solve(scatter, inputs.mT @ wanted).mT.float()
    layer.get_parameter("weight").copy_(best[:, :-1].reshape(3, -1, 3, 3))
    layer.get_parameter("bias").copy_(best[:, -1])


def first_decoder(network: VggNetwork, level: str, above: VggDecoder | None, seed: int) -> VggDecoder:
    """A decoder that ends in the layers of the level above, where there is one.

    Of the others the first is random, and those that keep the number of channels start as the identity.
    """
    decoder = give_birth(VggDecoder(network.layout.stage(level), network.layout.rectified_picture), seed)
    for layer in list(decoder.values())[1:]:
        if isinstance(layer, nn.Conv2d) and layer.in_channels == layer.out_channels:
            nn.init.dirac_(layer.weight)
    if above is not None and network.layout.stage(level)[:1] == network.layout.widths[:1]:
        shared = {name: value for name, value in above.state_dict().items() if _fits(decoder, name, value)}
        decoder.load_state_dict(shared, strict=False)
    return decoder


def _fits(decoder: nn.Module, name: str, value: Tensor) -> bool:
    own = decoder.state_dict().get(name)
    return own is not None and own.shape == value.shape


def _losses(network: VggNetwork, decoder: VggDecoder, image: Tensor, level: str, features: float) -> Losses:
    with torch.no_grad():
        wanted = network.encode(image, level).values
    painted = decoder(wanted)[..., : image.shape[-2], : image.shape[-1]]
    return {
        f"{level} pixels": relative_distance(painted, image),
        f"{level} features": features * relative_distance(network.encode(painted, level).values, wanted),
    }
