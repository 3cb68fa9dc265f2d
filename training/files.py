"""Pictures to learn from: read out of folders, single files and packs, with their kinds, and resized."""

from __future__ import annotations

import csv
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, partial
from math import prod
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from ..media.images import pictures_at
from .pack import PACK, Group, read_group
from .pictures import PIXEL_BYTES, READER_THREADS, Encoded, Pictures, Size, fitted, within

log = logging.getLogger(__name__)

Result = TypeVar("Result")

LARGEST_UPSCALE = 8  # an icon or a strip that is scaled up more fills the memory with nothing
RAREST_KIND = 200  # fewer than one in so many pictures of a list are 'other': they would come too often
DATED = re.compile(
    r"[\s,]*(\(|\b((c\.|ca\.?|circa|after|before|late|early|(first|second) half of)\s*)*"
    r"(\d{3,4}|(\d+(st|nd|rd|th)|[ivx]+) century)|\bdate unknown).*"
)
"""The end of a kind, from its date, its century or a remark in brackets on."""


def read_pictures(
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
        taken = [measured[index] for index in within([fitted(size, resize)[1] for _, size in measured], limit)]
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


def _found(places: Sequence[Path], resize: int, group: Group) -> list[Encoded]:
    """All pictures by path; those of a pack in its own order."""
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
