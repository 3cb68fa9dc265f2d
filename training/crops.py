"""Random square crops of the pictures in some folders, for ever, from one seed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

log = logging.getLogger(__name__)

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}

KEPT = 1500
"""Scaled pictures kept in memory, a quarter of a megabyte each at 256 pixels: reading takes longer than cropping."""


class Crops:
    """An endless source of crops; where it stands is the state of `generator`, and no more.

    A picture's shorter side is first scaled to `shorter` pixels: the closer to `side`, the more of it a crop shows.
    `held_out` leaves out that many pictures, the last by name, to measure with. Pictures that cannot be read are skipped
    with a warning each; `unreadable` holds them.
    """

    def __init__(
        self, folders: Sequence[Path], side: int, shorter: int, generator: torch.Generator, held_out: int = 0
    ) -> None:
        found = sorted(file for folder in folders for file in folder.iterdir() if file.suffix.lower() in PICTURES)
        self.files = found[: len(found) - held_out]
        if not self.files:
            named = ", ".join(map(str, folders))
            raise ValueError(f"there are no pictures to train with in {named}: name a folder of photographs or paintings.")
        self.side, self.shorter, self.generator = side, max(side, shorter), generator
        self.unreadable: set[Path] = set()
        self._scaled = lru_cache(KEPT)(self._read)

    def take(self, count: int) -> Tensor:
        """The next `count` crops, [count, 3, side, side] in 0..1, mirrored half of the time."""
        return torch.stack([self._crop() for _ in range(count)])

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
            except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
                if file not in self.unreadable:
                    self.unreadable.add(file)
                    log.warning("%s cannot be read and is skipped (%d so far): %s", file, len(self.unreadable), error)
        raise ValueError(f"none of the {len(self.files)} pictures can be read: name a folder of whole JPEG or PNG files.")

    def _read(self, file: Path) -> Tensor:
        """[3, H, W] bytes, the shorter side scaled."""
        import numpy as np
        from PIL import Image

        with Image.open(file) as picture:
            scale = self.shorter / min(picture.size)
            size = (max(self.side, round(picture.width * scale)), max(self.side, round(picture.height * scale)))
            scaled = picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(scaled)).movedim(-1, 0)

    def _below(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self.generator))
