"""A small trunk, pictures and eyes for recipes, and what every recipe must keep to."""

from collections.abc import Callable
from pathlib import Path

import torch

from brushwork.headless.pictures import write_picture
from brushwork.models.vgg import LEVELS, VGG19, VggLayout, VggNetwork
from brushwork.tests.models.small import enlivened
from brushwork.training.perception import Eye, eye_of

TINY = VggLayout("tiny", (4, 6, 8, 8, 8))
OnStep = Callable[[int, dict[str, float]], None]


def tiny_network(adain: str | None = None) -> VggNetwork:
    """All five levels, frozen."""
    return enlivened(VggNetwork(TINY, LEVELS, adain)).eval().requires_grad_(False)


def tiny_eye() -> Eye:
    """Looks through its own encoder."""
    return Eye(tiny_network())


def tiny_teachers() -> Eye:
    """Shows VGG-19's channels, as what `compact` is distilled from does."""
    layout = VggLayout("teachers", TINY.widths, heads=VGG19.widths)
    return eye_of(enlivened(VggNetwork(layout)).eval().requires_grad_(False))


def folder_of_pictures(folder: Path, count: int = 3) -> Path:
    """Pictures of noise on a ramp, so that there is something to learn."""
    ramp = torch.linspace(0, 0.6, 40).expand(30, 40)[..., None]
    for number in range(count):
        write_picture(folder / f"picture_{number}.png", ramp + 0.4 * torch.rand(30, 40, 3))
    return folder


class Course:
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
