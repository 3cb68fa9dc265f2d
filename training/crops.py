"""Random square crops of the pictures in some folders, for ever, from one seed."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}


class Crops:
    """An endless source of crops; where it stands is the state of `generator`, and no more.

    A picture's shorter side is first scaled to `shorter` pixels: the closer to `side`, the more of it a crop shows.
    """

    def __init__(self, folders: Sequence[Path], side: int, shorter: int, generator: torch.Generator) -> None:
        self.files = sorted(file for folder in folders for file in folder.iterdir() if file.suffix.lower() in PICTURES)
        if not self.files:
            named = ", ".join(map(str, folders))
            raise ValueError(f"there are no pictures in {named}: name a folder of photographs or paintings.")
        self.side, self.shorter, self.generator = side, max(side, shorter), generator

    def take(self, count: int) -> Tensor:
        """The next `count` crops, [count, 3, side, side] in 0..1, mirrored half of the time."""
        return torch.stack([self._crop() for _ in range(count)])

    def _crop(self) -> Tensor:
        import numpy as np
        from PIL import Image

        with Image.open(self.files[self._below(len(self.files))]) as picture:
            scale = self.shorter / min(picture.size)
            size = (max(self.side, round(picture.width * scale)), max(self.side, round(picture.height * scale)))
            left, top = self._below(size[0] - self.side + 1), self._below(size[1] - self.side + 1)
            scaled = picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        crop = np.asarray(scaled.crop((left, top, left + self.side, top + self.side)))
        pixels = torch.from_numpy(crop.copy()).movedim(-1, 0) / 255
        return pixels.flip(-1) if self._below(2) else pixels

    def _below(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self.generator))
