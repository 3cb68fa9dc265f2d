"""AdaIN's decoder for any network that encodes relu1_1 to relu4_1 (Huang & Belongie 2017, section 6).

    python -m brushwork train adain --network compact --photos PHOTOS --styles PAINTINGS --teacher FILE --out OUT

The encoder stays as it is, unless `encoder` lets it learn along. A decoder of the network's own widths starts from its
reconstruction decoder, another from random weights. With a teacher it learns to paint what the teacher paints; without,
what the loss network calls content and style. OUT/adain.safetensors is what the manifest takes as the part `adain`,
with `encoder` the whole network; with `projected` OUT/compact-adain.safetensors is the network of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..media.sheet import contact_sheet
from ..models.networks.vgg import ADAIN_LEVEL as LEVEL
from ..models.networks.vgg import COMPACT_ADAIN, LAYOUTS, VggDecoder, VggNetwork
from ..transfer.adain import adain
from ..transfer.moments import Moments
from .crops import fixed_crops
from .distributed import training_device
from .loss_network import loss_network_of
from .losses import CONTENT_LEVEL, LossWeights, content_of, picture_losses, steady_losses, style_target
from .networks import kaiming_initialised, learning_along, vgg_network
from .pairs import StyleMoments
from .recipes import Job, Recipe
from .trainer import Losses, save_weights


@dataclass(frozen=True)
class AdainConfig:
    """What can be set."""

    steps: int = 3600
    batch: int = 4
    side: int = 192  # pixels of a crop; the paper's 256 takes twice the time
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    style_side: int = 256  # pixels of a style crop
    style_sizes: tuple[int, ...] = (256, 384, 512)  # pixels of a painting's shorter side: larger ones, larger strokes
    style_crops: int = 4000  # that are drawn once; the moments of each are kept
    recoloured: float = 0.0  # share of the style crops that have other colours, or are grey
    rate: float = 4e-4  # Adam's, falling to zero; the paper's 1e-4 is for a start from nothing and 160,000 steps
    loss_weights: LossWeights = field(default_factory=lambda: LossWeights(1.0, 1.0, 0.05, 1.0))
    decoder: str = ""  # the layout whose widths the decoder has: compact, vgg19; by default the network's own
    width: float = 1.0  # times those widths
    projected: bool = False  # whether the network's 1x1 projections to VGG-19 are matched beside its own channels
    fine_tune: bool = False  # whether the network's own AdaIN decoder is fine-tuned
    encoder: bool = False  # whether the encoder learns along, where no other decoder depends on it: `compact-adain`
    kept: int = 0  # pairs of crops whose pictures by the teacher are kept on disk, and met again
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_adain(network: VggNetwork, job: Job, config: AdainConfig = AdainConfig()) -> VggDecoder:
    """Train a decoder for AdaIN's features of `network` and save it, with the encoder if that learns too.

    ValueError where a folder has no pictures, where the network has no decoder to start from or others beside it that
    an encoder must serve, where an encoder that learns has no other loss network, or where `job.out` holds a checkpoint
    of another config.
    """
    if config.encoder and (config.projected or network.decoder):
        raise ValueError("this network's encoder serves its other decoders too: give compact-adain as --network.")
    if config.encoder and job.loss_network is None:
        raise ValueError("an encoder that learns cannot be its own loss network: name another as --loss-network.")
    device, weights = training_device(), config.loss_weights
    decoder = first_decoder(network.to(device), config)
    loss_network = job.loss_network.to_training(device) if job.loss_network else loss_network_of(network)
    styles, pairs = job.crop_pairs(config)

    def encode(image: Tensor) -> Tensor:
        with torch.set_grad_enabled(config.encoder and torch.is_grad_enabled()):
            values = network.encode(image, LEVEL).values
            return torch.cat([values, network.heads[LEVEL](values)], 1) if config.projected else values

    def moments_of(style: int) -> dict[str, Moments]:
        image = styles.cut([style])
        own = {} if config.encoder else {"network": Moments.of(encode(image))}
        return style_target(loss_network, image, weights, full=False) | own

    def learn(chosen: Sequence[int]) -> Moments:
        if config.encoder:  # of the encoder as it is now
            return Moments.of(encode(styles.cut(chosen)))
        return style_moments.of(chosen)["network"]

    def matched(features: Tensor, style: Moments) -> Tensor:
        return adain(Moments.of(features), style)(features)

    def painted(image: Tensor, style: Moments) -> Tensor:
        return decoder(matched(encode(image), style)).float()

    def losses() -> Losses:
        batch = pairs.take(config.batch)
        style = style_moments.of(batch.styles)
        learnt = learn(batch.styles)
        result = painted(batch.content, learnt)
        # The content target is AdaIN's features as the loss network has them, as in the paper.
        content = matched(content_of(loss_network, batch.content), style[CONTENT_LEVEL]) if weights.content else None
        steady = steady_losses(weights, lambda image: painted(image, learnt), batch.content, result)
        return picture_losses(loss_network, result, weights, content, style, batch.target) | steady

    def preview() -> Tensor:
        result = painted(photos, learn(chosen))
        taught = pairs.paint(photos, chosen) if pairs.paint else ()
        return contact_sheet([*photos, *styles.cut(chosen), *taught, *result], columns=4)

    style_moments = StyleMoments(moments_of, device)
    photos = fixed_crops(config.seed, (pairs.contents, 4))
    chosen = [style % len(styles) for style in range(4)]
    learner: VggDecoder | VggNetwork = decoder
    factors: list[tuple[nn.Parameter, float]] = []
    if config.encoder:
        factors = learning_along(network)  # before the new decoder is among them
        network.adain, learner = decoder, network.train()
    trainer = job.trainer(learner, "adain", config, rate_factors=factors)
    trainer.train(losses, preview, job.on_step)
    return trainer.finished(decoder)


def first_decoder(network: VggNetwork, config: AdainConfig) -> VggDecoder:
    """The network's reconstruction decoder, or its AdaIN decoder to fine-tune; random weights where widths are others.

    ValueError where there is no AdaIN decoder to fine-tune, the network does not reach its level or has no projections
    that are asked for, or there is no such layout.
    """
    if LEVEL not in network.spaces:
        raise ValueError(f"this network ends before {LEVEL}, where AdaIN works: choose compact, small16x or vgg19.")
    if config.decoder not in ("", *LAYOUTS):
        raise ValueError(f"there is no layout '{config.decoder}': choose one of {', '.join(LAYOUTS)}.")
    if config.projected and not network.layout.projections:
        raise ValueError("this network has no projections to VGG-19: leave 'projected' out, or take compact.")
    layout = LAYOUTS.get(config.decoder, network.layout)
    start = network.adain if config.fine_tune else dict(network.decoder.items()).get(LEVEL)
    if config.fine_tune and start is None:
        raise ValueError("this network has no decoder for AdaIN to go on from: leave 'fine_tune' out.")
    widths = tuple(round(width * config.width) for width in layout.stage(LEVEL))
    inputs = network.spaces[LEVEL].channels + (network.layout.projections[3] if config.projected else 0)
    decoder = VggDecoder(widths, inputs=inputs)
    if start is None or layout is not network.layout or config.width != 1:
        return kaiming_initialised(decoder, config.seed).train()
    weights = start.state_dict()
    first = next(iter(weights))
    added = inputs - weights[first].shape[1]  # channels whose weights start at zero
    decoder.load_state_dict({**weights, first: F.pad(weights[first], (0, 0, 0, 0, 0, added))})
    return decoder.train().requires_grad_(True)


def with_projections(network: VggNetwork, decoder: VggDecoder) -> VggNetwork:
    """The network `compact-adain`: the encoder of `compact`, its projection beside its features, and their decoder."""
    layout = replace(COMPACT_ADAIN, widths=network.layout.widths[:4], appended=network.layout.projections[3])
    joined = VggNetwork(layout, (), LEVEL)
    heads = {f"appended.{name}": value for name, value in network.heads[LEVEL].state_dict().items()}
    encoder = {f"encoder.{name}": value for name, value in network.encoder.state_dict().items()}
    own = {**encoder, **heads, **{f"adain.{name}": value for name, value in decoder.state_dict().items()}}
    joined.load_state_dict({name: own[name] for name in joined.state_dict()})
    return joined


def _run(network: str, job: Job, config: AdainConfig) -> list[Path]:
    encoder = vgg_network(network)
    decoder = train_adain(encoder, job, config)
    if config.projected:
        path = job.out / "compact-adain.safetensors"
        save_weights(with_projections(encoder, decoder), path)
        return [path]
    return [job.out / "adain.safetensors"]


RECIPE = Recipe(AdainConfig, _run, network="compact", taught=True)
