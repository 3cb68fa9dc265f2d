"""Reconstruction decoders, a level each, for any VGG-shaped encoder (Li et al. 2017, section 3.1).

    python -m brushwork train wct --network vgg19 --photos PHOTOS --styles PAINTINGS --out OUT

The encoder stays as it is. Each decoder learns to give back the picture, the features that the encoder finds in it, and
those that WCT makes of them; it starts from the decoder of the level above, whose layers are its own last ones.
OUT/decoder-relu1_1.safetensors and so on are what the manifest takes as the parts `decoder.relu1_1` ...; the same
command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.layers import ReflectConv
from ..models.vgg import LEVELS, VggDecoder, VggNetwork
from ..pictures.sheet import contact_sheet
from ..transfer.moments import Moments
from ..transfer.wct import wct
from . import parallel
from .closed_form import fit
from .crops import Crops, check_side
from .export import save_part
from .loop import Losses, OnStep, Run, later
from .losses import relative_distance
from .newborn import give_birth
from .perception import eye_of

SAMPLES = 160
"""Crops that layers are solved from."""


@dataclass(frozen=True)
class WctRecipe:
    """The knobs."""

    steps: int = 1500  # a level
    photos: int = 3  # crops of photographs a step
    paintings: int = 2  # and of paintings, whose features restyle those of as many photographs
    side: int = 160  # pixels of a crop
    shorter: int = 256  # pixels of a picture's shorter side before the crop
    rate: float = 1e-3  # Adam's, falling to zero
    polish: float = 1e-4  # the same where the coarse layers are solved: ten times as much and they forget it
    pixels: float = 1.5
    features: float = 0.5
    restyled: float = 1.0  # the features of what is decoded from restyled ones; the paper has none of this
    levels: tuple[str, ...] = LEVELS  # from fine to coarse; those that the network has
    again: bool = False  # whether the network's own decoders learn on, each by itself
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_wct(
    network: VggNetwork,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    recipe: WctRecipe = WctRecipe(),
    on_step: OnStep | None = None,
) -> list[Path]:
    """Train `network`'s decoders, from fine to coarse, and save each; `on_step` may raise to stop.

    ValueError where a folder has no pictures, crops do not divide into cells, or `out` holds a checkpoint of another
    recipe.
    """
    files, above = [], None
    for stage, level in enumerate(level for level in recipe.levels if level in network.spaces):
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
    check_side(recipe.side, network.spaces[level].stride)
    network.to(device)
    decoder = first_decoder(network, level, above, recipe.seed).to(device)
    if recipe.again:
        decoder.load_state_dict(network.decoder[level].state_dict())
    generator = torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.shorter, generator, recipe.held_out, device)
    paintings = Crops(styles, recipe.side, recipe.shorter, generator, device=device)

    def crops(photos: int, pictures: int) -> Tensor:
        return torch.cat([contents.take(photos), paintings.take(pictures)])

    shown = crops(3, 1)
    rate = recipe.polish if coarse_layers(decoder, level) and not recipe.again else recipe.rate
    run = Run(decoder, generator, asdict(recipe), recipe.steps, rate, out / f"decoder-{level}.pt")
    if not (run.step or recipe.again):
        solve(network, decoder, level, crops(SAMPLES, SAMPLES // 3))
    if len(decoder) == 1:
        return decoder

    def losses() -> Losses:
        return _losses(network, decoder, contents.take(recipe.photos), paintings.take(recipe.paintings), level, recipe)

    def preview() -> Tensor:
        return contact_sheet([*shown, *decoder(network.encode(shown, level).values)], columns=len(shown))

    for step, parts in run.go(losses, preview):
        if on_step:
            on_step(step, parts)
    return decoder


@torch.no_grad()
def solve(network: VggNetwork, decoder: VggDecoder, level: str, images: Tensor) -> None:
    """Find what needs no steps: the one layer of relu1_1, and at relu5_1 those before the layers of the level above.

    They are given the features, at the level above, of the best linear guess of the picture: it is blurred, but a
    picture, which the layers that follow know how to paint. The mean of all features that could be is not, and at
    relu5_1, where steps have a long way from the level above, 1,500 of them end 4 dB short of this start.
    """
    values, stride = network.encode(images, level).values, network.spaces[level].stride
    if len(decoder) == 1:
        fit(_layer(decoder, "conv1_1"), values, images)
    if not (coarse := coarse_layers(decoder, level)):
        return
    guess = ReflectConv(values.shape[1], 3 * stride**2).to(values)
    fit(guess, values, F.pixel_unshuffle(images, stride))
    blurred = F.pixel_shuffle(guess(values), stride).clamp(0, 1)
    target = network.encode(blurred, _above(level)).values
    for layer in coarse[1:]:
        fit(layer, values, target)
        values = layer(values).relu()


def coarse_layers(decoder: VggDecoder, level: str) -> list[ReflectConv]:
    """The layers before those of the level above, where none changes the number of channels; else none."""
    names = list(decoder)
    own = names[: names.index(f"conv{_above(level)[4]}_1")] if len(names) > 1 else []
    layers = [_layer(decoder, name) for name in own]
    return layers if all(layer.in_channels == layer.out_channels for layer in layers) else []


def _above(level: str) -> str:
    return LEVELS[LEVELS.index(level) - 1]


def _layer(decoder: VggDecoder, name: str) -> ReflectConv:
    layer = decoder[name]
    assert isinstance(layer, ReflectConv)
    return layer


def first_decoder(network: VggNetwork, level: str, above: VggDecoder | None, seed: int) -> VggDecoder:
    """A decoder that ends in the layers of the level above, where there is one.

    Of the others those that keep the number of channels start as the identity, and one that does not is random.
    """
    decoder = give_birth(VggDecoder(network.layout.stage(level), network.layout.rectified_picture), seed)
    for layer in decoder.values():
        if isinstance(layer, nn.Conv2d) and layer.in_channels == layer.out_channels:
            nn.init.dirac_(layer.weight)
    if above is not None and network.layout.stage(level)[:1] == network.layout.widths[:1]:
        shared = {name: value for name, value in above.state_dict().items() if _fits(decoder, name, value)}
        decoder.load_state_dict(shared, strict=False)
    return decoder


def _fits(decoder: nn.Module, name: str, value: Tensor) -> bool:
    own = decoder.state_dict().get(name)
    return own is not None and own.shape == value.shape


def _losses(
    network: VggNetwork, decoder: VggDecoder, photos: Tensor, paintings: Tensor, level: str, recipe: WctRecipe
) -> Losses:
    """How far decoded pictures are from the pictures, and their features, seen through heads, from what was decoded.

    Departure from the paper: photographs' features that whitening and colouring has changed are decoded too. A decoder
    that has never met such features takes from them what it can invert best, and loses what makes the style.
    """
    image = torch.cat([photos, paintings])
    with torch.no_grad():
        plain = network.encode(image, level).values
        asked = torch.cat([plain, _restyled(plain[: len(photos)], plain[len(photos) :])])
    painted = decoder(asked)[..., : image.shape[-2], : image.shape[-1]]
    eye, count = eye_of(network), len(plain)
    reached, asked = eye.shown(level, network.encode(painted, level).values), eye.shown(level, asked)
    return {
        f"{level} pixels": recipe.pixels * relative_distance(painted[:count], image),
        f"{level} features": recipe.features * relative_distance(reached[:count], asked[:count]),
        f"{level} restyled": recipe.restyled * relative_distance(reached[count:], asked[count:]),
    }


def _restyled(photos: Tensor, paintings: Tensor) -> Tensor:
    """A photograph's features a painting, restyled by half to in full."""
    content = photos[: len(paintings)]
    operator = wct(Moments.of(content, full=True), Moments.of(paintings[: len(content)], full=True))
    return operator.blend(1 - torch.rand(len(content), device=content.device) / 2)(content)
