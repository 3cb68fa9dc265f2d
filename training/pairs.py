"""What stylised pictures are learnt from: a crop of a photograph, a style, and a teacher's picture of the two."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..media.images import eight_bits
from ..models.networks.base import ADAIN
from ..models.networks.vgg import ADAIN_LEVEL, VggNetwork
from ..models.registry import load_network
from ..transfer.adain import adain
from ..transfer.moments import Moments
from .crops import CropPool, Crops
from .precision import autocast, training_dtype

log = logging.getLogger(__name__)

STYLE_CACHE_BYTES = 2**30  # of cached moments of styles: full ones at four levels have 1.4 MB
LARGEST_BATCH = 64  # so many styles stay cached whatever they take

Paint = Callable[[Tensor, Sequence[int]], Tensor]
"""The teacher's pictures of crops [B, 3, H, W], each in the style of that number."""


class StyleMoments:
    """Moments of numbered styles, by name: computed when a style is first met, cached while there is room.

    On a `device` they are computed in the type that networks learn in there.
    """

    def __init__(
        self,
        compute: Callable[[int], Mapping[str, Moments]],
        device: torch.device | None = None,
        limit: int = STYLE_CACHE_BYTES,
    ) -> None:
        self.compute, self.device, self.limit = compute, device, limit
        self.cached: dict[int, Mapping[str, Moments]] = {}
        self.bytes = 0

    def of(self, styles: Sequence[int]) -> dict[str, Moments]:
        """Of several styles, joined along the batch."""
        each = []
        for style in styles:
            if style not in self.cached:
                with torch.no_grad(), autocast(self.device) if self.device else nullcontext():
                    self.cached[style] = self.compute(style)
                size = sum(4 * moments.scatter.numel() for moments in self.cached[style].values())  # any other's too
                self.bytes += size
                while self.bytes > self.limit and len(self.cached) > LARGEST_BATCH:
                    del self.cached[next(iter(self.cached))]
                    self.bytes -= size
            each.append(self.cached[style])  # now: the next style may push it out
        return {name: Moments.joined([moments[name] for moments in each]) for name in each[0]}


class Teacher(nn.Module):
    """A network with AdaIN's published decoder, frozen: its pictures, at full strength, are targets for each pixel.

    ValueError where the network has no decoder for AdaIN.
    """

    def __init__(self, network: VggNetwork, name: str = "teacher") -> None:
        super().__init__()
        network.expect_decoder(ADAIN_LEVEL, ADAIN)
        self.network, self.name = network, name

    @torch.no_grad()
    def learn(self, style: Tensor) -> Moments:
        """All that it keeps of style pictures [B, 3, H, W] in 0..1."""
        return Moments.of(self.network.encode(style, ADAIN_LEVEL).values)

    @torch.no_grad()
    def paint(self, content: Tensor, style: Moments) -> Tensor:
        """Pictures [B, 3, H, W] in 0..1 of `content` in styles of which `learn` gave the moments."""
        features = self.network.encode(content, ADAIN_LEVEL)
        operator = adain(Moments.of(features.values), style)
        return self.network.decode(features.with_values(operator(features.values)), ADAIN).clamp(0, 1)

    def painting(self, style: Callable[[int], Tensor]) -> Paint:
        """`paint` for numbered styles, of which `style` gives the pictures [1, 3, H, W]."""
        learnt = StyleMoments(lambda number: {"style": self.learn(style(number))})
        return lambda content, styles: self.paint(content, learnt.of(styles)["style"])

    def to_training(self, device: torch.device) -> Teacher:
        """On `device`, in the type that networks learn in there."""
        return self.to(device=device, dtype=training_dtype(device))


def load_teacher(name: str, folders: Sequence[Path] = ()) -> Teacher:
    """A network of the manifest, or a file, that has AdaIN's encoder and decoder; ValueError for another."""
    network = load_network(name, folders)
    if not isinstance(network, VggNetwork):
        raise ValueError(f"{name} does not paint by AdaIN: name a network or a file with AdaIN's decoder as --teacher.")
    return Teacher(network, Path(name).name)


@dataclass(frozen=True)
class Batch:
    """What a step learns from."""

    content: Tensor  # [B, 3, side, side] in 0..1
    styles: Sequence[int]  # the number of each one's style
    target: Tensor | None  # the teacher's pictures, [B, 3, side, side] in 0..1, if there is a teacher


class Pairs:
    """Random crops of photographs, each with one of the styles 0 ... `styles` - 1; `same` in a row share a style.

    With `kept` the pairs are that many, drawn once, and the teacher's picture of each is painted when the pair is first
    met and kept as bytes in a file in `folder`: a teacher's forward pass takes longer than many a student's step.
    `sources` is what else the pictures depend on: the teacher and the styles.
    """

    def __init__(
        self,
        contents: Crops,
        styles: int,
        paint: Paint | None = None,
        same: int = 1,
        kept: int = 0,
        folder: Path | None = None,
        sources: str = "",
        seed: int = 0,
    ) -> None:
        self.contents, self.styles, self.paint, self.same, self.pictures = contents, styles, paint, same, None
        if kept and paint and folder:
            self.pool = CropPool(contents, kept // same * same, seed)
            generator = torch.Generator().manual_seed(seed + 1)
            self.style_of = torch.randint(styles, (len(self.pool) // same,), generator=generator).tolist()
            key = repr((sources, seed, kept, same, styles, contents.side, contents.zooms, contents.pictures.names))
            name = hashlib.sha256(key.encode()).hexdigest()[:12]
            self.pictures = KeptPictures(folder / f"teacher-{name}", len(self.pool), contents.side)

    def take(self, count: int) -> Batch:
        """The next `count` pairs, drawn from torch's default generators."""
        groups = len(self.style_of) if self.pictures else self.styles
        chosen = torch.randint(groups, (-(-count // self.same),)).tolist()
        if self.pictures is None:
            styles = [style for style in chosen for _ in range(self.same)][:count]
            content = self.contents.take(count)
            return Batch(content, styles, self.paint(content, styles) if self.paint else None)
        places = [group * self.same + offset for group in chosen for offset in range(self.same)][:count]
        styles = [self.style_of[place // self.same] for place in places]
        content = self.pool.cut(places)
        new = {place: row for row, place in enumerate(places) if not self.pictures.has(place)}
        if new and self.paint:
            rows = list(new.values())
            self.pictures.keep(list(new), self.paint(content[rows], [styles[row] for row in rows]))
        return Batch(content, styles, self.pictures.read(places).to(content.device, non_blocking=True))


class KeptPictures:
    """Square pictures by number as bytes in a file, which grows to its whole size as they come."""

    def __init__(self, path: Path, count: int, side: int) -> None:
        import numpy as np

        path.parent.mkdir(parents=True, exist_ok=True)
        mode = "r+" if path.is_file() and path.stat().st_size == count * (side * side * 3 + 1) else "w+"
        self.present = np.memmap(path, np.uint8, mode, 0, (count,))
        # A flag is set after its picture: whenever this is killed, what is flagged is there.
        self.pixels = np.memmap(path, np.uint8, "r+", count, (count, side, side, 3))
        log.info("%d of %d of the teacher's pictures are in %s", int(self.present.sum()), count, path)

    def has(self, place: int) -> bool:
        """Whether the picture of that number is there."""
        return bool(self.present[place])

    def keep(self, places: Sequence[int], pictures: Tensor) -> None:
        """Write pictures [B, 3, side, side] in 0..1, rounded to eight bits."""
        self.pixels[list(places)] = eight_bits(pictures).movedim(1, -1).cpu().numpy()
        self.present[list(places)] = 1

    def read(self, places: Sequence[int]) -> Tensor:
        """Those pictures, [B, 3, side, side] in 0..1 in float32 on the CPU."""
        return torch.from_numpy(self.pixels[list(places)]).movedim(-1, 1).float() / 255
