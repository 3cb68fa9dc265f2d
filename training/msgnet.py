"""MSG-Net: one network for all styles, told apart by their Gram matrices alone (Zhang & Dana 2017).

    python -m brushwork train msgnet --from-scratch --photos PHOTOS --styles PAINTINGS --teacher FILE --out OUT

Paintings are shown at several sizes, and the result is held against the Gram matrices of that size: so the size of the
style picture becomes the size of the brush. From scratch all is as the authors released it, BGR in 0..255 included; on
a network that reconstructs from relu3_1 the encoder stays as it is, unless `encoder` lets it learn along, and the
decoder starts as that network's; an MSG-Net (`--network msgnet`) is fine-tuned. OUT/msgnet.safetensors holds the
network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ..media.sheet import contact_sheet
from ..methods.msgnet import gram_of
from ..models.networks.msgnet import LEVEL, MsgNet
from ..models.networks.norm import normalised
from ..models.networks.vgg import VggNetwork
from ..transfer.comatch import comatch
from ..transfer.decompose import eigen
from ..transfer.moments import Moments
from ..transfer.wct import TRANSPORT, wct
from .crops import fixed_crops
from .distributed import training_device
from .loss_network import LossNetwork
from .losses import LossWeights, content_of, gram_distance, picture_losses, steady_losses, style_target
from .networks import backbone_or, centre_output, kaiming_initialised, last_layer, learning_along, on_backbone, seeded
from .pairs import StyleMoments
from .recipes import Job, Recipe
from .trainer import Losses


@dataclass(frozen=True)
class MsgNetConfig:
    """What can be set."""

    steps: int = 3400
    batch: int = 4  # crops a step
    same_style: int = 1  # crops after each other that share a style; the paper holds one for 20 steps
    side: int = 192  # pixels of a crop
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    style_side: int = 256  # pixels of a style crop
    style_sizes: tuple[int, ...] = (256, 512, 768)  # pixels of a painting's shorter side: the paper's brush sizes
    style_crops: int = 2000  # that are drawn once; the moments of each are kept
    recoloured: float = 0.0  # share of the style crops that have other colours, or are grey
    rate: float = 1e-3  # Adam's, falling to zero
    loss_weights: LossWeights = field(default_factory=lambda: LossWeights(0.5, 0.8, 0.05, 1.0))
    encoder: bool = False  # whether a backbone's encoder learns along
    width: int = 64  # the paper's ngf, where it is built from scratch
    kept: int = 0  # pairs of crops whose pictures by the teacher are kept on disk, and met again
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


EIGENVALUE_FLOOR = 1e-4  # of the largest one of the mean covariance: smaller ones are not whitened, for float16's sake
COMATCH_RIDGE = 1e-3  # in mean squares of the Gram matrices, for the first W
FIRST_CROPS = 16  # of photographs, that W is started from
FIRST_STYLES = 48  # style crops that the basis and W are started from
OUTPUT_DEVIATION = 64.0
"""Deviation of the first pictures of the released layout, in 0..255; the layer that makes them learns at so many times
the rate, which is the same as if it made pictures in 0..4."""


def train_msgnet(
    start: VggNetwork | MsgNet | None, loss_network: LossNetwork, job: Job, config: MsgNetConfig = MsgNetConfig()
) -> MsgNet:
    """Train one network for all paintings: on a backbone, from an MSG-Net, or in the released layout from nothing.

    ValueError where a folder has no pictures or `job.out` holds a checkpoint of another config.
    """
    device = training_device()
    styles, pairs = job.crop_pairs(config)
    network = first_msgnet(start, config.width, config.seed).to(device)
    if isinstance(start, VggNetwork):
        pictures = [styles.cut([index]) for index in range(min(FIRST_STYLES, len(styles)))]
        choose_basis(network, pictures)
        start_comatch(network, fixed_crops(config.seed, (pairs.contents, FIRST_CROPS)), pictures)
    loss_network = loss_network.to_training(device)

    def stylised(content: Tensor, chosen: Sequence[int]) -> Tensor:
        """The encoder may learn, so styles are encoded in each step, each one once."""
        each = list(dict.fromkeys(chosen))
        gram = gram_of(network, Moments.of(network.encode(styles.cut(each), LEVEL).values, full=True))
        features = network.encode(content, LEVEL)
        operator, values = comatch(gram[[each.index(style) for style in chosen]], network.comatch), features.values
        if network.on_backbone:  # as the method does, but faster
            values = torch.cat([normalised(values[:, :-1]), values[:, -1:]], 1)
        return network.decode(features.with_values(operator(values)))

    def losses() -> Losses:
        batch, weights = pairs.take(config.batch), config.loss_weights
        content = content_of(loss_network, batch.content) if weights.content else None
        result = stylised(batch.content, batch.styles)
        style = style_moments.of(batch.styles) if weights.style or weights.colour else {}
        steady = steady_losses(weights, lambda image: stylised(image, batch.styles), batch.content, result)
        return picture_losses(loss_network, result, weights, content, style, batch.target, gram_distance) | steady

    def preview() -> Tensor:
        rows = [stylised(photos, [style] * 4) for style in chosen]
        return contact_sheet([*photos, *styles.cut(chosen), *torch.cat(rows)], columns=4)

    style_moments = StyleMoments(
        lambda style: style_target(loss_network, styles.cut([style]), config.loss_weights), device
    )
    photos = fixed_crops(config.seed, (pairs.contents, 4))
    chosen = [style % len(styles) for style in range(4)]
    factors = [] if network.on_backbone else [(weight, OUTPUT_DEVIATION) for weight in last_layer(network).parameters()]
    factors += learning_along(network.encoder) if config.encoder and network.on_backbone else []
    trainer = job.trainer(network, "msgnet", config, rate_factors=factors)
    trainer.train(losses, preview, job.on_step)
    return trainer.finished(network)


def first_msgnet(start: VggNetwork | MsgNet | None, width: int, seed: int) -> MsgNet:
    """A network to learn: a backbone's encoder, frozen, its decoder, and a body that changes nothing; or `start`, an
    MSG-Net, whose backbone's encoder and basis stay; or the released layout with `width` as its ngf, all random."""
    if start is None:
        network = kaiming_initialised(seeded(lambda: MsgNet(width), seed), seed).train()
        centre_output(network, 127.5, OUTPUT_DEVIATION)
        return network
    if isinstance(start, VggNetwork):
        return on_backbone(seeded(lambda: MsgNet(backbone=start.layout), seed), start)
    start.train().requires_grad_(True).encoder.requires_grad_(not start.on_backbone)
    for basis in (start.whiten, start.colour):
        basis.requires_grad_(False)
    return start


@torch.no_grad()
def choose_basis(network: MsgNet, pictures: Sequence[Tensor]) -> None:
    """Whiten features by the mean of the covariances of `pictures` [1, 3, H, W], around their mean.

    W multiplies Gram matrices, whose eigenvalues span five orders of magnitude: learnt as they are, it dies at once.
    """
    each = [Moments.of(network.encode(picture, LEVEL).values, full=True) for picture in pictures]
    mean = torch.stack([moments.mean[0, :-1] for moments in each]).mean(0)
    values, vectors = eigen(torch.cat([moments.covariance[:, :-1, :-1] for moments in each]).mean(0, keepdim=True))
    roots = values.clamp_min(EIGENVALUE_FLOOR * values.max()).sqrt()
    whiten, colour = ((vectors * sizes[:, None, :]) @ vectors.mT for sizes in (1 / roots, roots))
    for layer, matrix, offset in (
        (network.whiten, whiten[0], -whiten[0] @ mean.double()),
        (network.colour, colour[0], mean.double()),
    ):
        layer.get_parameter("weight").copy_(matrix[..., None, None])
        layer.get_parameter("bias").copy_(offset)
        layer.requires_grad_(False)


@torch.no_grad()
def start_comatch(network: MsgNet, photos: Tensor, pictures: Sequence[Tensor]) -> None:
    """Start W as the one whose maps G W' of all `pictures` come nearest to those of WCT, for the average photo.

    Least squares: G W' = T for each picture, with T the map that WCT would choose, in homogeneous coordinates, and G
    the root that stands for a Gram matrix here.
    """
    features = network.encode(photos, LEVEL).values[:, :-1]
    content = Moments.of(normalised(features), full=True).over_batch()
    squares, products = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for picture in pictures:
        values = network.encode(picture, LEVEL).values
        gram = gram_of(network, Moments.of(values, full=True))[0].double()
        operator = wct(content, Moments.of(values[:, :-1], full=True), TRANSPORT)
        target = torch.eye(len(gram)).to(operator.matrix)
        target[:-1, :-1] = operator.matrix[0]
        target[:-1, -1] = operator.shift[0] - operator.matrix[0] @ operator.centre[0]
        squares, products = squares + gram.mT @ gram, products + gram.mT @ target.to(gram)
    squares.diagonal().add_(COMATCH_RIDGE * squares.diagonal().mean())
    network.comatch.copy_(torch.linalg.solve(squares, products).mT)


def _run(network: str, job: Job, config: MsgNetConfig) -> list[Path]:
    assert job.loss_network is not None  # the recipe names one
    train_msgnet(backbone_or(MsgNet, network), job.loss_network, job, config)
    return [job.out / "msgnet.safetensors"]


RECIPE = Recipe(MsgNetConfig, _run, network="compact", loss_network="compact", from_scratch=True, taught=True)
