"""Random square crops of the pictures in some folders, for ever, from one seed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from ..pictures.files import pictures_at
from .parallel import training_device

log = logging.getLogger(__name__)

KEPT = 1500
"""Scaled pictures kept in memory, a quarter of a megabyte each at 256 pixels: reading takes longer than cropping."""

TINY = 8
"""How many times a crop's side may be longer than a picture's shorter one; a strip scaled up more fills the memory."""


def check_side(side: int, cell: int) -> None:
    """ValueError where crops of `side` pixels do not divide into cells of `cell`, two at least."""
    if side % cell or side < 2 * cell:
        raise ValueError(
            f"crops of {side} pixels do not divide into cells of {cell}: choose a larger multiple of {cell}."
        )


class Crops:
    """An endless source of crops; where it stands is the state of `generator`, and no more.

    `folders` may name single pictures too. A picture's shorter side is first scaled to `shorter` pixels: the closer to
    `side`, the more of it a crop shows; a smaller picture is scaled up, with a warning if no crop would have fitted.
    `held_out` leaves out that many pictures, the last by name, to measure with. Pictures that cannot be read are
    skipped with a warning each; `unreadable` holds them. ValueError where there is none at all.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        side: int,
        shorter: int,
        generator: torch.Generator,
        held_out: int = 0,
        device: torch.device | None = None,
    ) -> None:
        found = sorted(file for folder in folders for file in pictures_at(folder))
        self.files = found[: max(0, len(found) - held_out)]
        if not self.files:
            named = ", ".join(map(str, folders))
            raise ValueError(f"there are no pictures in {named}: name a folder of photographs or paintings.")
        self.side, self.shorter, self.generator = side, max(side, shorter), generator
        self.device = device or training_device()
        self.unreadable: set[Path] = set()
        self._enlarged: set[Path] = set()
        self._scaled = lru_cache(KEPT)(self._read)

    def take(self, count: int) -> Tensor:
        """The next `count` crops, [count, 3, side, side] in 0..1 on the device, mirrored half of the time."""
        crops = torch.stack([self._crop() for _ in range(count)])
        return crops.to(self.device, memory_format=torch.channels_last)

    def _crop(self) -> Tensor:
        picture = self._picture()
        top, left = (self._below(length - self.side + 1) for length in picture.shape[1:])
        pixels = picture[:, top : top + self.side, left : left + self.side] / 255
        return pixels.flip(-1) if self._below(2) else pixels

    def _picture(self) -> Tensor:
        while len(self.unreadable) < len(self.files):
            file = self.files[self._below(len(self.files))]
            try:
                return self._scaled(file)
            except Exception as error:  # Pillow's decoders raise nearly anything for damaged files
                if file not in self.unreadable:
                    self.unreadable.add(file)
                    log.warning("%s cannot be read and is skipped (%d so far): %s", file, len(self.unreadable), error)
        raise ValueError(
            f"none of the {len(self.files)} pictures can be read: name a folder of whole JPEG or PNG files."
        )

    def _read(self, file: Path) -> Tensor:
        """[3, H, W] bytes, the shorter side scaled."""
        import numpy as np
        from PIL import Image

        with Image.open(file) as picture:
            self._check(file, picture.width, picture.height)
            scale = self.shorter / min(picture.size)
            size = (max(self.side, round(picture.width * scale)), max(self.side, round(picture.height * scale)))
            scaled = picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(scaled)).movedim(-1, 0)

    def _check(self, file: Path, width: int, height: int) -> None:
        """ValueError for a picture much too small, a warning for one that is a bit."""
        if min(width, height) * TINY < self.side:
            raise ValueError(f"its {width}x{height} pixels are too few for crops of {self.side}")
        if min(width, height) < self.side and file not in self._enlarged:
            self._enlarged.add(file)
            log.warning("%s has only %dx%d pixels and is scaled up for crops of %d", file, width, height, self.side)

    def _below(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self.generator))
