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
from functools import cache
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

Group = Literal["photos", "styles"]
"""What pictures are learnt as; a pack holds both."""
Size = tuple[int, int]
"""Height and width."""
Result = TypeVar("Result")

MOST_BYTES = 3 * 2**30
"""Of pixels, unless asked otherwise: some 10,000 photographs with a shorter side of 256, beside a network on a card."""
TINY = 8
"""How many times a picture may be scaled up; an icon or a strip scaled up more fills the memory with nothing."""
STRIP = 8
"""How many times longer than wide a picture may be; of a longer one the middle is taken."""
READERS = min(8, os.cpu_count() or 1)
"""Threads: Pillow decodes and scales outside of Python's lock. Each may hold a whole photograph."""
PACK = ".pack"
RARE = 200
"""A kind that fewer than one in so many pictures of a list have is 'other': it would have few pictures too often."""
DATED = re.compile(
    r"[\s,]*(\(|\b((c\.|ca\.?|circa|after|before|late|early|(first|second) half of)\s*)*"
    r"(\d{3,4}|(\d+(st|nd|rd|th)|[ivx]+) century)|\bdate unknown).*"
)
"""The end of a kind, from its date, its century or a remark in brackets on."""


class Pictures:
    """Pictures of any sizes as bytes in one tensor on a device, each with a name and a kind.

    `pixels` are uint8 [all pixels, 3], the rows of one picture after those of another. Where each begins and how large
    it is lies beside them (`first`, `height`, `width`, int64 [pictures]), and on the host (`starts`, `sizes`), so that
    nobody has to ask the device. `kinds` are '' where unknown.
    """

    def __init__(self, pixels: Tensor, sizes: Sequence[Size], names: Sequence[str], kinds: Sequence[str]) -> None:
        self.pixels, self.sizes, self.names, self.kinds = pixels, tuple(sizes), tuple(names), tuple(kinds)
        self.starts = (0, *accumulate(map(prod, self.sizes)))[:-1]
        table = torch.tensor([(start, *size) for start, size in zip(self.starts, self.sizes, strict=True)])
        self.first, self.height, self.width = table.to(pixels.device).unbind(1)

    @staticmethod
    def from_files(
        folders: Sequence[Path],
        shorter: int,
        *,
        held_out: int = 0,
        smallest: int = 0,
        group: Group = "photos",
        limit: int = MOST_BYTES,
    ) -> Pictures:
        """The pictures of `folders` by path, the shorter side of each scaled to `shorter` pixels; on the CPU.

        `folders` may name single pictures, and packs, whose `group` is taken. `held_out` leaves out that many, the last
        by name, to measure with. With a warning each, pictures are skipped that cannot be read, whose shorter side is
        less than `smallest` (what is in a pack was measured before) or would grow more than eight times; with one
        warning, smaller ones are scaled up, and of more than fit `limit` bytes some are taken, evenly spread.
        FileNotFoundError where a name is wrong, ValueError where no picture is left or a pack does not have them.
        """
        found, named = _found(folders, shorter, group), ", ".join(map(str, folders))
        kept = found[: max(0, len(found) - held_out)]
        if not kept:
            but = f" beside the {held_out} held out" if found else ""
            raise ValueError(f"there are no pictures in {named}{but}: name a folder of photographs or paintings.")
        with ThreadPoolExecutor(READERS) as pool:
            measured = list(_readable(pool, lambda picture: _measure(picture, shorter, smallest), kept))
            planned = [fitted(size, shorter)[1] for _, size in measured]
            taken = _that_fit(planned, limit)
            chosen = [measured[index][0] for index in taken]
            _warn_of_enlarged([measured[index] for index in taken], shorter)
            pixels = torch.empty(sum(prod(planned[index]) for index in taken), 3, dtype=torch.uint8)
            read, sizes, end = [], [], 0
            for picture, rows in _readable(pool, lambda picture: _read(picture, shorter), chosen):
                read.append(picture)
                sizes.append((rows.shape[0], rows.shape[1]))
                pixels[end : end + prod(sizes[-1])] = rows.flatten(0, 1)
                end += prod(sizes[-1])
        if not read:
            raise ValueError(
                f"none of the {len(kept)} pictures in {named} can be used: name a folder of whole JPEG or PNG files, "
                f"with a shorter side of {max(smallest, -(-shorter // TINY))} pixels at least."
            )
        return Pictures(pixels[:end], sizes, [each.name for each in read], [each.kind for each in read])

    @staticmethod
    def from_tensors(
        pictures: Sequence[Tensor] | Tensor, shorter: int, names: Sequence[str] = (), *, limit: int = MOST_BYTES
    ) -> Pictures:
        """Pictures at hand, [3, H, W] in 0..1 each or a batch, scaled as files are; on the device of the first.

        Of more than fit `limit` bytes some are taken, evenly spread. ValueError where there is none.
        """
        if not len(pictures):
            raise ValueError("there are no pictures to learn with: connect at least one.")
        names = names or [f"picture {number}" for number in range(1, len(pictures) + 1)]
        planned = [fitted((each.shape[-2], each.shape[-1]), shorter)[1] for each in pictures]
        chosen = _that_fit(planned, limit)
        area, end = sum(prod(planned[index]) for index in chosen), 0
        pixels = torch.empty(area, 3, dtype=torch.uint8, device=pictures[0].device)
        for index in chosen:
            rows = _bytes(pictures[index], shorter).flatten(0, 1)
            pixels[end : end + len(rows)] = rows
            end += len(rows)
        return Pictures(pixels, [planned[i] for i in chosen], [names[i] for i in chosen], [""] * len(chosen))

    @staticmethod
    def from_pack(path: Path, group: Group) -> Pictures:
        """One group of a pack, at the size it is stored in; errors as `read_pack` has them."""
        from .pack import read_pack

        return read_pack(path, group)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Tensor:
        """[1, 3, H, W] in 0..1 on the device."""
        return self.rows(index).movedim(-1, 0)[None] / 255

    def rows(self, index: int) -> Tensor:
        """A picture's own bytes, [H, W, 3]."""
        height, width = self.sizes[index]
        return self.pixels.narrow(0, self.starts[index], height * width).view(height, width, 3)

    @property
    def device(self) -> torch.device:
        """Where the pixels lie."""
        return self.pixels.device

    def to(self, device: torch.device | str) -> Pictures:
        """The same pictures on `device`."""
        return Pictures(self.pixels.to(device), self.sizes, self.names, self.kinds)


class Crops:
    """Random square crops of pictures, cut on the device where they lie.

    A crop shows `zoom` times `side` pixels of its picture each way, one of `zooms` for all crops of a batch. With
    `by_kind` a picture is drawn the less often the more there are of its kind, as one over the root of their number: a
    list that is oil paintings by half is not oil paintings by half then. ValueError where a picture is too small.
    """

    def __init__(self, pictures: Pictures, side: int, zooms: Sequence[float] = (1.0,), by_kind: bool = False) -> None:
        self.pictures, self.side, self.zooms = pictures, side, tuple(zooms)
        self._window(max(self.zooms))
        number = Counter(pictures.kinds)
        weights = [number[kind] ** -0.5 if by_kind else 1.0 for kind in pictures.kinds]
        sums = torch.tensor(weights, dtype=torch.float64).cumsum(0)
        self._shares = (sums / sums[-1]).float().to(pictures.device)

    def take(self, count: int) -> Tensor:
        """The next `count` crops, [count, 3, side, side] in 0..1 on the device, channels last.

        What is drawn depends on torch's default generators alone: the device's for crops, the CPU's for their zoom.
        """
        zoom = self.zooms[int(torch.randint(len(self.zooms), (), device="cpu"))]
        return self.cut(torch.rand(count, 4, device=self.pictures.device), zoom)

    def cut(self, numbers: Tensor, zoom: float = 1.0) -> Tensor:
        """The crops that `numbers` [count, 4] in 0..1 name: which picture, how far down, how far right, mirrored below
        a half. [count, 3, side, side] in 0..1, channels last; the device is not waited for.
        """
        window, pictures = self._window(zoom), self.pictures
        which = torch.searchsorted(self._shares, numbers[:, 0].contiguous(), right=True).clamp(max=len(pictures) - 1)
        top = _below(pictures.height[which] - window + 1, numbers[:, 1])
        left = _below(pictures.width[which] - window + 1, numbers[:, 2])
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


def spread(sizes: Sequence[int], limit: int) -> list[int]:
    """Indices into `sizes`, as many as together have `limit` at most, evenly spread: every one, every second and so on.

    Not one where even the first is larger.
    """
    count = len(sizes)
    while count > 0:
        taken = [index * len(sizes) // count for index in range(count)]
        total = sum(sizes[index] for index in taken)
        if total <= limit:
            return taken
        count = min(count - 1, count * max(0, limit) // total)
    return []


def fitted(size: Size, shorter: int) -> tuple[tuple[int, int, int, int], Size]:
    """The part of a picture that is kept (top, left, height, width), and the size it is scaled to."""
    least = min(size)
    height, width = (min(length, STRIP * least) for length in size)
    scaled = (max(shorter, round(height * shorter / least)), max(shorter, round(width * shorter / least)))
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
    rare = {kind for kind, count in number.items() if count * RARE < number.total()}
    return {file: "other" if kind in rare else kind for file, kind in kinds.items()}


def plain_kind(kind: str) -> str:
    """`kind` in lower case without dates, centuries, remarks in brackets and the data set it comes from."""
    kind = DATED.sub("", re.sub(r"^wikiart\d*\s+", "", " ".join(kind.lower().split())))
    return re.sub(r"\bukiyo e\b", "ukiyo-e", kind)


@dataclass(frozen=True)
class Encoded:
    """A picture that is not decoded yet."""

    label: str
    """What a warning calls it."""
    name: str
    kind: str
    content: Path | memoryview

    def open(self) -> Image.Image:
        """With Pillow; the pixels are not read yet."""
        from PIL import Image

        return Image.open(self.content if isinstance(self.content, Path) else io.BytesIO(self.content))


def _found(folders: Sequence[Path], shorter: int, group: Group) -> list[Encoded]:
    """All pictures by path; those of a pack in its own order."""
    found: list[tuple[Path, Encoded]] = []
    kinds = cache(kinds_in)
    for place in folders:
        files = pictures_at(place)
        if place.suffix.lower() == PACK and place.is_file():
            from .pack import entries  # packs are written from pictures, and read here

            found += ((place, entry) for entry in entries(place, group, shorter))
            continue
        for file in files:
            kind = kinds(file.parent).get(file.name, "")
            found.append((file, Encoded(str(file), file.stem.replace("_", " "), kind, file)))
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


def _measure(picture: Encoded, shorter: int, smallest: int) -> Size:
    """The size a picture has now; ValueError where it is too small. Of its file only the beginning is read."""
    with picture.open() as opened:
        width, height = opened.size
    least = max(-(-shorter // TINY), smallest if isinstance(picture.content, Path) else 0)
    if min(width, height) < least:
        raise ValueError(f"its {width}x{height} pixels are too few, {least} are needed each way")
    return height, width


def _read(picture: Encoded, shorter: int) -> Tensor:
    """A picture's bytes, [H, W, 3], upright and scaled."""
    import numpy as np
    from PIL import Image, ImageOps

    with picture.open() as opened:
        _, (height, width) = fitted((opened.height, opened.width), shorter)
        opened.draft(None, (2 * shorter, 2 * shorter))  # a JPEG of four times the size or more is decoded smaller
        upright = ImageOps.exif_transpose(opened).convert("RGB")
        if upright.size != opened.size:
            height, width = width, height
    (top, left, down, across), _ = fitted((upright.height, upright.width), shorter)
    scaled = upright.resize((width, height), Image.Resampling.LANCZOS, (left, top, left + across, top + down))
    return torch.from_numpy(np.array(scaled))


def _bytes(picture: Tensor, shorter: int) -> Tensor:
    """[3, H, W] in 0..1 as bytes [H, W, 3], scaled."""
    (top, left, height, width), size = fitted((picture.shape[-2], picture.shape[-1]), shorter)
    kept = picture.detach()[None, :, top : top + height, left : left + width].float()
    scaled = F.interpolate(kept, size, mode="bicubic", antialias=True)[0]
    return eight_bits(scaled).movedim(0, -1)


def _that_fit(sizes: Sequence[Size], limit: int) -> list[int]:
    """Indices of the pictures that are taken, with a warning where they are not all; ValueError where none fits."""
    chosen = spread([3 * prod(size) for size in sizes], limit)
    if sizes and not chosen:
        raise ValueError(f"a picture of {sizes[0][1]}x{sizes[0][0]} pixels is too large: scale pictures to fewer.")
    if len(chosen) < len(sizes):
        log.warning(
            "only %d of %d pictures are taken, evenly spread: all of them would fill more than %.1f GiB.",
            *(len(chosen), len(sizes), limit / 2**30),
        )
    return chosen


def _warn_of_enlarged(pictures: Sequence[tuple[Encoded, Size]], shorter: int) -> None:
    small = [picture.label for picture, size in pictures if min(size) < shorter]
    if small:
        log.warning(
            "%d of %d pictures have a shorter side of fewer than %d pixels and are scaled up, as %s.",
            *(len(small), len(pictures), shorter, small[0]),
        )


def _below(limits: Tensor, numbers: Tensor) -> Tensor:
    """Whole numbers below `limits` (int64), for `numbers` in 0..1; 1 itself gives the last."""
    return torch.minimum((numbers * limits).long(), limits - 1)
