"""Who is looked at, on what, and by which loss network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track
from torch import Tensor

from ...media.images import pictures_in, read_picture
from ...training.loss_network import LossNetwork
from ...transfer.resize import scale_strokes
from .measures import Grams, Look

Item = TypeVar("Item")


@dataclass(frozen=True)
class Scene:
    """Photos that no network was trained with, and paintings by name."""

    loss_network: LossNetwork
    photos: Sequence[Path]
    paintings: Mapping[str, Path]
    unseen: Mapping[str, Path] = field(default_factory=dict)
    size: int = 256
    """Pixels of a photo's shorter side."""
    painting_size: int = 512
    """The same of a painting, to learn from and to compare with."""
    few: int = 25
    """Photos that every style of a network is tried on."""
    brushes: tuple[int, ...] = (256, 512, 768)
    """Pixels of a painting's shorter side: the larger, the wider its strokes, and so the result's."""

    def pairs(self) -> Iterator[tuple[Path, str]]:
        """Each photo with a painting, in turns."""
        return zip(self.photos, cycle(self.paintings), strict=False)

    def photo(self, path: Path) -> Tensor:
        """[1, 3, H, W] in 0..1."""
        return scaled(path, self.size)

    def painting(self, name: str, size: int = 0) -> Tensor:
        """[1, 3, H, W] in 0..1, its shorter side of `size` pixels, else of the scene's."""
        return scaled(self.everything[name], size or self.painting_size)

    def look(self, image: Tensor) -> Look:
        return Look.at(self.loss_network, image)

    @property
    def everything(self) -> dict[str, Path]:
        """All paintings, those that networks were trained with first."""
        return {**self.paintings, **self.unseen}

    @cached_property
    def grams(self) -> dict[str, Grams]:
        """What all paintings look like."""
        return {name: self.look(self.painting(name)).grams for name in watched(list(self.everything), "paintings")}


def scaled(path: Path, shorter: int) -> Tensor:
    """The picture [1, 3, H, W] in 0..1 with its shorter side of `shorter` pixels, its proportions kept."""
    image = read_picture(path)[0].movedim(-1, 1)
    return scale_strokes(image, shorter / min(image.shape[-2:]))


def named_paintings(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by the names that styles have: `starry_night.jpg` is `starry night`."""
    return {path.stem.replace("_", " "): path for path in pictures_in(folder)}


def some(items: Sequence[Item], count: int) -> list[Item]:
    """`count` of the items, evenly from the first on; all where there are no more."""
    count = min(count, len(items))
    return [items[index * len(items) // count] for index in range(count)]


def watched(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """The items, with a bar on stderr that says how many are done."""
    console = Console(stderr=True)
    yield from track(items, doing, console=console, transient=True, disable=not console.is_terminal)
