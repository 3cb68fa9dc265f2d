"""A StyleBank: a convolution kernel a painting, between an encoder and a decoder (Chen et al. 2017).

    python -m brushwork train stylebank --network compact --photos PHOTOS --styles PAINTINGS --out OUT

On a network that reconstructs from relu3_1 the encoder stays as it is, and the decoder starts as that network's; with
`--network paper` both have the paper's own layout and start from nothing, which takes a GPU and a day; a bank of just
these styles, as with `--network stylebank`, learns on. Steps go in turns: some that paint, each crop in a style of its
own, and one that only reconstructs, without a kernel. A style is a picture in the folder PAINTINGS and is named after
its file. OUT/stylebank.safetensors holds the whole network; the same command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.stylebank import LEVEL, StyleBankNetwork
from ..models.vgg import TRUNK_LEVEL, VggNetwork
from ..pictures.sheet import contact_sheet
from ..transfer.bank import KernelMap
from ..transfer.moments import Moments
from ..transfer.wct import TRANSPORT, wct
from . import parallel
from .crops import Crops
from .export import save_part
from .loop import Losses, OnStep, Run
from .losses import gram_distance, relative_distance, relative_error, total_variation
from .newborn import give_birth
from .paintings import Painting
from .perception import Eye

STYLE_LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LEVEL = STYLE_LEVELS[-1]
SEEN = 16
"""Crops of photographs that kernels are started from."""


@dataclass(frozen=True)
class Taste:
    """What the losses weigh."""

    content: float = 0.5
    style: float = 0.8  # a level
    smooth: float = 0.1  # total variation
    plain: float = 1.0  # the picture of the auto-encoder branch


@dataclass(frozen=True)
class BankRecipe:
    """The knobs."""

    steps: int = 4500
    painted: int = 2  # steps that paint for one that reconstructs: the paper's T
    batch: int = 4  # crops a step
    side: int = 160  # pixels of a crop
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    painting: int = 512  # the same of the paintings, whole: larger ones have larger strokes
    rate: float = 4e-4  # Adam's, falling to zero
    kernels: float = 2.0  # times that rate: each is met in a share of the steps only
    balance: float = 0.0  # the paper's lambda (eq. 7); 0 leaves it to the clipping, which equals both kinds of gradient
    taste: Taste = field(default_factory=Taste)
    held_out: int = 0  # photographs, the last by name, that are kept to measure with
    seed: int = 0


def train_bank(
    start: VggNetwork | StyleBankNetwork | None,
    eye: Eye,
    paintings: Sequence[Painting],
    photos: Sequence[Path],
    out: Path,
    recipe: BankRecipe = BankRecipe(),
    on_step: OnStep | None = None,
) -> StyleBankNetwork:
    """Train a bank of all `paintings`: on a trunk, from a bank of these styles, or in the paper's layout from nothing.

    `on_step` may raise to stop. ValueError where the bank to start from has other styles.
    """
    device, generator = parallel.training_device(), torch.Generator().manual_seed(recipe.seed)
    contents = Crops(photos, recipe.side, recipe.photo, generator, recipe.held_out, device)
    network = first_bank([painting.name for painting in paintings], start, recipe.seed)
    by_name = {painting.name: painting for painting in paintings}
    pictures = [by_name[style].read(recipe.painting).to(device) for style in network.styles]
    if isinstance(start, VggNetwork):
        start_kernels(network.to(device), contents.take(SEEN), pictures)
    styles = [style_grams(eye.to(device), picture) for picture in pictures]
    file, kernels = out / "stylebank.pt", list(network.bank.parameters())
    run = Run(network, generator, asdict(recipe), recipe.steps, recipe.rate, file, 0, device, kernels, recipe.kernels)
    shown = contents.take(4)

    def painting(image: Tensor) -> Losses:
        chosen = torch.randint(len(styles), (recipe.batch,), generator=generator).tolist()
        names = [network.styles[index] for index in chosen]
        target = {level: torch.cat([styles[index][level] for index in chosen]) for level in STYLE_LEVELS}
        return style_losses(network, eye, image, names, target, recipe.taste)

    def losses() -> Losses:
        image = contents.take(recipe.batch)
        if run.step % (recipe.painted + 1) < recipe.painted:
            return painting(image)
        plain = plain_losses(network, image, recipe.taste)
        return balanced(network, plain, painting(image), recipe.balance) if recipe.balance else plain

    def preview() -> Tensor:
        styles = [paint(network, shown, [name] * len(shown)) for name in network.styles[:4]]
        return contact_sheet([*shown, *torch.cat(styles)], columns=len(shown))

    for step, parts in run.go(losses, preview):
        if on_step:
            on_step(step, parts)
    save_part(network, out / "stylebank.safetensors")
    return network


def first_bank(styles: Sequence[str], start: VggNetwork | StyleBankNetwork | None, seed: int) -> StyleBankNetwork:
    """A bank between a trunk's encoder, frozen, and its decoder; a bank as it is; or the paper's layout, all random."""
    if start is None:
        return give_birth(StyleBankNetwork(styles), seed).train()
    if isinstance(start, StyleBankNetwork):
        return _again(start, styles)
    network = StyleBankNetwork(styles, trunk=start.layout)
    network.encoder.load_state_dict(deepest_encoder(start))
    network.decoder.load_state_dict(start.decoder[TRUNK_LEVEL].state_dict())
    network.train().encoder.requires_grad_(False)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _again(bank: StyleBankNetwork, styles: Sequence[str]) -> StyleBankNetwork:
    """The bank, ready to learn on; a trunk's encoder stays as it is."""
    if set(bank.styles) != set(styles):
        raise ValueError(f"the bank to start from has the styles {', '.join(bank.styles)}: name a folder of those.")
    bank.train().requires_grad_(True).encoder.requires_grad_(not bank.normalises)
    return bank


@torch.no_grad()
def start_kernels(network: StyleBankNetwork, photos: Tensor, paintings: Sequence[Tensor]) -> None:
    """Start every kernel as the map of colours that WCT would choose for the average of `photos` [B, 3, H, W].

    Of its two maps the one that moves features the least: training has to find the strokes only.
    """
    normalised = network.for_kernels(network.encode(photos, LEVEL).values)
    content = Moments.of(normalised, full=True).over_batch()
    for kernel, painting in zip(network.bank, paintings, strict=True):
        operator = wct(content, Moments.of(network.encode(painting, LEVEL).values, full=True), TRANSPORT)
        weight, bias = kernel.get_parameter("weight"), kernel.get_parameter("bias")
        weight.zero_()[:, :, 1, 1] = operator.matrix[0]
        bias.copy_(operator(torch.zeros(1, len(bias), 1, 1).to(weight))[0, :, 0, 0])


def deepest_encoder(trunk: VggNetwork) -> dict[str, Tensor]:
    """The weights of `trunk`'s encoder down to relu3_1 and no deeper."""
    encoder = trunk.encoder if trunk.layout.shared_encoder else trunk.encoder[TRUNK_LEVEL]
    last = f"conv{TRUNK_LEVEL[4]}_1"
    names = [name for name, _ in encoder.named_children()]
    wanted = names[: names.index(last) + 1]
    return {key: value for key, value in encoder.state_dict().items() if key.split(".")[0] in wanted}


def style_grams(eye: Eye, picture: Tensor) -> dict[str, Tensor]:
    """The Gram matrices [1, C, C] of a painting [1, 3, H, W] at the levels of the style loss."""
    return eye.grams(picture, STYLE_LEVELS)


def style_losses(
    network: StyleBankNetwork, eye: Eye, image: Tensor, names: Sequence[str], target: Mapping[str, Tensor], taste: Taste
) -> Losses:
    """What a step that paints minimises: each crop of `image` [B, 3, H, W] in its style of `names`."""
    return picture_losses(eye, paint(network, image, names), image, target, taste)


def paint(network: StyleBankNetwork, image: Tensor, names: Sequence[str]) -> Tensor:
    """`image` [B, 3, H, W], each picture in its style of `names`."""
    features = network.encode(image, LEVEL)
    values = network.for_kernels(features.values)
    kernels = [KernelMap(*network.kernel(name)) for name in names]
    painted = torch.cat([kernel(one[None]) for kernel, one in zip(kernels, values, strict=True)])
    return network.decode(features.with_values(painted))


def picture_losses(eye: Eye, result: Tensor, image: Tensor, target: Mapping[str, Tensor], taste: Taste) -> Losses:
    """How far `result` is from the content of `image` and from the Gram matrices in `target`, as `eye` sees it."""
    content = eye.look(image, (CONTENT_LEVEL,))[CONTENT_LEVEL]
    own = eye.own(result, STYLE_LEVELS)
    reached = eye.through({CONTENT_LEVEL: own[CONTENT_LEVEL]})[CONTENT_LEVEL]
    parts = [gram_distance(moments.gram, target[level]) for level, moments in eye.moments(own).items()]
    return {
        "content": taste.content * relative_error(reached, content),
        "style": taste.style * torch.stack(parts).sum(),
        "smooth": taste.smooth * total_variation(result),
    }


def plain_losses(network: StyleBankNetwork, image: Tensor, taste: Taste) -> Losses:
    """What a step that only reconstructs minimises."""
    return {"plain": taste.plain * relative_distance(network.decode(network.encode(image, LEVEL)), image)}


def balanced(network: StyleBankNetwork, plain: Losses, painted: Losses, share: float) -> Losses:
    """The paper's eq. 7: `plain`, scaled until its gradient is `share` of that of `painted`, where both act."""
    kernels = {id(weight) for weight in network.bank.parameters()}
    common = [weight for weight in network.parameters() if weight.requires_grad and id(weight) not in kernels]
    factor = share * _pull(painted, common) / max(_pull(plain, common), 1e-12)
    return {name: factor * loss for name, loss in plain.items()}


def _pull(losses: Losses, weights: Sequence[Tensor]) -> float:
    """The length of the gradient."""
    total = torch.stack(list(losses.values())).sum()
    return nn.utils.get_total_norm(torch.autograd.grad(total, weights, retain_graph=True)).item()
