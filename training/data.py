"""Pictures as bytes in one tensor on a device, and random square crops of them, cut where they lie.

A training step waits for no file and no other device: whatever it learns from was read, scaled and moved before.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from math import prod
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..media.images import eight_bits, pictures_at

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

Group = Literal["photos", "styles"]  # what pictures are learnt as; a pack holds both
Size = tuple[int, int]  # height and width in pixels
Result = TypeVar("Result")

PIXEL_BYTES = 3 * 2**30  # of all pictures by default: some 10,000 photographs of 256 pixels, beside a network on a card
LARGEST_UPSCALE = 8  # an icon or a strip that is scaled up more fills the memory with nothing
LARGEST_ASPECT = 8  # length over width; of a longer picture the middle is taken
READER_THREADS = min(8, os.cpu_count() or 1)  # Pillow works outside of Python's lock; each may hold a whole photograph
PACK = ".pack"
RAREST_KIND = 200  # fewer than one in so many pictures of a list are 'other': they would come too often
DATED = re.compile(
    r"[\s,]*(\(|\b((c\.|ca\.?|circa|after|before|late|early|(first|second) half of)\s*)*"
    r"(\d{3,4}|(\d+(st|nd|rd|th)|[ivx]+) century)|\bdate unknown).*"
)
"""The end of a kind, from its date, its century or a remark in brackets on."""


class Pictures:
    """Pictures of any sizes as bytes in one tensor on a device, each with a name and a kind.

    `pixels` are uint8 [all pixels, 3], the rows of one picture after those of another. Where each begins and its size
    lie beside them (`first`, `height`, `width`, int64 [pictures]) and on the host (`starts`, `sizes`), so that nobody
    has to ask the device. `kinds` are '' where unknown.
    """

    def __init__(self, pixels: Tensor, sizes: Sequence[Size], names: Sequence[str], kinds: Sequence[str]) -> None:
        self.pixels, self.sizes, self.names, self.kinds = pixels, tuple(sizes), tuple(names), tuple(kinds)
        self.starts = (0, *accumulate(map(prod, self.sizes)))[:-1]
        table = torch.tensor([(start, *size) for start, size in zip(self.starts, self.sizes, strict=True)])
        self.first, self.height, self.width = table.to(pixels.device).unbind(1)

    @staticmethod
    def from_files(
        places: Sequence[Path], resize: int, *, held_out: int = 0, group: Group = "photos", limit: int = PIXEL_BYTES
    ) -> Pictures:
        """The pictures of `places` by path, the shorter side of each resized to `resize` pixels; on the CPU.

        `places` are folders, single pictures, and packs, whose `group` is taken. `held_out` leaves out that many, the
        last by name. With a warning, pictures are skipped that cannot be read or would grow more than eight times,
        smaller ones are scaled up, and of more than fit `limit` bytes some are taken, evenly spread. FileNotFoundError
        where a name is wrong, ValueError where no picture is left or a pack does not have them.
        """
        found, named = _found(places, resize, group), ", ".join(map(str, places))
        kept = found[: max(0, len(found) - held_out)]
        if not kept:
            but = f" beside the {held_out} held out" if found else ""
            raise ValueError(f"there are no pictures in {named}{but}: name a folder of photographs or paintings.")
        with ThreadPoolExecutor(READER_THREADS) as pool:
            measured = list(_readable(pool, partial(_measure, resize=resize), kept))
            taken = [measured[index] for index in _within([fitted(size, resize)[1] for _, size in measured], limit)]
            small = [picture.label for picture, size in taken if min(size) < resize]
            if small:
                log.warning(
                    "%d of %d pictures have a shorter side of fewer than %d pixels and are scaled up, as %s.",
                    *(len(small), len(taken), resize, small[0]),
                )
            pixels = torch.empty(sum(prod(fitted(size, resize)[1]) for _, size in taken), 3, dtype=torch.uint8)
            read, sizes, end = [], [], 0
            for picture, rows in _readable(pool, partial(_read, resize=resize), [picture for picture, _ in taken]):
                read.append(picture)
                sizes.append((rows.shape[0], rows.shape[1]))
                start, end = end, end + prod(sizes[-1])
                pixels[start:end] = rows.flatten(0, 1)
        if not read:
            raise ValueError(
                f"none of the {len(kept)} pictures in {named} can be used: name a folder of whole JPEG or PNG files, "
                f"with a shorter side of {-(-resize // LARGEST_UPSCALE)} pixels at least."
            )
        return Pictures(pixels[:end], sizes, [each.name for each in read], [each.kind for each in read])

    @staticmethod
    def from_tensors(pictures: Sequence[Tensor] | Tensor, resize: int, *, limit: int = PIXEL_BYTES) -> Pictures:
        """Pictures at hand, [3, H, W] in 0..1 each or a batch, resized as files are; on the device of the first.

        Of more than fit `limit` bytes some are taken, evenly spread. ValueError where there is none.
        """
        if not len(pictures):
            raise ValueError("there are no pictures to learn with: connect at least one.")
        planned = [fitted((each.shape[-2], each.shape[-1]), resize) for each in pictures]
        chosen = _within([size for _, size in planned], limit)
        rows = []
        for index in chosen:
            (top, left, height, width), size = planned[index]
            kept = pictures[index].detach()[None, :, top : top + height, left : left + width].float()
            scaled = F.interpolate(kept, size, mode="bicubic", antialias=True)[0]
            rows.append(eight_bits(scaled).movedim(0, -1).flatten(0, 1))
        names = [f"picture {index + 1}" for index in chosen]
        return Pictures(torch.cat(rows), [planned[index][1] for index in chosen], names, [""] * len(chosen))

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Tensor:
        """[1, 3, H, W] in 0..1 on the device."""
        return self.rows(index).movedim(-1, 0)[None] / 255

    def rows(self, index: int) -> Tensor:
        """A picture's own bytes [H, W, 3]."""
        height, width = self.sizes[index]
        return self.pixels.narrow(0, self.starts[index], height * width).view(height, width, 3)

    def to(self, device: torch.device | str) -> Pictures:
        """The same pictures on `device`."""
        return Pictures(self.pixels.to(device), self.sizes, self.names, self.kinds)


class Crops:
    """Random square crops of pictures, cut on the device where they lie.

    A crop shows `zoom` times `side` pixels of its picture each way, one of `zooms` for all crops of a batch. With
    `by_kind` a picture is drawn as one over the root of how many there are of its kind. ValueError where one is small.
    """

    def __init__(self, pictures: Pictures, side: int, zooms: Sequence[float] = (1.0,), by_kind: bool = False) -> None:
        self.pictures, self.side, self.zooms = pictures, side, tuple(zooms)
        self._window(max(self.zooms))
        number = Counter(pictures.kinds)
        weights = [number[kind] ** -0.5 if by_kind else 1.0 for kind in pictures.kinds]
        sums = torch.tensor(weights, dtype=torch.float64).cumsum(0)
        self._shares = (sums / sums[-1]).float().to(pictures.pixels.device)

    def take(self, count: int) -> Tensor:
        """The next `count` crops, [count, 3, side, side] in 0..1 on the device, channels last.

        What is drawn depends on torch's default generators alone: the device's for crops, the CPU's for their zoom.
        """
        zoom = self.zooms[int(torch.randint(len(self.zooms), (), device="cpu"))]
        return self.cut(torch.rand(count, 4, device=self.pictures.pixels.device), zoom)

    def cut(self, numbers: Tensor, zoom: float = 1.0) -> Tensor:
        """The crops that `numbers` [count, 4] in 0..1 name: which picture, how far down, how far right, mirrored below
        a half. [count, 3, side, side] in 0..1, channels last; the device is not waited for.
        """
        window, pictures = self._window(zoom), self.pictures
        which = torch.searchsorted(self._shares, numbers[:, 0].contiguous(), right=True).clamp(max=len(pictures) - 1)
        last = pictures.height[which] - window, pictures.width[which] - window
        top, left = (torch.minimum((numbers[:, i + 1] * (last[i] + 1)).long(), last[i]) for i in range(2))
        steps = torch.arange(window, device=numbers.device)
        across = torch.where(numbers[:, 3:] < 0.5, window - 1 - steps, steps) + left[:, None]
        down = (top[:, None] + steps) * pictures.width[which, None] + pictures.first[which, None]
        pixels = pictures.pixels.index_select(0, (down[:, :, None] + across[:, None]).flatten())
        crops = pixels.view(-1, window, window, 3).movedim(-1, 1) / 255
        if window != self.side:
            size = (self.side, self.side)
            crops = F.interpolate(crops, size, mode="bilinear", antialias=True, align_corners=False).clamp_(0, 1)
        return crops.contiguous(memory_format=torch.channels_last)

    def _window(self, zoom: float) -> int:
        """Pixels that a crop shows each way; ValueError where a picture has fewer."""
        window, shortest = round(self.side * zoom), min(map(min, self.pictures.sizes))
        if not 0 < window <= shortest:
            raise ValueError(
                f"crops of {window} pixels cannot be cut from pictures with a shorter side of {shortest}: "
                f"choose smaller crops, or scale the pictures to {max(1, window)} pixels or more."
            )
        return window


class CropPool:
    """A fixed number of crops, drawn once, so that what is known of one can be kept."""

    def __init__(self, crops: Crops, count: int, seed: int) -> None:
        self.crops = crops
        generator = torch.Generator().manual_seed(seed)
        self.numbers = torch.rand(count, 4, generator=generator).to(crops.pictures.pixels.device)

    def __len__(self) -> int:
        return len(self.numbers)

    def cut(self, indices: Sequence[int]) -> Tensor:
        """Those crops, [B, 3, side, side] in 0..1; the zooms take turns."""
        zooms = self.crops.zooms
        if len(zooms) == 1:
            chosen = torch.tensor(list(indices)).to(self.numbers.device, non_blocking=True)
            return self.crops.cut(self.numbers[chosen], zooms[0])
        return torch.cat([self.crops.cut(self.numbers[i : i + 1], zooms[i % len(zooms)]) for i in indices])


def fixed_crops(seed: int, *given: tuple[Crops, int]) -> Tensor:
    """So many crops of each, one after the other, [B, 3, side, side]; the same at each call."""
    return torch.cat([CropPool(crops, count, seed).cut(range(count)) for crops, count in given])


def spread(sizes: Sequence[int], limit: int) -> list[int]:
    """Indices into `sizes`, as many as together have `limit` at most, evenly spread; none where the first has more."""
    count = len(sizes)
    while count > 0:
        taken = [index * len(sizes) // count for index in range(count)]
        total = sum(sizes[index] for index in taken)
        if total <= limit:
            return taken
        count = min(count - 1, count * max(0, limit) // total)
    return []


def fitted(size: Size, resize: int) -> tuple[tuple[int, int, int, int], Size]:
    """The part of a picture that is kept (top, left, height, width), and its size with a shorter side of `resize`."""
    shorter = min(size)
    height, width = (min(length, LARGEST_ASPECT * shorter) for length in size)
    scaled = (max(resize, round(height * resize / shorter)), max(resize, round(width * resize / shorter)))
    return ((size[0] - height) // 2, (size[1] - width) // 2, height, width), scaled


def kinds_in(folder: Path) -> dict[str, str]:
    """The kind of each file that the folder's SOURCES.tsv lists with one (tab separated, columns `file` and `kind`)."""
    try:
        with (folder / "SOURCES.tsv").open(encoding="utf-8", errors="replace", newline="") as file:
            lines = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError:
        return {}
    kinds = {line["file"]: plain_kind(line.get("kind") or "") for line in lines if line.get("file")}
    number = Counter(kind for kind in kinds.values() if kind)
    rare = {kind for kind, count in number.items() if count * RAREST_KIND < number.total()}
    return {file: "other" if kind in rare else kind for file, kind in kinds.items()}


def plain_kind(kind: str) -> str:
    """`kind` in lower case without dates, centuries, remarks in brackets and the data set it comes from."""
    kind = DATED.sub("", re.sub(r"^wikiart\d*\s+", "", " ".join(kind.lower().split())))
    return re.sub(r"\bukiyo e\b", "ukiyo-e", kind)


@dataclass(frozen=True)
class Encoded:
    """A picture that is not decoded yet."""

    label: str  # what a warning calls it
    name: str
    kind: str
    content: Path | memoryview

    def open(self) -> Image.Image:
        """With Pillow; the pixels are not read yet."""
        from PIL import Image

        return Image.open(self.content if isinstance(self.content, Path) else io.BytesIO(self.content))


def _found(places: Sequence[Path], resize: int, group: Group) -> list[Encoded]:
    """All pictures by path; those of a pack in its own order."""
    from .pack import read_group  # packs are written from pictures, and read here

    found: list[tuple[Path, Encoded]] = []
    kinds = cache(kinds_in)
    for place in places:
        files = pictures_at(place)
        if place.suffix.lower() == PACK and place.is_file():
            found += ((place, picture) for picture in read_group(place, group, resize))
            continue
        for file in files:
            name, kind = file.stem.replace("_", " "), kinds(file.parent).get(file.name, "")
            found.append((file, Encoded(str(file), name, kind, file)))
    return [picture for _, picture in sorted(found, key=itemgetter(0))]


def _readable(
    pool: Executor, read: Callable[[Encoded], Result], pictures: Sequence[Encoded]
) -> Iterator[tuple[Encoded, Result]]:
    """What `read` returns of each picture, in their order; those it fails for are left out with a warning each."""

    def attempt(picture: Encoded) -> Result | Exception:
        try:
            return read(picture)
        except Exception as error:  # Pillow's decoders raise nearly anything for damaged files
            return error

    for picture, result in zip(pictures, pool.map(attempt, pictures), strict=True):
        if isinstance(result, Exception):
            log.warning("%s cannot be read and is skipped: %s", picture.label, result)
        else:
            yield picture, result


def _measure(picture: Encoded, resize: int) -> Size:
    """The size a picture has now; ValueError where it is too small. Of its file only the beginning is read."""
    with picture.open() as opened:
        size, smallest = (opened.height, opened.width), -(-resize // LARGEST_UPSCALE)
    if min(size) < smallest:
        raise ValueError(f"its {size[1]}x{size[0]} pixels are too few, {smallest} are needed each way")
    return size


def _read(picture: Encoded, resize: int) -> Tensor:
    """A picture's bytes [H, W, 3], upright and resized."""
    import numpy as np
    from PIL import Image, ImageOps

    with picture.open() as opened:
        _, (height, width) = fitted((opened.height, opened.width), resize)
        opened.draft(None, (2 * resize, 2 * resize))  # a JPEG of four times the size or more is decoded smaller
        upright = ImageOps.exif_transpose(opened).convert("RGB")
        if upright.size != opened.size:
            height, width = width, height
    (top, left, down, across), _ = fitted((upright.height, upright.width), resize)
    scaled = upright.resize((width, height), Image.Resampling.LANCZOS, (left, top, left + across, top + down))
    return torch.from_numpy(np.array(scaled))


def _within(sizes: Sequence[Size], limit: int) -> list[int]:
    """Indices of the pictures that fit `limit` bytes, with a warning where not all do; ValueError where none does."""
    chosen = spread([3 * prod(size) for size in sizes], limit)
    if sizes and not chosen:
        raise ValueError(f"a picture of {sizes[0][1]}x{sizes[0][0]} pixels is too large: scale pictures to fewer.")
    if len(chosen) < len(sizes):
        log.warning(
            "only %d of %d pictures are taken, evenly spread: all of them would fill more than %.1f GiB.",
            *(len(chosen), len(sizes), limit / 2**30),
        )
    return chosen
