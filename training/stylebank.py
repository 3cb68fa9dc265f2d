"""A StyleBank: a convolution kernel a painting, between an encoder and a decoder (Chen et al. 2017).

    python -m brushwork train stylebank --from-scratch --photos PHOTOS --styles PAINTINGS --out OUT

From scratch encoder and decoder have the paper's own layout. On a network that reconstructs from relu3_1 the encoder
stays as it is, unless `encoder` lets it learn along, and the decoder starts as that network's; a bank of just these
styles, as with `--network stylebank`, is fine-tuned. Steps go in turns: style steps, each crop in a style of its own,
and one that only reconstructs, without a kernel: the paper's identity loss. A style is a picture in the folder
PAINTINGS and is named after its file.
OUT/stylebank.safetensors holds the whole network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ..media.sheet import contact_sheet
from ..models.networks.norm import normalised
from ..models.networks.stylebank import LEVEL, StyleBankNetwork
from ..models.networks.vgg import VggNetwork
from ..transfer.moments import Moments
from ..transfer.operators import KernelMap
from ..transfer.wct import TRANSPORT, wct
from .crops import fixed_crops
from .distributed import training_device
from .loss_network import LossNetwork
from .losses import (
    LossWeights,
    content_of,
    gram_distance,
    picture_losses,
    relative_distance,
    steady_losses,
    style_target,
)
from .networks import backbone_or, centre_output, kaiming_initialised, learning_along, on_backbone, seeded
from .pairs import StyleMoments
from .recipes import Job, Recipe
from .trainer import Losses


@dataclass(frozen=True)
class StyleBankConfig:
    """What can be set."""

    steps: int = 4500
    painted: int = 2  # style steps for one that reconstructs: the paper's T
    batch: int = 4  # crops a step
    side: int = 192  # pixels of a crop
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    style_size: int = 512  # pixels of the paintings' shorter sides, whole: larger ones have larger strokes
    rate: float = 1e-3  # Adam's, falling to zero
    kernel_rate: float = 2.0  # times that rate: each kernel is met in a share of the steps only
    loss_weights: LossWeights = field(default_factory=lambda: LossWeights(0.5, 0.8, 0.05, 1.0))
    reconstruction: float = 1.0  # weight of the identity loss
    encoder: bool = False  # whether a backbone's encoder learns along
    kept: int = 0  # pairs of crops whose pictures by the teacher are kept on disk, and met again
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


FIRST_CROPS = 16  # of photographs, that kernels are started from


def train_stylebank(
    start: VggNetwork | StyleBankNetwork | None,
    loss_network: LossNetwork,
    job: Job,
    config: StyleBankConfig = StyleBankConfig(),
) -> StyleBankNetwork:
    """Train a bank of all paintings: on a backbone, from a bank of these styles, or in the paper's layout from nothing.

    ValueError where the bank to start from has other styles.
    """
    device = training_device()
    paintings = job.paintings(config.style_size)
    network = first_bank(paintings.names, start, config.seed).to(device)
    numbers = [paintings.names.index(style) for style in network.styles]
    sources = (paintings.names, config.style_size)
    pairs = job.pairs(len(numbers), lambda style: paintings[numbers[style]], sources, config)
    if isinstance(start, VggNetwork):
        photos = fixed_crops(config.seed, (pairs.contents, FIRST_CROPS))
        start_kernels(network, photos, [paintings[number] for number in numbers])
    loss_network = loss_network.to_training(device)

    def losses() -> Losses:
        if trainer.step % (config.painted + 1) == config.painted:
            image = pairs.contents.take(config.batch)
            result = network.decode(network.encode(image, LEVEL))
            return {"reconstruction": config.reconstruction * relative_distance(result, image)}
        batch, weights = pairs.take(config.batch), config.loss_weights
        names = [network.styles[style] for style in batch.styles]
        style = style_moments.of(batch.styles) if weights.style or weights.colour else {}
        return style_losses(network, loss_network, batch.content, names, style, weights, batch.target)

    def preview() -> Tensor:
        rows = [stylised(network, photos, [name] * len(photos)) for name in network.styles[:4]]
        return contact_sheet([*photos, *torch.cat(rows)], columns=len(photos))

    style_moments = StyleMoments(
        lambda style: style_target(loss_network, paintings[numbers[style]], config.loss_weights), device
    )
    photos = fixed_crops(config.seed, (pairs.contents, 4))
    factors = [(weight, config.kernel_rate) for weight in network.bank.parameters()]
    factors += learning_along(network.encoder) if config.encoder and network.on_backbone else []
    trainer = job.trainer(network, "stylebank", config, rate_factors=factors)
    trainer.train(losses, preview, job.on_step)
    return trainer.finished(network)


def first_bank(styles: Sequence[str], start: VggNetwork | StyleBankNetwork | None, seed: int) -> StyleBankNetwork:
    """A bank to learn: between a backbone's encoder, frozen, and its decoder; or `start`, a bank, whose backbone's
    encoder stays; or in the paper's layout, random, kernels the identity and pictures around middle grey.

    ValueError where the bank has other styles.
    """
    if start is None:
        network = StyleBankNetwork(styles)
        kaiming_initialised(network.encoder, seed)
        kaiming_initialised(network.decoder, seed + 1)
        centre_output(network, 0.5, 0.25)
        return network.train()
    if isinstance(start, VggNetwork):
        return on_backbone(seeded(lambda: StyleBankNetwork(styles, backbone=start.layout), seed), start)
    if set(start.styles) != set(styles):
        raise ValueError(f"the bank to start from has the styles {', '.join(start.styles)}: name a folder of those.")
    start.train().requires_grad_(True).encoder.requires_grad_(not start.on_backbone)
    return start


@torch.no_grad()
def start_kernels(network: StyleBankNetwork, photos: Tensor, paintings: Sequence[Tensor]) -> None:
    """Start every kernel as the map of colours that WCT would choose for the average of `photos` [B, 3, H, W].

    Of its two maps the one that moves features the least: training has to find the strokes only.
    """
    content = Moments.of(normalised(network.encode(photos, LEVEL).values), full=True).over_batch()
    for kernel, painting in zip(network.bank, paintings, strict=True):
        operator = wct(content, Moments.of(network.encode(painting, LEVEL).values, full=True), TRANSPORT)
        weight, bias = kernel.get_parameter("weight"), kernel.get_parameter("bias")
        weight.zero_()[:, :, 1, 1] = operator.matrix[0]
        bias.copy_(operator(torch.zeros(1, len(bias), 1, 1).to(weight))[0, :, 0, 0])


def style_losses(
    network: StyleBankNetwork,
    loss_network: LossNetwork,
    image: Tensor,
    names: Sequence[str],
    style: Mapping[str, Moments],
    weights: LossWeights,
    target: Tensor | None = None,
) -> Losses:
    """What a style step minimises: each crop of `image` [B, 3, H, W] in its style of `names`, as `picture_losses`."""
    content = content_of(loss_network, image) if weights.content else None
    result = stylised(network, image, names)
    steady = steady_losses(weights, lambda again: stylised(network, again, names), image, result)
    return picture_losses(loss_network, result, weights, content, style, target, gram_distance) | steady


def stylised(network: StyleBankNetwork, image: Tensor, names: Sequence[str]) -> Tensor:
    """`image` [B, 3, H, W] in 0..1, each picture in its style of `names`; not clamped."""
    features = network.encode(image, LEVEL)
    values = normalised(features.values) if network.on_backbone else features.values  # as the method does, but faster
    each = [KernelMap.of(*network.kernel(name))(one[None]) for name, one in zip(names, values, strict=True)]
    return network.decode(features.with_values(torch.cat(each)))


def _run(network: str, job: Job, config: StyleBankConfig) -> list[Path]:
    assert job.loss_network is not None  # the recipe names one
    train_stylebank(backbone_or(StyleBankNetwork, network), job.loss_network, job, config)
    return [job.out / "stylebank.safetensors"]


RECIPE = Recipe(StyleBankConfig, _run, network="compact", loss_network="compact", from_scratch=True, taught=True)
