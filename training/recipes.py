"""All recipes by name, for who does not know them: the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..models.msgnet import MsgNet
from ..models.network import StyleNetwork
from ..models.stylebank import StyleBankNetwork
from ..models.vgg import ADAIN_LEVEL, TRUNK_LEVEL, VggNetwork
from ..samples import CONTENT, sample_path
from .loop import OnStep

Network = TypeVar("Network", bound=StyleNetwork)
RecipeName = Literal["compact", "wct", "adain", "msgnet", "stylebank", "stylebank-style"]

PAPER = "paper"
"""The network's name where a recipe builds all of it in the paper's own layout."""


@dataclass(frozen=True)
class Job:
    """What a person asks for."""

    photos: Sequence[Path]
    styles: Sequence[Path]
    out: Path
    network: str
    eye: str
    knobs: Any
    """The recipe's own dataclass."""
    on_step: OnStep | None = None


@dataclass(frozen=True)
class Recipe:
    """How to do it."""

    knobs: type
    run: Callable[[Job], list[Path]]
    """Does the job, and gives the files it made."""
    network: str = ""
    eye: str = ""
    """The network to train on and the loss network unless told; none where there is no choice."""
    samples_do: bool = False
    """Whether the sample photographs serve where none are given."""
    length: Callable[[Any], int] = lambda knobs: knobs.steps
    """Steps in all, by the knobs."""


def find_recipe(name: RecipeName) -> Recipe:
    """The recipe of that name."""
    makers = {
        "compact": _compact,
        "wct": _wct,
        "adain": _adain,
        "msgnet": _msgnet,
        "stylebank": _stylebank,
        "stylebank-style": _stylebank_style,
    }
    return makers[name]()


def _adain() -> Recipe:
    from .adain import AdainRecipe, train_adain

    def run(job: Job) -> list[Path]:
        network = _network(job.network, ADAIN_LEVEL)
        train_adain(network, job.photos, job.styles, job.out, job.knobs, job.on_step)
        return [job.out / "adain.safetensors"]

    return Recipe(AdainRecipe, run, "compact")


def _wct() -> Recipe:
    from .wct import WctRecipe, train_wct

    def run(job: Job) -> list[Path]:
        network = _network(job.network)
        return train_wct(network, job.photos, job.styles, job.out, job.knobs, job.on_step)

    return Recipe(WctRecipe, run, "compact", length=lambda knobs: knobs.steps * len(knobs.levels))


def _compact() -> Recipe:
    from .compact import CompactRecipe, train_compact
    from .perception import load_eye

    def run(job: Job) -> list[Path]:
        train_compact(load_eye(job.eye), job.photos, job.styles, job.out, job.knobs, job.on_step)
        return [job.out / "compact.safetensors"]

    def length(knobs: CompactRecipe) -> int:
        others = knobs.encoder.steps + knobs.deepest.steps + knobs.adain.steps
        return others + len(knobs.decoders.levels) * knobs.decoders.steps

    return Recipe(CompactRecipe, run, eye="teachers", length=length)


def _stylebank() -> Recipe:
    from .paintings import paintings_in
    from .perception import load_eye
    from .stylebank import BankRecipe, train_bank

    def run(job: Job) -> list[Path]:
        paintings, start = paintings_in(job.styles), _start(job.network, StyleBankNetwork)
        train_bank(start, load_eye(job.eye), paintings, job.photos, job.out, job.knobs, job.on_step)
        return [job.out / "stylebank.safetensors"]

    return Recipe(BankRecipe, run, "compact", "compact")


def _stylebank_style() -> Recipe:
    from ..models.zoo import load_network
    from .new_style import NewStyleRecipe, learn_painting
    from .paintings import paintings_in
    from .perception import load_eye

    def run(job: Job) -> list[Path]:
        bank, paintings = load_network(job.network), paintings_in(job.styles)
        if not isinstance(bank, StyleBankNetwork):
            raise ValueError(f"{job.network} is no StyleBank: choose stylebank, or another that `weights list` shows.")
        if len(paintings) > 1:
            raise ValueError(f"one style is learnt at a time, not {len(paintings)}: name one picture as --styles.")
        photos = job.photos or [sample_path(name) for name in CONTENT]
        eye = load_eye(job.eye)
        return [learn_painting(bank, paintings[0], photos, eye, job.out, job.knobs, job.on_step)]

    return Recipe(NewStyleRecipe, run, "stylebank", "compact", samples_do=True)


def _msgnet() -> Recipe:
    from .msgnet import MsgRecipe, train_msgnet
    from .paintings import paintings_in
    from .perception import load_eye

    def run(job: Job) -> list[Path]:
        paintings, start = paintings_in(job.styles), _start(job.network, MsgNet)
        train_msgnet(start, load_eye(job.eye), paintings, job.photos, job.out, job.knobs, job.on_step)
        return [job.out / "msgnet.safetensors"]

    return Recipe(MsgRecipe, run, "compact", "compact")


def _start(name: str, kind: type[Network]) -> VggNetwork | Network | None:
    """A network of that kind as it is, a trunk for one, or nothing for the paper's own layout."""
    from ..models.zoo import load_network

    if name == PAPER:
        return None
    network = load_network(name)
    return network if isinstance(network, kind) else _network(name, TRUNK_LEVEL)


def _network(name: str, start: str = "") -> VggNetwork:
    """The network `name`, of VGG's shape, with a decoder at `start` if told; ValueError where it is another."""
    from ..models.zoo import load_network

    network = load_network(name)
    if not isinstance(network, VggNetwork):
        raise ValueError(f"{name} is no network of VGG's shape: choose compact, small16x or vgg19.")
    if start and start not in network.decoder:
        raise ValueError(f"{name} has no decoder at {start} to start from: choose compact, small16x or vgg19.")
    return network
