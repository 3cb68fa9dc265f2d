"""Style pictures that are taken whole, each under a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..pictures.files import pictures_at


@dataclass(frozen=True)
class Painting:
    """A picture file."""

    file: Path

    @property
    def name(self) -> str:
        """Its file's name in words: `van gogh starry night`."""
        return self.file.stem.replace("_", " ")

    def read(self, shorter: int) -> Tensor:
        """[1, 3, H, W] in 0..1, the shorter side scaled to `shorter` pixels."""
        import numpy as np
        from PIL import Image

        with Image.open(self.file) as picture:
            scale = shorter / min(picture.size)
            size = (round(picture.width * scale), round(picture.height * scale))
            scaled = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(scaled)).movedim(-1, 0)[None] / 255


def paintings_in(folders: Sequence[Path]) -> list[Painting]:
    """All pictures of some folders, by name; ValueError where there is none."""
    files = sorted(file for folder in folders for file in pictures_at(folder))
    if not files:
        raise ValueError(f"there are no pictures in {', '.join(map(str, folders))}: name a folder of paintings.")
    return [Painting(file) for file in files]
