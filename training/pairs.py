"""What painted recipes learn from: crops of photographs, each with a style, and a teacher's picture of the two."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..media.images import eight_bits
from ..transfer.moments import Moments
from .data import Crops

log = logging.getLogger(__name__)

MOST_BYTES_OF_STYLES = 2**30
"""Of what is measured of styles and kept: a Gram matrix at each of four levels has 1.4 MB."""

Paint = Callable[[Tensor, Sequence[int]], Tensor]
"""The teacher's pictures of crops [B, 3, H, W], each in the style of that number."""


class CropPool:
    """A fixed number of crops, drawn once, so that what is known of one can be kept."""

    def __init__(self, crops: Crops, count: int, seed: int) -> None:
        self.crops = crops
        generator = torch.Generator().manual_seed(seed)
        self.numbers = torch.rand(count, 4, generator=generator).to(crops.pictures.device)

    def __len__(self) -> int:
        return len(self.numbers)

    def cut(self, indices: Sequence[int]) -> Tensor:
        """Crops [B, 3, side, side] in 0..1; the zooms take turns."""
        zooms = self.crops.zooms
        if len(zooms) == 1:
            chosen = torch.tensor(list(indices)).to(self.numbers.device, non_blocking=True)
            return self.crops.cut(self.numbers[chosen], zooms[0])
        each = [self.crops.cut(self.numbers[index : index + 1], zooms[index % len(zooms)]) for index in indices]
        return torch.cat(each)


def fixed_crops(photos: Crops, count: int, paintings: Crops, others: int, seed: int) -> Tensor:
    """`count` crops of photographs and `others` of paintings, the same at each call."""
    pools = CropPool(photos, count, seed), CropPool(paintings, others, seed)
    return torch.cat([pool.cut(range(len(pool))) for pool in pools])


class Measured:
    """What `measure` finds in a style, by name; measured when the style is first met, and kept while there is room."""

    def __init__(self, measure: Callable[[int], Mapping[str, Moments]], limit: int = MOST_BYTES_OF_STYLES) -> None:
        self.measure, self.limit = measure, limit
        self.kept: dict[int, Mapping[str, Moments]] = {}
        self.bytes = 0

    def of(self, styles: Sequence[int]) -> dict[str, Moments]:
        """Of several styles, joined along the batch."""
        each = []
        for style in styles:
            if style not in self.kept:
                self._keep(style)
            each.append(self.kept[style])  # now: the next one may push it out
        return {name: Moments.joined([moments[name] for moments in each]) for name in each[0]}

    def _keep(self, style: int) -> None:
        with torch.no_grad():
            found = self.kept[style] = self.measure(style)
        self.bytes += _bytes(found)
        while self.bytes > self.limit and len(self.kept) > 64:  # no batch is larger
            self.bytes -= _bytes(self.kept.pop(next(iter(self.kept))))


@dataclass(frozen=True)
class Batch:
    """What a step learns from."""

    content: Tensor
    """[B, 3, side, side] in 0..1"""
    styles: Sequence[int]
    """The number of each one's style."""
    target: Tensor | None
    """The teacher's pictures, if there is a teacher."""


class Pairs:
    """Crops of photographs with styles 0 ... `styles` - 1, at random; `same` crops after each other share a style.

    With `kept` the pairs are that many, drawn once, and the teacher's picture of each is painted when the pair is first
    met and kept as bytes in a file in `folder`: a teacher's forward pass takes longer than many a student's step.
    `told` is what else the pictures depend on, the teacher and the styles.
    """

    def __init__(
        self,
        contents: Crops,
        styles: int,
        paint: Paint | None = None,
        same: int = 1,
        kept: int = 0,
        folder: Path | None = None,
        told: str = "",
        seed: int = 0,
    ) -> None:
        self.contents, self.styles, self.paint, self.same = contents, styles, paint, same
        self.pictures: KeptPictures | None = None
        if kept and paint and folder:
            self.pool = CropPool(contents, kept // same * same, seed)
            generator = torch.Generator().manual_seed(seed + 1)
            self.style_of = torch.randint(styles, (len(self.pool) // same,), generator=generator).tolist()
            names = repr((told, seed, kept, same, styles, contents.side, contents.zooms, contents.pictures.names))
            name = hashlib.sha256(names.encode()).hexdigest()[:12]
            self.pictures = KeptPictures(folder / f"teacher-{name}", len(self.pool), contents.side)

    def take(self, count: int) -> Batch:
        """The next ones, drawn from torch's default generators."""
        groups = -(-count // self.same)
        if self.pictures is None:
            styles = _repeated(_drawn(self.styles, groups), self.same)[:count]
            content = self.contents.take(count)
            return Batch(content, styles, self.paint(content, styles) if self.paint else None)
        chosen = _drawn(len(self.style_of), groups)
        styles = _repeated([self.style_of[group] for group in chosen], self.same)[:count]
        places = [group * self.same + place for group in chosen for place in range(self.same)][:count]
        content = self.pool.cut(places)
        return Batch(content, styles, self._kept(content, styles, places))

    def _kept(self, content: Tensor, styles: Sequence[int], places: Sequence[int]) -> Tensor:
        assert self.pictures is not None and self.paint is not None
        new = {place: number for number, place in enumerate(places) if not self.pictures.has(place)}
        if new:
            numbers = list(new.values())
            self.pictures.keep(list(new), self.paint(content[numbers], [styles[number] for number in numbers]))
        return self.pictures.read(places).to(content.device, non_blocking=True)


class KeptPictures:
    """Square pictures by number as bytes in a file, which grows to its whole size as they come."""

    def __init__(self, path: Path, count: int, side: int) -> None:
        import numpy as np

        path.parent.mkdir(parents=True, exist_ok=True)
        mode = "r+" if path.is_file() and path.stat().st_size == count * (side * side * 3 + 1) else "w+"
        self.known = np.memmap(path, np.uint8, mode, 0, (count,))
        # A flag is set after its picture: whenever this is killed, what is flagged is there.
        self.pixels = np.memmap(path, np.uint8, "r+", count, (count, side, side, 3))
        log.info("%d of %d of the teacher's pictures are in %s", int(self.known.sum()), count, path)

    def has(self, place: int) -> bool:
        """Whether that picture is there."""
        return bool(self.known[place])

    def keep(self, places: Sequence[int], pictures: Tensor) -> None:
        """Put pictures [B, 3, side, side] in 0..1 there."""
        self.pixels[list(places)] = eight_bits(pictures).movedim(1, -1).cpu().numpy()
        self.known[list(places)] = 1

    def read(self, places: Sequence[int]) -> Tensor:
        """Those pictures again, [B, 3, side, side] in 0..1 in float32."""
        return torch.from_numpy(self.pixels[list(places)]).movedim(-1, 1).float() / 255


def _drawn(limit: int, count: int) -> list[int]:
    return torch.randint(limit, (count,)).tolist()


def _repeated(numbers: Sequence[int], times: int) -> list[int]:
    return [number for number in numbers for _ in range(times)]


def _bytes(found: Mapping[str, Moments]) -> int:
    return sum(4 * moments.scatter.numel() for moments in found.values())
