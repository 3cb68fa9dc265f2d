"""Small networks and pictures for recipes, and a clock that goes by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from brushwork.media.images import write_picture
from brushwork.models.networks.vgg import ADAIN_LEVEL, LEVELS, VGG19, VggLayout, VggNetwork
from brushwork.tests.models.small import enlivened
from brushwork.training.loss_network import LossNetwork, loss_network_of
from brushwork.training.pairs import Teacher
from brushwork.training.recipes import Job

TINY = VggLayout("tiny", (4, 6, 8, 8, 8))
OnStep = Callable[[int, dict[str, float]], None]


class Killed(BaseException):
    """A process that ends here."""


class Clock:
    """In place of `time`: it stands still until it is told to go on."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def tiny_network(adain: str | None = None) -> VggNetwork:
    """All five levels, frozen."""
    return enlivened(VggNetwork(TINY, LEVELS, adain)).eval().requires_grad_(False)


def tiny_loss_network() -> LossNetwork:
    """Of the network's own features."""
    return LossNetwork(tiny_network())


def tiny_teachers() -> LossNetwork:
    """Shows VGG-19's channels, as what `compact` is distilled from does."""
    layout = VggLayout("teachers", TINY.widths, projections=VGG19.widths)
    return loss_network_of(enlivened(VggNetwork(layout)).eval().requires_grad_(False))


def tiny_teacher() -> Teacher:
    """Paints by AdaIN."""
    return Teacher(tiny_network(ADAIN_LEVEL), "tiny")


def folder_of_pictures(folder: Path, count: int = 3) -> Path:
    """Pictures of noise on a ramp, so that there is something to learn."""
    ramp = torch.linspace(0, 0.6, 40).expand(30, 40)[..., None]
    for number in range(count):
        write_picture(folder / f"picture_{number}.png", ramp + 0.4 * torch.rand(30, 40, 3))
    return folder


def tiny_job(
    folder: Path,
    on_step: OnStep | None = None,
    loss_network: LossNetwork | None = None,
    teacher: Teacher | None = None,
    out: str = "out",
    minutes: float | None = None,
    start: Path | None = None,
) -> Job:
    """To learn from pictures that lie in `folder` from then on, into a folder beside them."""
    pictures = folder / "pictures"
    if not pictures.exists():
        folder_of_pictures(pictures)
    return Job([pictures], [pictures], folder / out, loss_network, teacher, minutes, start, on_step)


def of_one_style(job: Job) -> Job:
    """Styles of noise differ in how far they are: with one of them a few steps show whether losses fall."""
    return replace(job, styles=sorted(job.styles[0].iterdir())[:1])


class LossCurve:
    """Gathers the sums of the losses of the steps in which `kind` stands among them."""

    def __init__(self, kind: str) -> None:
        self.kind, self.sums = kind, list[float]()

    def __call__(self, step: int, losses: dict[str, float]) -> None:
        if self.kind in losses:
            self.sums.append(sum(losses.values()))

    def fell(self, share: float = 0.9) -> bool:
        """Whether the last quarter lies under the first."""
        quarter = len(self.sums) // 4
        return quarter > 0 and sum(self.sums[-quarter:]) < share * sum(self.sums[:quarter])
