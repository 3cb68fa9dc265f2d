"""Reconstruction decoders, a level each, for any VGG-shaped encoder (Li et al. 2017, section 3.1).

    python -m brushwork train wct --network vgg19 --photos PHOTOS --styles PAINTINGS --out OUT

The encoder stays as it is, and serves as the loss network unless another is named. Each decoder learns to give back the
picture, the features of it, and those that WCT makes of them; it starts from the decoder of the level above, whose
layers are its own last ones. OUT/decoder-relu1_1.safetensors and so on are what the manifest takes as the
parts `decoder.relu1_1` ...; the same command goes on where it was stopped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..media.sheet import contact_sheet
from ..models.networks.layers import ReflectConv
from ..models.networks.vgg import LEVELS, VggDecoder, VggNetwork, block_of
from ..transfer.moments import Moments
from ..transfer.wct import wct
from .crops import Crops, fixed_crops
from .distributed import training_device
from .least_squares import fit_convolution
from .loss_network import loss_network_of
from .losses import relative_distance
from .networks import check_side, kaiming_initialised, vgg_network
from .recipes import Job, Recipe
from .trainer import Losses, later, save_weights

SOLVED_CROPS = 160  # crops that layers are solved from


@dataclass(frozen=True)
class WctConfig:
    """What can be set."""

    steps: int = 1500  # a level
    photos: int = 3  # crops of photographs a step
    paintings: int = 2  # and of paintings, whose features restyle those of as many photographs
    side: int = 160  # pixels of a crop
    shorter: int = 256  # pixels of a picture's shorter side before the crop
    rate: float = 1e-3  # Adam's, falling to zero
    solved_rate: float = 1e-4  # the same where the coarse layers are solved: ten times as much and they forget it
    pixels: float = 1.5
    features: float = 0.5
    restyled: float = 1.0  # the features of what is decoded from restyled ones; the paper has none of this
    levels: tuple[str, ...] = LEVELS  # from fine to coarse; those that the network has
    fine_tune: bool = False  # whether the network's own decoders are fine-tuned, each by itself
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_wct(network: VggNetwork, job: Job, config: WctConfig = WctConfig()) -> list[Path]:
    """Train `network`'s decoders, from fine to coarse, and save each.

    ValueError where a folder has no pictures, crops do not divide into cells, `job.out` holds a checkpoint of another
    config, or the network has not what the config asks for.
    """
    levels = [level for level in config.levels if level in network.spaces]
    if not levels or set(config.levels) - set(LEVELS):
        fault = f"'levels' is {', '.join(config.levels)}"
        raise ValueError(f"{fault}, and this network has {', '.join(network.spaces)}: name some of these.")
    if network.layout.appended:
        raise ValueError("this network's features are AdaIN's alone: give the one that it was made from, as compact.")
    if missing := [level for level in levels if config.fine_tune and level not in network.decoder]:
        raise ValueError(f"there is no decoder at {', '.join(missing)} to go on from: leave 'fine_tune' out.")
    crops = job.crops(config)
    if job.loss_network:
        job.loss_network.encode(crops[0].take(1).cpu(), levels)  # before the finer levels are trained
    files, above = [], None
    stepped = max(1, len({*levels} - {LEVELS[0]}))  # the finest level is solved
    for stage, level in enumerate(levels):
        share, on_step = job.minutes and job.minutes / stepped, later(job.on_step, stage * config.steps)
        part = replace(job, minutes=share, on_step=on_step, start=None, started=time.monotonic())
        above = _train_level(network, level, above, crops, part, config)
        network.decoder[level] = above
        files.append(save_weights(above, job.out / f"decoder-{level}.safetensors"))
    return files


def _train_level(
    network: VggNetwork, level: str, above: VggDecoder | None, crops: tuple[Crops, Crops], job: Job, config: WctConfig
) -> VggDecoder:
    device, (photos, paintings) = training_device(), crops
    check_side(config.side, network.spaces[level].stride)
    network.to(device)
    loss_network = job.loss_network.to_training(device) if job.loss_network else loss_network_of(network)
    decoder = first_decoder(network, level, above, config.seed).to(device)
    if config.fine_tune:
        decoder.load_state_dict(network.decoder[level].state_dict())
    examples = fixed_crops(config.seed, (photos, 3), (paintings, 1))
    rate = config.solved_rate if coarse_layers(decoder, level) and not config.fine_tune else config.rate
    if not (config.fine_tune or (job.out / f"decoder-{level}.pt").is_file()):
        solve(network, decoder, level, fixed_crops(config.seed, (photos, SOLVED_CROPS), (paintings, SOLVED_CROPS // 3)))
    if len(decoder) == 1:
        return decoder.eval().requires_grad_(False)

    def encode(image: Tensor) -> Tensor:
        return network.encode(image, level).values

    def losses() -> Losses:
        """Departure from the paper: features of photographs that whitening and colouring has changed are decoded too. A
        decoder that has never met such features takes from them what it can invert best, and loses what makes the
        style."""
        image = torch.cat([photos.take(config.photos), paintings.take(config.paintings)])
        with torch.no_grad():
            strength = 1 - torch.rand(min(config.photos, config.paintings), device=device) / 2
            features = encode(image)
            features = torch.cat([features, _restyled(features, config.photos, strength)])
            if loss_network.network is network:
                target = loss_network.project({level: features})[level] if level in loss_network.levels else features
            else:
                target = loss_network(image, (level,))[level]
                target = torch.cat([target, _restyled(target, config.photos, strength)])
        result, count = decoder(features).float(), len(image)
        found = loss_network(result, (level,))[level] if level in loss_network.levels else encode(result)
        return {
            f"{level} pixels": config.pixels * relative_distance(result[:count], image),
            f"{level} features": config.features * relative_distance(found[:count], target[:count]),
            f"{level} restyled": config.restyled * relative_distance(found[count:], target[count:]),
        }

    def preview() -> Tensor:
        return contact_sheet([*examples, *decoder(encode(examples)).float()], columns=len(examples))

    trainer = job.trainer(decoder, f"decoder-{level}", config, rate=rate)
    trainer.train(losses, preview, job.on_step)
    return trainer.finished(decoder)


def _restyled(features: Tensor, photos: int, strength: Tensor) -> Tensor:
    """WCT of the features of as many photographs as there are paintings, each with one of these as style."""
    content, style = features[: len(strength)], features[photos : photos + len(strength)]
    operator = wct(Moments.of(content, full=True), Moments.of(style, full=True))
    return operator.blend(strength)(content)


def first_decoder(network: VggNetwork, level: str, above: VggDecoder | None, seed: int) -> VggDecoder:
    """A decoder that ends in the layers of the level above, where there is one.

    Of the others those that keep the number of channels start as the identity, and one that does not is random.
    """
    decoder = kaiming_initialised(VggDecoder(network.layout.stage(level), network.layout.final_relu), seed)
    for layer in decoder.values():
        if isinstance(layer, nn.Conv2d) and layer.in_channels == layer.out_channels:
            nn.init.dirac_(layer.weight)
    if above is not None and network.layout.stage(level)[:1] == network.layout.widths[:1]:
        own = decoder.state_dict()
        fitting = {k: v for k, v in above.state_dict().items() if k in own and own[k].shape == v.shape}
        decoder.load_state_dict(fitting, strict=False)
    return decoder


@torch.no_grad()
def solve(network: VggNetwork, decoder: VggDecoder, level: str, images: Tensor) -> None:
    """Find what needs no steps: the one layer of relu1_1, and at relu5_1 those before the layers of the level above.

    The target is the features, at the level above, of the best linear guess of the pictures `images` [B, 3, H, W]: it
    is blurred, but a picture, which the layers that follow know how to paint. The mean of all features that could be is
    not, and at relu5_1, where steps have a long way from the level above, 1,500 of them end 4 dB short of this start.
    """
    values, stride = network.encode(images, level).values, network.spaces[level].stride
    if len(decoder) == 1:
        fit_convolution(decoder.get_submodule("conv1_1"), values, images)  # pyright: ignore[reportArgumentType]
    if not (coarse := coarse_layers(decoder, level)):
        return
    guess = ReflectConv(values.shape[1], 3 * stride**2).to(values)
    fit_convolution(guess, values, F.pixel_unshuffle(images, stride))
    blurred = F.pixel_shuffle(guess(values), stride).clamp(0, 1)
    target = network.encode(blurred, _above(level)).values
    for layer in coarse[1:]:
        fit_convolution(layer, values, target)
        values = layer(values).relu()


def coarse_layers(decoder: VggDecoder, level: str) -> list[ReflectConv]:
    """The layers before those of the level above, where none changes the number of channels; else none."""
    names = list(decoder)
    own = names[: names.index(f"conv{block_of(level) - 1}_1")] if len(names) > 1 else []
    layers = [layer for name in own if isinstance(layer := decoder[name], ReflectConv)]
    return layers if all(layer.in_channels == layer.out_channels for layer in layers) else []


def _above(level: str) -> str:
    return LEVELS[LEVELS.index(level) - 1]


def _run(network: str, job: Job, config: WctConfig) -> list[Path]:
    return train_wct(vgg_network(network), job, config)


RECIPE = Recipe(WctConfig, _run, network="compact", length=lambda config: config.steps * len(config.levels))
