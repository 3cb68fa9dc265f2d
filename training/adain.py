"""AdaIN's decoder for any network that encodes relu1_1 to relu4_1 (Huang & Belongie 2017, section 5).

    python -m brushwork train adain --network small16x --photos PHOTOS --styles PAINTINGS --out OUT

The encoder stays as it is and serves, behind its heads where it has some, as the loss network too. The decoder starts
from the network's reconstruction decoder, which a CPU with two cores turns into AdaIN's in half an hour.
OUT/adain.safetensors is what the manifest takes as the part `adain`; the same command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.vgg import ADAIN_LEVEL as LEVEL
from ..models.vgg import VggDecoder, VggNetwork
from ..pictures.sheet import contact_sheet
from ..transfer.adain import adain
from ..transfer.moments import Moments
from . import parallel
from .crops import Crops
from .export import save_part
from .loop import Losses, Run
from .losses import moment_distance, relative_error, total_variation
from .perception import eye_of

STYLE_LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


@dataclass(frozen=True)
class AdainRecipe:
    """The knobs."""

    steps: int = 3600
    batch: int = 4
    side: int = 192  # pixels of a crop; the paper's 256 takes twice the time
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    painting: int = 384  # the same of a painting; larger ones teach larger strokes
    rate: float = 4e-4  # Adam's, falling to zero; the paper's 1e-4 is for a start from nothing and 160,000 steps
    content: float = 1.0
    style: float = 1.0  # a level; the paper weighs squares, see `moment_distance`
    smooth: float = 0.3  # total variation: a little, against the dots that a decoder likes to fill plain areas with
    again: bool = False  # whether the network's own AdaIN decoder learns on
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_adain(
    network: VggNetwork,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    recipe: AdainRecipe = AdainRecipe(),
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> VggDecoder:
    """Train a decoder for AdaIN's features and save it; `on_step(steps done, losses)` may raise to stop.

    `network` needs reconstruction at relu4_1. Pictures in `photos` and `styles` are folders of them. ValueError where a
    folder has none, or where `out` holds a checkpoint of another recipe.
    """
    device, generator = parallel.training_device(), torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.photo, generator, recipe.held_out, device)
    paintings = Crops(styles, recipe.side, recipe.painting, generator, device=device)
    decoder = first_decoder(network.to(device), recipe.again).to(device)
    shown = contents.take(4), paintings.take(4)

    def preview() -> Tensor:
        return contact_sheet([*shown[0], *shown[1], *decoder(_target(network, *shown)[0])], columns=4)

    run = Run(decoder, generator, asdict(recipe), recipe.steps, recipe.rate, out / "adain.pt")
    for step, losses in run.go(lambda: _losses(network, decoder, contents, paintings, recipe), preview):
        if on_step:
            on_step(step, losses)
    save_part(decoder, out / "adain.safetensors")
    return decoder


def first_decoder(network: VggNetwork, again: bool = False) -> VggDecoder:
    """A decoder that starts as the network's reconstruction of relu4_1; or, `again`, as its decoder for AdaIN.

    ValueError where it has none to start from.
    """
    decoder, start = VggDecoder(network.layout.stage(LEVEL)), network.adain if again else network.decoder[LEVEL]
    if start is None:
        raise ValueError("this network has no decoder for AdaIN to go on from: leave 'again' out.")
    decoder.load_state_dict(start.state_dict())
    return decoder.train().requires_grad_(True)


def _losses(network: VggNetwork, decoder: nn.Module, contents: Crops, paintings: Crops, recipe: AdainRecipe) -> Losses:
    content, style = contents.take(recipe.batch), paintings.take(recipe.batch)
    target, wanted = _target(network, content, style)
    image = decoder(target)
    eye = eye_of(network)
    reached = eye.own(image, STYLE_LEVELS)
    style_parts = [moment_distance(moments, wanted[level]) for level, moments in eye.moments(reached).items()]
    return {
        "content": recipe.content * relative_error(eye.shown(LEVEL, reached[LEVEL]), eye.shown(LEVEL, target)),
        "style": recipe.style * torch.stack(style_parts).sum(),
        "smooth": recipe.smooth * total_variation(image),
    }


@torch.no_grad()
def _target(network: VggNetwork, content: Tensor, style: Tensor) -> tuple[Tensor, dict[str, Moments]]:
    """AdaIN's features of `content`; and the moments of `style` as the loss sees them, at all its levels."""
    own, eye = network.encode(content, LEVEL).values, eye_of(network)
    painted = eye.own(style, STYLE_LEVELS)
    return adain(Moments.of(own), Moments.of(painted[LEVEL]))(own), eye.moments(painted)
