"""The training recipes by name: what each takes, how a run of it is started, and how its config is set."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from torch import Tensor, nn

from .crops import CropPool, Crops
from .distributed import training_device
from .files import read_pictures
from .loss_network import LossNetwork, load_loss_network
from .pairs import Pairs, Teacher, load_teacher
from .pictures import Pictures
from .trainer import OnStep, Trainer

RecipeName = Literal["compact", "wct", "adain", "msgnet", "stylebank", "stylebank-style"]
Config = TypeVar("Config")

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
SWITCH = {"true": True, "false": False}
MAY_BE_0 = ("steps", "kept", "held_out", "seed")
"""Whole numbers that may be; crops, sides and turns are at least one."""
RENAMED = (
    ("taste.content", "loss_weights.content"),
    ("taste.style", "loss_weights.style"),
    ("taste.smooth", "loss_weights.total_variation"),
    ("taste.plain", "reconstruction"),
    ("content", "loss_weights.content"),
    ("style", "loss_weights.style"),
    ("smooth", "loss_weights.total_variation"),
    ("painting", "style_size"),
    ("painting", "style_sizes"),
    ("sizes", "style_sizes"),
    ("kernels", "kernel_rate"),
    ("again", "fine_tune"),
    ("keep", "picture_weight"),
    ("polish", "solved_rate"),
)
"""Fields of 0.1.0, or the ends of their names, and what they are called now: the first that a recipe has."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a recipe learns from, where to, and for how long."""

    photos: Sequence[Path]  # folders, pictures or packs
    styles: Sequence[Path]  # likewise, of paintings
    out: Path  # the folder of checkpoints and weights
    loss_network: LossNetwork | None = None  # None: the encoder of the network that is trained on
    teacher: Teacher | None = None
    minutes: float | None = None  # the length of the training, over all commands, in place of the config's steps
    start: Path | None = None  # weights that another run of the recipe wrote, to start from
    on_step: OnStep | None = None  # may raise to stop
    started: float = field(default_factory=time.monotonic)  # when it began: the minutes count from there

    def photographs(self, resize: int, held_out: int = 0) -> Pictures:
        """The photographs but the last `held_out`, on the training device, shorter sides of `resize` pixels.

        Errors of `read_pictures`.
        """
        return read_pictures(self.photos, resize, held_out=held_out).to(training_device())

    def paintings(self, resize: int) -> Pictures:
        """The style pictures likewise."""
        return read_pictures(self.styles, resize, group="styles").to(training_device())

    def crops(self, config: Any) -> tuple[Crops, Crops]:  # noqa: ANN401 - any recipe's
        """Of photographs and of paintings, as `shorter`, `side` and `held_out` of the config say."""
        photos = Crops(self.photographs(config.shorter, config.held_out), config.side)
        return photos, Crops(self.paintings(config.shorter), config.side)

    def pairs(self, styles: int, picture: Callable[[int], Tensor], sources: tuple[object, ...], config: Any) -> Pairs:  # noqa: ANN401
        """Crops of photographs with `styles` numbered styles, and the teacher's pictures of them if there is one.

        `picture` gives a style's picture [1, 3, H, W], `sources` is what these depend on.
        """
        contents = Crops(self.photographs(config.photo, config.held_out), config.side)
        teacher = self.teacher and self.teacher.to_training(training_device())
        key, paint = repr((teacher and teacher.name, *sources)), teacher and teacher.painting(picture)
        same = getattr(config, "same_style", 1)
        return Pairs(contents, styles, paint, same, config.kept, self.out, key, config.seed)

    def crop_pairs(self, config: Any) -> tuple[CropPool, Pairs]:  # noqa: ANN401 - any recipe's
        """As many crops of paintings as `config` says, at all its style sizes, drawn by kind: the pairs' styles."""
        sizes = config.style_sizes
        crops = Crops(
            self.paintings(max(sizes)), config.style_side, [max(sizes) / size for size in sizes], by_kind=True
        )
        styles = CropPool(crops, config.style_crops, config.seed + 1, config.recoloured)
        sources = (crops.pictures.names, config.style_side, sizes, *filter(None, [config.recoloured]))
        return styles, self.pairs(len(styles), lambda style: styles.cut([style]), sources, config)

    def trainer(self, learner: nn.Module, name: str, config: Any, **more: Any) -> Trainer:  # noqa: ANN401 - any recipe's
        """A trainer of `learner`, by a config that has rate, steps and seed; its files are called `name`."""
        options = {"rate": config.rate, "steps": config.steps, "seed": config.seed, "minutes": self.minutes}
        options |= {"start": self.start, "started": self.started, **more}
        return Trainer(learner, self.out / f"{name}.pt", asdict(config), **options)


@dataclass(frozen=True)
class Recipe:
    """How a kind of network is trained."""

    config: type  # a frozen dataclass of all that can be set, each field with a default
    run: Callable[[str, Job, Any], list[Path]]  # trains on the network of that name by a config; the files it wrote
    network: str = ""  # the network to train on by default; '' where the recipe builds its own
    loss_network: str = ""  # the default one; '' is the network's own encoder
    from_scratch: bool = False  # whether it can also build its network in the paper's own layout
    taught: bool = False  # whether it can learn from a teacher
    samples_do: bool = False  # whether the sample photographs serve where none are given
    length: Callable[[Any], int] = lambda config: config.steps  # steps in all, by the config


def find_recipe(name: RecipeName) -> Recipe:
    """The recipe of that name: `RECIPE` in the module that bears it."""
    module = "new_style" if name == "stylebank-style" else name
    return import_module(f".{module}", __package__).RECIPE


def train(
    recipe: RecipeName,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    *,
    network: str = "",
    loss_network: str = "",
    teacher: str = "",
    start: Path | None = None,
    from_scratch: bool = False,
    minutes: float | None = None,
    settings: Sequence[str] = (),
    on_step: OnStep | None = None,
) -> list[Path]:
    """Train by a recipe's name, networks given by name or file, `settings` as `FIELD=VALUE`; returns the files written.

    ValueError in one sentence where the recipe does not take what is given, TrainingError where a run cannot go on.
    """
    chosen = find_recipe(recipe)
    for name, given, taken in (
        ("--network", network, chosen.network),
        ("--teacher", teacher, chosen.taught),
        ("--from-scratch", from_scratch, chosen.from_scratch),
    ):
        if given and not taken:
            raise ValueError(f"{recipe} takes no {name}: leave it out.")
    if network and from_scratch:
        raise ValueError("from scratch there is no network to train on: leave --network or --from-scratch out.")
    if minutes is not None and not minutes > 0:
        raise ValueError(f"--minutes is a length of more than 0, not {minutes}.")
    if not photos and not chosen.samples_do:
        raise ValueError(f"{recipe} needs photographs: name a folder of them as --photos.")
    config = with_settings(chosen.config(), settings)
    loss_network = loss_network or chosen.loss_network
    networks = load_loss_network(loss_network) if loss_network else None, load_teacher(teacher) if teacher else None
    job = Job(photos, styles, out, *networks, minutes, start, on_step)
    return chosen.run("" if from_scratch else network or chosen.network, job, config)


def with_settings(config: Config, settings: Sequence[str]) -> Config:
    """The config with each `FIELD=VALUE` set, dotted where a field is a dataclass itself; ValueError where none can."""
    for text in by_current_names(config, settings):
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"'{text}' is no setting: write FIELD=VALUE, the field one of {listed(config)}.")
        if name not in dict(named_fields(config)):
            raise ValueError(f"there is no field '{name}': choose one of {listed(config)}.")
        config = _with_field(config, name, name, value)
    return config


def by_current_names(config: object, settings: Sequence[str]) -> list[str]:
    """The settings with the fields that 0.1.0 called otherwise by their names of today, and a warning for each."""
    known, current = dict(named_fields(config)), list[str]()
    for text in settings:
        name, equals, value = text.partition("=")
        todays = (name.removesuffix(old) + new for old, new in RENAMED if f".{name}".endswith(f".{old}"))
        today = name if name in known else next((each for each in todays if each in known), name)
        if today != name:
            log.warning("the field %s is called %s now; the old name goes with the next version.", name, today)
        current.append(today + equals + value)
    return current


def listed(config: object) -> str:
    """All fields of a config, each with its value."""
    values = {name: ",".join(map(str, v)) if isinstance(v, tuple) else v for name, v in named_fields(config)}
    return ", ".join(f"{name}={value}" for name, value in values.items())


def named_fields(config: Any, before: str = "") -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any dataclass
    """Each field's dotted name and its value."""
    for each in fields(config):
        value, name = getattr(config, each.name), before + each.name
        yield from named_fields(value, f"{name}.") if is_dataclass(value) else [(name, value)]


def _with_field(config: Any, path: str, name: str, text: str) -> Any:  # noqa: ANN401 - any dataclass
    first, _, rest = path.partition(".")
    kind = get_type_hints(type(config))[first]
    value = _with_field(getattr(config, first), rest, name, text) if rest else _parsed(kind, name, text)
    return replace(config, **{first: value})


def _parsed(kind: Any, name: str, text: str) -> object:  # noqa: ANN401 - a type, or what typing makes of one
    if get_origin(kind) is tuple:
        return tuple(_parsed(get_args(kind)[0], name, part) for part in text.split(","))
    try:
        value = SWITCH[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        value = None
    least = 1 if kind is int and name.rpartition(".")[2] not in MAY_BE_0 else 0
    if value is None or (isinstance(value, int | float) and not (math.isfinite(value) and value >= least)):
        at_least = f" from {least}" if kind in (int, float) else ""
        raise ValueError(f"'{name}' is {KINDS[kind]}{at_least}, not '{text}'.")
    return value
