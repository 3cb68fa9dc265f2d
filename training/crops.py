"""Random square crops of pictures, cut on the device where they lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor

from .pictures import Pictures


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
    """A fixed number of crops, drawn once, so that what is known of one can be kept.

    The share `recoloured` of them has other colours: half of these red, green and blue in another order, and half all
    their mean, a grey.
    """

    def __init__(self, crops: Crops, count: int, seed: int, recoloured: float = 0.0) -> None:
        self.crops = crops
        generator = torch.Generator().manual_seed(seed)
        self.numbers = torch.rand(count, 4, generator=generator).to(crops.pictures.pixels.device)
        self.colours: Tensor | None = None
        if recoloured:
            same, *orders = (torch.eye(3)[list(order)] for order in permutations(range(3)))
            kinds = torch.stack([same, *orders, *[torch.full((3, 3), 1 / 3)] * len(orders)])
            other = torch.rand(count, generator=generator) < recoloured
            chosen = torch.where(other, torch.randint(1, len(kinds), (count,), generator=generator), 0)
            self.colours = kinds[chosen].to(self.numbers.device)

    def __len__(self) -> int:
        return len(self.numbers)

    def cut(self, indices: Sequence[int]) -> Tensor:
        """Those crops, [B, 3, side, side] in 0..1; the zooms take turns."""
        zooms = self.crops.zooms
        if len(zooms) == 1:
            chosen = torch.tensor(list(indices)).to(self.numbers.device, non_blocking=True)
            cut = self.crops.cut(self.numbers[chosen], zooms[0])
        else:
            cut = torch.cat([self.crops.cut(self.numbers[i : i + 1], zooms[i % len(zooms)]) for i in indices])
        if self.colours is None:
            return cut
        colours = torch.stack([self.colours[i] for i in indices])
        recoloured = torch.einsum("bij,bjhw->bihw", colours, cut)
        return recoloured.contiguous(memory_format=torch.channels_last)


def fixed_crops(seed: int, *given: tuple[Crops, int]) -> Tensor:
    """So many crops of each, one after the other, [B, 3, side, side]; the same at each call."""
    return torch.cat([CropPool(crops, count, seed).cut(range(count)) for crops, count in given])
