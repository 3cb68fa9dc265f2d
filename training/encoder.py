"""`compact`'s encoder, distilled from a loss network, and later its deepest level again: two stages of that recipe.

**Distillation.** At every tap of an encoder a linear map of its channels must give the loss network's features, and
another the picture itself: features that only mean what VGG's mean forget colours and edges. Both maps are solved for
over the last batches, and never kept.

**The deepest level.** What a linear map can find of the picture at relu5_1 is a blur, and a cascade which starts there
has lost the content. So the layers behind relu4_1 learn together with their decoder, which is asked for the features at
all finer levels too: edges. All else stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..media.sheet import contact_sheet
from ..models.networks.vgg import LEVELS, VggEncoder, VggLayout, VggNetwork, block_of
from .crops import fixed_crops
from .distributed import training_device
from .least_squares import LinearProbe, best_map
from .loss_network import LossNetwork
from .losses import relative_distance
from .networks import check_side, kaiming_initialised
from .recipes import Job
from .trainer import Losses

PROJECTION_BATCHES = 8  # of crops, that the 1x1 projections are solved from
REFRESH_EVERY = 4  # steps after which the probes are solved for again
DEEPEST, ABOVE = LEVELS[-1], LEVELS[-2]
COMPARED = LEVELS[1:-1]  # the finer levels at which decoded pictures are compared


@dataclass(frozen=True)
class EncoderConfig:
    """What can be set."""

    steps: int = 5000
    photos: int = 6  # crops of photographs a step
    paintings: int = 2  # and of paintings: what they need of the encoder is not in photographs
    side: int = 128  # pixels of a crop
    shorter: int = 256  # pixels of a picture's shorter side before the crop
    rate: float = 2e-3  # Adam's, falling to zero
    picture_weight: float = 0.5  # beside the loss network's features; 1 from the start slows those
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


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
    taught: float = 0.5  # the loss network's features at the level itself
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_encoder(
    layout: VggLayout, loss_network: LossNetwork, job: Job, config: EncoderConfig = EncoderConfig()
) -> VggEncoder:
    """Train an encoder of `layout` to see what `loss_network` sees, and save it.

    ValueError where a folder has no pictures, crops do not divide into cells, or `job.out` holds a checkpoint of
    another config.
    """
    check_side(config.side, 2 ** (len(LEVELS) - 1))
    photos, paintings = job.crops(config)
    encoder = first_encoder(layout, config.seed)
    with torch.no_grad():
        taught = loss_network(torch.zeros(1, 3, 32, 32), LEVELS)
    probes = nn.ModuleDict()
    for index, (level, width) in enumerate(zip(LEVELS, layout.widths, strict=True)):
        probes[level] = LinearProbe(width, taught[level].shape[1])
        probes[f"{level} picture"] = LinearProbe(width, 3 * 4**index)
    loss_network = loss_network.to_training(training_device())

    def losses() -> Losses:
        image = torch.cat([photos.take(config.photos), paintings.take(config.paintings)])
        image, refresh = image.to(memory_format=torch.channels_last), trainer.step % REFRESH_EVERY == 0
        with torch.no_grad():
            targets = loss_network(image, LEVELS)
        features = encoder(image, LEVELS)
        parts: Losses = {}
        for index, level in enumerate(LEVELS):
            every = 2 if index == 0 else 1  # a quarter of the finest level's pixels says as much
            values, target, picture = (
                each[..., ::every, ::every]
                for each in (features[level], targets[level], F.pixel_unshuffle(image, 2**index))
            )
            parts[level] = probes[level](values, target, refresh)
            parts[f"{level} picture"] = config.picture_weight * probes[f"{level} picture"](values, picture, refresh)
        return parts

    trainer = job.trainer(nn.ModuleList([encoder, probes]), "encoder", config, exported=encoder)
    trainer.train(losses, None, job.on_step)
    images = fixed_crops(config.seed, (photos, config.photos), (paintings, config.paintings))
    normalise(trainer.finished(encoder), images)
    return encoder


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
    pass_pixels_on(first)
    return encoder


@torch.no_grad()
def pass_pixels_on(first: nn.Conv2d) -> None:
    """Make the first three channels of the first layer red, green and blue, at the size of its other ones."""
    first.weight[:3] = 0
    first.get_parameter("bias")[:3] = 0
    for channel in range(3):
        first.weight[channel, channel, 1, 1] = 4


@torch.no_grad()
def normalise(encoder: VggEncoder, images: Tensor) -> None:
    """Scale each convolution so that its activations on `images` [B, 3, H, W] have the mean one, as in VGG-19's.

    What the encoder sees stays the same, since ReLUs and pools commute with scales. Training leaves the scales open,
    and they grow from layer to layer beyond what float16 holds.
    """
    means: dict[nn.Module, list[Tensor]] = {layer: [] for layer in encoder.values()}

    def measure(layer: nn.Module, _: object, output: Tensor) -> None:
        means[layer].append(output.relu().mean())  # once a strip of rows

    hooks = [layer.register_forward_hook(measure) for layer in encoder.values()]
    encoder(images, LEVELS)
    before = torch.ones(())
    for hook, (layer, each) in zip(hooks, means.items(), strict=True):
        hook.remove()
        mean = torch.stack(each).mean()
        layer.get_parameter("weight").mul_(before / mean)
        layer.get_parameter("bias").div_(mean)
        before = mean


@torch.no_grad()
def solve_projections(network: VggNetwork, loss_network: LossNetwork, job: Job, config: EncoderConfig) -> None:
    """Solve for the 1x1 convolutions that give the loss network's features of `network`'s, over some crops."""
    device = training_device()
    network.to(device)
    photos, paintings = job.crops(config)
    counts = PROJECTION_BATCHES * config.photos, PROJECTION_BATCHES * config.paintings
    images = fixed_crops(config.seed, (photos, counts[0]), (paintings, counts[1]))
    targets, features = loss_network.to(device)(images, LEVELS), network.encode_levels(images, LEVELS)
    for level, projection in network.heads.items():
        matrix, offset = best_map(features[level].values, targets[level])
        projection.get_parameter("weight").copy_(matrix[..., None, None])
        projection.get_parameter("bias").copy_(offset)


def train_deepest(
    network: VggNetwork, loss_network: LossNetwork, job: Job, config: DeepestConfig = DeepestConfig()
) -> None:
    """Train the layers of `network`, which has one encoder for all levels, behind relu4_1, and relu5_1's decoder."""
    device = training_device()
    photos, paintings = job.crops(config)
    examples = fixed_crops(config.seed, (photos, 3), (paintings, 1))
    loss_network = loss_network.to_training(device)
    with torch.no_grad():
        channels = loss_network(examples[:1], (DEEPEST,))[DEEPEST].shape[1]
    probe = LinearProbe(network.spaces[DEEPEST].channels, channels)
    names = list(network.to(device).encoder)
    own = [network.encoder[name] for name in names[names.index(f"conv{block_of(ABOVE)}_1") + 1 :]]
    layers = nn.ModuleList([*own, network.decoder[DEEPEST]])

    def losses() -> Losses:
        image = torch.cat([photos.take(config.photos), paintings.take(config.paintings)])
        features = network.encode_levels(image, LEVELS[1:])
        with torch.no_grad():
            target = loss_network(image, (DEEPEST,))[DEEPEST]
        result = network.decode(features[DEEPEST])
        decoded = network.encode_levels(result, COMPARED)
        parts = {lv: relative_distance(decoded[lv].values, features[lv].values.detach()) for lv in COMPARED}
        pixels = config.pixels * relative_distance(result, image)
        return {**parts, "pixels": pixels, "taught": config.taught * probe(features[DEEPEST].values, target)}

    def preview() -> Tensor:
        return contact_sheet([*examples, *network.decode(network.encode(examples, DEEPEST))], columns=len(examples))

    learner = nn.ModuleList([layers, probe]).requires_grad_(True)
    trainer = job.trainer(learner, "deepest", config, exported=layers)
    trainer.train(losses, preview, job.on_step)
    trainer.finished(layers)
