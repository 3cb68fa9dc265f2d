"""MSG-Net: one network for all styles, told apart by their Gram matrices alone (Zhang & Dana 2017).

    python -m brushwork train msgnet --network compact --photos PHOTOS --styles PAINTINGS --out OUT

Every painting is shown at several sizes, and the result is held against the Gram matrices of that size: so the size of
the style picture becomes the size of the brush. On a network that reconstructs from relu3_1 the encoder stays as it is
and the decoder starts as that network's; with `--network paper` all is as the authors released it, BGR in 0..255
included, and starts from nothing; an MSG-Net, as with `--network msgnet`, learns on. OUT/msgnet.safetensors holds the
network; the same command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ..models.msgnet import LEVEL, MsgNet
from ..models.vgg import TRUNK_LEVEL, VggNetwork
from ..pictures.sheet import contact_sheet
from ..transfer.channel_map import ChannelMap
from ..transfer.comatch import comatch
from ..transfer.decompose import eigen
from ..transfer.moments import Moments
from ..transfer.wct import TRANSPORT, wct
from . import parallel
from .crops import Crops
from .export import save_part
from .loop import Losses, OnStep, Run
from .newborn import give_birth
from .paintings import Painting
from .perception import Eye
from .stylebank import STYLE_LEVELS, Taste, deepest_encoder, picture_losses, style_grams


@dataclass(frozen=True)
class MsgRecipe:
    """The knobs."""

    steps: int = 3400
    batch: int = 4  # crops a step, each with a painting and a size of its own; the paper holds one for 20 steps
    side: int = 160  # pixels of a crop
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    sizes: tuple[int, ...] = (256, 512, 768)  # pixels of a painting's shorter side: the paper's brush sizes
    rate: float = 4e-4  # Adam's, falling to zero
    taste: Taste = field(default_factory=Taste)
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


@dataclass(frozen=True)
class Sight:
    """A painting at one size, once and for all."""

    gram: Tensor
    """[1, C, C] of the network's own features: what CoMatch is told."""
    wanted: dict[str, Tensor]
    """Of the loss network's."""


FLOOR = 1e-4
"""Of the largest eigenvalue of the mean covariance: smaller ones are not whitened, as float16 could not hold that."""
RIDGE = 1e-3
"""In mean squares of the Gram matrices, for the first W."""
SEEN = 16
"""Crops of photographs that W is started from."""


def train_msgnet(
    start: VggNetwork | MsgNet | None,
    eye: Eye,
    paintings: Sequence[Painting],
    photos: Sequence[Path],
    out: Path,
    recipe: MsgRecipe = MsgRecipe(),
    on_step: OnStep | None = None,
) -> MsgNet:
    """Train one network for all `paintings`: from a trunk, from an MSG-Net, or in the released layout from nothing.

    `on_step` may raise to stop.
    """
    device, generator = parallel.training_device(), torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.photo, generator, recipe.held_out, device)
    network = first_msgnet(start, recipe.seed).to(device)
    pictures = [painting.read(size).to(device) for painting in paintings for size in recipe.sizes]
    if isinstance(start, VggNetwork):
        choose_basis(network, pictures)
        start_comatch(network, contents.take(SEEN), pictures)
    sights = [Sight(_moments(network, picture).gram, style_grams(eye.to(device), picture)) for picture in pictures]
    shown = contents.take(4)
    run = Run(network, generator, asdict(recipe), recipe.steps, recipe.rate, out / "msgnet.pt")

    def losses() -> Losses:
        image = contents.take(recipe.batch)
        chosen = [sights[index] for index in torch.randint(len(sights), (recipe.batch,), generator=generator).tolist()]
        target = {level: torch.cat([sight.wanted[level] for sight in chosen]) for level in STYLE_LEVELS}
        result = paint(network, image, torch.cat([sight.gram for sight in chosen]))
        return picture_losses(eye, result, image, target, recipe.taste)

    def preview() -> Tensor:
        styles = [paint(network, shown, sight.gram) for sight in sights[:: len(recipe.sizes)][:4]]
        return contact_sheet([*shown, *torch.cat(styles)], columns=len(shown))

    for step, parts in run.go(losses, preview):
        if on_step:
            on_step(step, parts)
    save_part(network, out / "msgnet.safetensors")
    return network


def first_msgnet(start: VggNetwork | MsgNet | None, seed: int) -> MsgNet:
    """A trunk's encoder, frozen, its decoder, and a body that changes nothing; an MSG-Net as it is; or the released
    layout, all random."""
    if start is None:
        return give_birth(MsgNet(), seed).train()
    if isinstance(start, MsgNet):
        return _again(start)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = MsgNet(trunk=start.layout)
    network.encoder.load_state_dict(deepest_encoder(start))
    network.decoder.load_state_dict(start.decoder[TRUNK_LEVEL].state_dict())
    network.train().encoder.requires_grad_(False)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _again(network: MsgNet) -> MsgNet:
    """The network, ready to learn on; a trunk's encoder and the basis of CoMatch stay as they are."""
    network.train().requires_grad_(True).encoder.requires_grad_(not network.on_trunk)
    for basis in (network.whiten, network.colour):
        basis.requires_grad_(False)
    return network


@torch.no_grad()
def choose_basis(network: MsgNet, pictures: Sequence[Tensor]) -> None:
    """Whiten features by the mean of the covariances of `pictures` [1, 3, H, W], around their mean.

    W multiplies Gram matrices, whose eigenvalues span five orders of magnitude: learnt as they are, it dies at once.
    """
    each = [_moments(network, picture) for picture in pictures]
    mean = torch.stack([moments.mean[0, :-1] for moments in each]).mean(0)
    values, vectors = eigen(torch.cat([moments.covariance[:, :-1, :-1] for moments in each]).mean(0, keepdim=True))
    roots = values.clamp_min(FLOOR * values.max()).sqrt()
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
    """Start W as the one whose maps (W G)' of all `pictures` come nearest to those of WCT, for the average photo.

    Least squares: G W' = T for each picture, with T the map that WCT would choose, in homogeneous coordinates.
    """
    features = network.for_comatch(network.encode(photos, LEVEL).values)[:, :-1]
    content = Moments.of(features, full=True).over_batch()
    squares, products = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for picture in pictures:
        values = network.encode(picture, LEVEL).values
        gram = Moments.of(values, full=True).gram[0].double()
        operator = wct(content, Moments.of(values[:, :-1], full=True), TRANSPORT)
        squares, products = squares + gram @ gram, products + gram @ _homogeneous(operator).to(gram)
    squares.diagonal().add_(RIDGE * squares.diagonal().mean())
    network.comatch.copy_(torch.linalg.solve(squares, products).mT)


def _homogeneous(operator: ChannelMap) -> Tensor:
    """[C + 1, C + 1]: the affine map of one item as a matrix on channels and a 1."""
    channels = operator.matrix.shape[-1]
    matrix = torch.eye(channels + 1).to(operator.matrix)
    matrix[:-1, :-1] = operator.matrix[0]
    matrix[:-1, -1] = operator.shift[0] - operator.matrix[0] @ operator.centre[0]
    return matrix


def paint(network: MsgNet, image: Tensor, gram: Tensor) -> Tensor:
    """`image` [B, 3, H, W] in the styles of `gram` [B or 1, C, C]."""
    features = network.encode(image, LEVEL)
    operator = comatch(gram, network.comatch)
    return network.decode(features.with_values(operator(network.for_comatch(features.values))))


@torch.no_grad()
def _moments(network: MsgNet, picture: Tensor) -> Moments:
    return Moments.of(network.encode(picture, LEVEL).values, full=True)
