"""All recipes by name: what a person asks for, and how it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

    from .data import Pictures
    from .loss_network import LossNetwork
    from .teacher import Teacher
    from .trainer import OnStep, Trainer

RecipeName = Literal["compact", "wct", "adain", "msgnet", "stylebank", "stylebank-style"]


@dataclass(frozen=True)
class Job:
    """What a recipe is to learn from, where to, and for how long."""

    photos: Sequence[Path]
    """Folders, pictures, or packs."""
    styles: Sequence[Path]
    out: Path
    loss_network: LossNetwork | None = None
    """None: the recipe's own."""
    teacher: Teacher | None = None
    minutes: float | None = None
    """The length of the training, over all commands, in place of the config's steps."""
    start: Path | None = None
    """Weights that another run of the recipe wrote, to start from."""
    on_step: OnStep | None = None
    """May raise to stop."""
    started: float = field(default_factory=time.monotonic)
    """When it began: the minutes count from there."""

    def photographs(self, shorter: int, held_out: int = 0) -> Pictures:
        """The photographs on the device that trains, their shorter sides scaled to `shorter` pixels."""
        return self._pictures(self.photos, shorter, held_out, "photos")

    def paintings(self, shorter: int) -> Pictures:
        """The style pictures likewise."""
        return self._pictures(self.styles, shorter, 0, "styles")

    def trainer(self, learner: nn.Module, name: str, config: Any, **more: Any) -> Trainer:  # noqa: ANN401 - any recipe's
        """Of `learner`, by a config that has rate, steps and seed; its files are called `name`."""
        from .trainer import Trainer

        given = {"rate": config.rate, "steps": config.steps, "seed": config.seed, "minutes": self.minutes}
        return Trainer(
            learner,
            self.out / f"{name}.pt",
            asdict(config),
            **{**given, "start": self.start, "started": self.started, **more},
        )

    def _pictures(
        self, folders: Sequence[Path], shorter: int, held_out: int, group: Literal["photos", "styles"]
    ) -> Pictures:
        from .data import Pictures
        from .distributed import training_device

        return Pictures.from_files(folders, shorter, held_out=held_out, group=group).to(training_device())


@dataclass(frozen=True)
class Recipe:
    """How a kind of network is trained, for who does not know it: the command line."""

    config: type
    """A frozen dataclass of what can be set, each with a default."""
    run: Callable[[str, Job, Any], list[Path]]
    """Trains on the network of that name by a config, and gives the files it made."""
    network: str = ""
    """The one to train on unless told; '' where it builds its own."""
    loss_network: str = ""
    """The one unless told; '' is the network's own encoder."""
    from_scratch: bool = False
    """Whether it can also build its network in the paper's own layout."""
    taught: bool = False
    """Whether it can learn from a teacher."""
    samples_do: bool = False
    """Whether the sample photographs serve where none are given."""
    length: Callable[[Any], int] = lambda config: config.steps
    """Steps in all, by the config."""


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
    """Train by a recipe's name, with networks by name or file and `FIELD=VALUE` settings; gives the files it made.

    ValueError in one sentence where a recipe does not take what is given.
    """
    from .config import with_settings
    from .loss_network import load_loss_network
    from .teacher import load_teacher

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
    job = Job(
        photos,
        styles,
        out,
        load_loss_network(loss_network) if loss_network else None,
        load_teacher(teacher) if teacher else None,
        minutes,
        start,
        on_step,
    )
    return chosen.run("" if from_scratch else network or chosen.network, job, config)


def find_recipe(name: RecipeName) -> Recipe:
    """The recipe of that name: `RECIPE` in the module that bears it."""
    modules = {"stylebank-style": "new_style"}
    return import_module(f".{modules.get(name, name)}", __package__).RECIPE
