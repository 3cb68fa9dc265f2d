"""Random square crops of pictures that are at hand as tensors: the photographs on a socket, or the samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .crops import KEPT

STRIP = 8
"""How many times longer than wide a picture may be; a longer one, scaled up, would fill the memory."""


class GivenCrops:
    """What `Crops` is for folders; `pictures` are [3, H, W] in 0..1, of any sizes, or a batch of one size."""

    def __init__(
        self, pictures: Sequence[Tensor] | Tensor, side: int, shorter: int, generator: torch.Generator
    ) -> None:
        if not len(pictures):
            raise ValueError("there are no photographs to learn with: connect at least one.")
        self.pictures, self.side, self.shorter, self.generator = pictures, side, max(side, shorter), generator
        self._scaled = lru_cache(KEPT)(self._scale)

    def take(self, count: int) -> Tensor:
        """The next `count` crops, [count, 3, side, side] in 0..1, mirrored half of the time."""
        return torch.stack([self._crop() for _ in range(count)])

    def _crop(self) -> Tensor:
        picture = self._scaled(self._below(len(self.pictures)))
        top, left = (self._below(length - self.side + 1) for length in picture.shape[1:])
        crop = picture[:, top : top + self.side, left : left + self.side]
        return crop.flip(-1) if self._below(2) else crop

    def _scale(self, index: int) -> Tensor:
        return scaled(self.pictures[index][None], self.shorter)[0].cpu()

    def _below(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self.generator))


def scaled(picture: Tensor, shorter: int) -> Tensor:
    """[B, 3, H, W] in 0..1 with its shorter side of `shorter` pixels; of a strip, the middle."""
    least = min(picture.shape[-2:])
    for axis in (-2, -1):
        length = min(picture.shape[axis], STRIP * least)
        picture = picture.narrow(axis, (picture.shape[axis] - length) // 2, length)
    size = [max(shorter, round(length * shorter / least)) for length in picture.shape[-2:]]
    return F.interpolate(picture.float(), size=size, mode="bicubic", antialias=True).clamp(0, 1)
