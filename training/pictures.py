"""Pictures as bytes in one tensor on a device.

A training step waits for no file and no other device: whatever it learns from was read, scaled and moved before.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..media.images import eight_bits

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

Size = tuple[int, int]  # height and width in pixels

PIXEL_BYTES = 3 * 2**30  # of all pictures by default: some 10,000 photographs of 256 pixels, beside a network on a card
LARGEST_ASPECT = 8  # length over width; of a longer picture the middle is taken
READER_THREADS = min(8, os.cpu_count() or 1)  # Pillow works outside of Python's lock; each may hold a whole photograph


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
    def from_tensors(pictures: Sequence[Tensor] | Tensor, resize: int, *, limit: int = PIXEL_BYTES) -> Pictures:
        """Pictures at hand, [3, H, W] in 0..1 each or a batch, resized as files are; on the device of the first.

        Of more than fit `limit` bytes some are taken, evenly spread. ValueError where there is none.
        """
        if not len(pictures):
            raise ValueError("there are no pictures to learn with: connect at least one.")
        planned = [fitted((each.shape[-2], each.shape[-1]), resize) for each in pictures]
        chosen = within([size for _, size in planned], limit)
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


def within(sizes: Sequence[Size], limit: int) -> list[int]:
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
