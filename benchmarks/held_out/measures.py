"""What is measured of a result beside its content and its style: how good a copy it is of neither and both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.networks.base import StyleNetwork
from ...models.networks.vgg import LEVELS
from ...transfer.distance import style_distance
from ...transfer.moments import Moments

EYE = "vgg19-relu3_1"
"""The network that looks, in the manifest: VGG-19, normalised and exact."""
STYLE_LEVELS, CONTENT_LEVEL = LEVELS[:3], LEVELS[2]
DIRECTIONS, QUANTILES = 64, 512
LUMINANCE = (0.2126, 0.7152, 0.0722)
CELL, FRINGE = 3, 2
"""Pixels of a cell's side, and cells from an edge to either side of it: fringes are narrower. Chroma in JPEGs is half
as fine as the picture, which changes cells by a tenth and pixels by a third."""
STRIDES = (2, 4, 8)
"""Pixels between the cells that decoders upsample from."""
POWER_FLOOR = 1e-6
"""Under what the rounding of pixels to eight bits leaves in a spectrum."""


@dataclass(frozen=True)
class Figures:
    """Of one result; the lower, the better, but for chroma, which is the style's to say."""

    style: float
    content: float
    colour: float
    rainbow: float
    grid: float
    """dB"""
    chroma: float


@dataclass(frozen=True)
class Beside:
    """A content [1, 3, H, W] and a style [1, 3, h, w] in 0..1, for results to be measured beside them."""

    eye: StyleNetwork
    content: Tensor
    style: Tensor

    def figures(self, result: Tensor) -> Figures:
        """Those of a result [1, 3, H, W] in 0..1."""
        seen = features(self.eye, result)
        return Figures(
            style=gram_distance(moments(seen), self._grams),
            content=float((normalised(seen[CONTENT_LEVEL]) - self._detail).square().mean()),
            colour=float((quantiles(result) - self._colours).abs().mean()),
            rainbow=max(0.0, fringes(result) - self._fringes),
            grid=grid(result),
            chroma=chroma(result),
        )

    @cached_property
    def _grams(self) -> dict[str, Moments]:
        return moments(features(self.eye, self.style))

    @cached_property
    def _detail(self) -> Tensor:
        return normalised(features(self.eye, self.content)[CONTENT_LEVEL])

    @cached_property
    def _colours(self) -> Tensor:
        return quantiles(self.style)

    @cached_property
    def _fringes(self) -> float:
        return max(fringes(self.content), fringes(self.style))


def features(eye: StyleNetwork, image: Tensor) -> dict[str, Tensor]:
    """What the eye sees in a picture [1, 3, H, W]: [1, C, h, w] a level, in float32."""
    return {level: seen.values for level, seen in eye.encode_levels(image, STYLE_LEVELS).items()}


def moments(seen: Mapping[str, Tensor]) -> dict[str, Moments]:
    """Those that have the Gram matrix."""
    return {level: Moments.of(values, full=True) for level, values in seen.items()}


def gram_distance(own: Mapping[str, Moments], style: Mapping[str, Moments]) -> float:
    """|G - G_s| / |G_s| of the Gram matrices F F' / (h w), the mean over the style's levels."""
    return float(torch.cat([style_distance(own[level], style[level]) for level in style]).mean())


def normalised(values: Tensor) -> Tensor:
    """Features [1, C, h, w] with each channel's mean at 0, over its deviation + 1e-3: squares of two differ by 0..2."""
    deviation, mean = torch.std_mean(values, (2, 3), keepdim=True)
    return (values - mean) / (deviation + 1e-3)


def quantiles(image: Tensor) -> Tensor:
    """[directions, quantiles] of the pixels of a picture [1, 3, H, W] along fixed random directions in RGB.

    The mean absolute difference of two pictures' is their sliced Wasserstein distance.
    """
    directions = torch.randn(3, DIRECTIONS, generator=torch.Generator().manual_seed(0))
    directions = directions / directions.norm(dim=0)
    places = torch.linspace(0, 1, QUANTILES)
    lines = (direction @ image[0].flatten(1) for direction in directions.T)  # one by one: 1024 pixels take 0.5 GB
    return torch.stack([_at(line.sort().values, places) for line in lines])


def fringes(image: Tensor) -> float:
    """How far colours at edges of a picture [1, 3, H, W] leave those beside the edge: of a grey picture 0.

    Chroma is RGB less luminance, both averaged over cells of `CELL` pixels. A cell's lies `FRINGE` cells to its left
    and right, or above and below it, between two others; its distance from the straight line between those is what
    neither side has. Returned is the root of the mean square over all cells and both axes, each counting as the
    luminance differs between its sides. A result's rainbow is what it has of this beyond its content and its style,
    whichever has more.
    """
    image = F.avg_pool2d(image, CELL)
    grey = _luminance(image)
    colour = image - grey
    energy, weight = torch.zeros(()), torch.zeros(())
    for axis in (2, 3):
        before, here, after = _sides(colour, axis)
        dark, _, bright = _sides(grey, axis)
        edge = (bright - dark).abs()
        energy += (edge * _off_the_line(before, here, after)).sum()
        weight += edge.sum()
    return float((energy / weight.clamp_min(1e-9)).sqrt())


def grid(image: Tensor) -> float:
    """How far luminance stands out at the periods `STRIDES` in a picture [1, 3, H, W], sides of 64 at least, in dB.

    Along rows, then columns: power spectra of all lines under a Hann window, their mean, and its level at a period
    above the mean level (in dB) of the frequencies near it; what is below counts as 0. Returned is the mean over
    periods and both axes. A published picture was a JPEG of another size, so its grid lies elsewhere, if it had one.
    """
    grey = _luminance(image)[0, 0]
    heights = [height for lines in (grey, grey.T) for height in _peaks(lines)]
    return float(torch.stack(heights).clamp_min(0).mean())


def chroma(image: Tensor) -> float:
    """The mean over the pixels of a picture [1, 3, H, W] of their largest channel less their smallest, 0..1."""
    return float((image.amax(1) - image.amin(1)).mean())


def made_grey(image: Tensor) -> Tensor:
    """A picture [1, 3, H, W] with its luminance in all channels."""
    return _luminance(image).expand_as(image)


def _luminance(image: Tensor) -> Tensor:
    return (image * image.new_tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True)


def _at(line: Tensor, places: Tensor) -> Tensor:
    """Values of a sorted line [N] at places in 0..1, linearly between its own."""
    position = places * (len(line) - 1)
    below = position.long()
    above = (below + 1).clamp_max(len(line) - 1)
    return torch.lerp(line[below], line[above], position - below)


def _sides(values: Tensor, axis: int) -> list[Tensor]:
    """Each cell's neighbour before it, itself, and the one after it, where both are in the picture."""
    inner = values.shape[axis] - 2 * FRINGE
    return [values.narrow(axis, start, inner) for start in (0, FRINGE, 2 * FRINGE)]


def _off_the_line(before: Tensor, here: Tensor, after: Tensor) -> Tensor:
    """The squared distance [1, 1, h, w] of colours from the straight lines between two others, all [1, 3, h, w]."""
    line = after - before
    share = ((here - before) * line).sum(1, keepdim=True) / line.square().sum(1, keepdim=True).clamp_min(1e-9)
    return (here - before - share.clamp(0, 1) * line).square().sum(1, keepdim=True)


def _peaks(lines: Tensor) -> list[Tensor]:
    """Of lines [n, N]: dB at each period of `STRIDES` above the frequencies near it."""
    length = lines.shape[1] // STRIDES[-1] * STRIDES[-1]  # so that each period has a frequency of its own
    lines = lines[:, :length]
    power = torch.fft.fft((lines - lines.mean(1, keepdim=True)) * torch.hann_window(length)).abs().square().mean(0)
    level = 10 * power.clamp_min(POWER_FLOOR).log10()
    near = torch.arange(2, max(5, length // 32))  # from 2 on, as the window spreads a line over three frequencies
    places = [length // stride for stride in STRIDES]
    return [level[place] - level[torch.cat([place - near, place + near]) % length].mean() for place in places]
