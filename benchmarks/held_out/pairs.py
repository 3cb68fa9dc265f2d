"""Pairs of content and style with the result that was published for them, as files and as pictures to paint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ...media.images import from_pillow, pictures_in, read_picture, to_pillow
from .measures import luminance

PARTS = ("content", "style", "result")
ADAIN_PAIRS, WCT_PAIRS, KNOWN, REST = "AdaIN's pairs", "WCT's pairs", "MSG-Net's, styles ours know", "the rest"
GREY = "a style made grey"
SETS = (ADAIN_PAIRS, WCT_PAIRS, KNOWN, REST, GREY)
KNOWN_STYLES = ("udnie", "starry_night", "scream", "wave")
"""Styles of MSG-Net's that our StyleBank has too."""


@dataclass(frozen=True)
class Pair:
    """Files of a content, a style, and the result that was published."""

    name: str
    content: Path
    style: Path
    result: Path

    @property
    def of_set(self) -> str:
        """One of `SETS`."""
        method, _, style = self.name.partition("_")
        if method == "msgnet" and style in KNOWN_STYLES:
            return KNOWN
        return {"adain": ADAIN_PAIRS, "wct": WCT_PAIRS}.get(method, REST)


@dataclass(frozen=True)
class Task:
    """What everyone paints: pictures [1, 3, H, W] in 0..1, the published result in the content's size."""

    name: str
    of_set: str
    content: Tensor
    style: Tensor
    published: Tensor | None = None

    @staticmethod
    def of(pair: Pair, size: int) -> Task:
        """A pair's, content and style with a shorter side of `size` pixels."""
        content, style = (shorter_side(_read(path), size) for path in (pair.content, pair.style))
        return Task(pair.name, pair.of_set, content, style, lanczos(_read(pair.result), content.shape[-2:]))

    def without_colour(self) -> Task:
        """The same with its style made grey, which nobody published."""
        grey = luminance(self.style).expand_as(self.style)
        return Task(f"{self.name}, grey", GREY, self.content, grey)


def pairs_in(folder: Path) -> tuple[list[Pair], list[str]]:
    """The pairs in a folder by name, and a line for what is not whole or not there. FileNotFoundError without any."""
    parts: dict[str, dict[str, Path]] = {}
    for path in pictures_in(folder):
        name, _, part = path.stem.rpartition("_")
        if part in PARTS:
            parts.setdefault(name, {})[part] = path
    pairs = [Pair(name, **found) for name, found in sorted(parts.items()) if len(found) == len(PARTS)]
    if not pairs:
        raise FileNotFoundError(
            f"there is no content, style and result of one name in {folder}: put them there, "
            "as a_content.jpg, a_style.jpg and a_result.jpg"
        )
    missing = {name: [part for part in PARTS if part not in found] for name, found in sorted(parts.items())}
    lines = [f"{name}, which has no {' and no '.join(absent)}" for name, absent in missing.items() if absent]
    here = {pair.of_set for pair in pairs}
    return pairs, lines + [f"{each}, as none is there" for each in SETS if each not in here | {GREY}]


def tasks(pairs: Sequence[Pair], size: int) -> Iterator[Task]:
    """One a pair, and the first once more with its style made grey."""
    for pair in pairs:
        yield Task.of(pair, size)
    yield Task.of(pairs[0], size).without_colour()


def shorter_side(image: Tensor, size: int) -> Tensor:
    """A picture [1, 3, H, W] with its shorter side of `size` pixels, its proportions kept."""
    scale = size / min(image.shape[-2:])
    return lanczos(image, [round(length * scale) for length in image.shape[-2:]])


def lanczos(image: Tensor, size: Sequence[int]) -> Tensor:
    """A picture [1, 3, H, W] in 0..1 in another size by Lanczos' filter, to eight bits; as it is where it has it."""
    from PIL import Image

    height, width = size
    if image.shape[-2:] == (height, width):
        return image
    scaled = to_pillow(image[0].movedim(0, -1)).resize((width, height), Image.Resampling.LANCZOS)
    return from_pillow(scaled).movedim(-1, 0)[None]


def _read(path: Path) -> Tensor:
    return read_picture(path)[0].movedim(-1, 1)
