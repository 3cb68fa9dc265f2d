"""What is measured of a result beside its content and its style: how good a copy it is of neither and both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.networks.vgg import LEVELS
from ...training.loss_network import LossNetwork
from ...training.losses import POWER_FLOOR, STYLE_LEVELS, grid_peaks
from ...transfer.distance import content_distance, style_distance
from ...transfer.moments import Moments

Grams = Mapping[str, Moments]
EXACT_LEVELS = LEVELS[:3]
"""Those of the exact VGG-19, which results are measured by beside published ones."""
LUMINANCE = (0.2126, 0.7152, 0.0722)
COARSE = 8.0
"""Pixels, the deviation of the blur whose result is no detail: strokes are finer, what a photo shows is coarser."""
DIRECTIONS, QUANTILES = 64, 512
CELL, FRINGE = 3, 2
"""Pixels of a cell's side, and cells from an edge to either side of it: fringes are narrower. Chroma in JPEGs is half
as fine as the picture, which changes cells by a tenth and pixels by a third."""


@dataclass(frozen=True)
class Look:
    """What stays of one picture [1, 3, H, W] in 0..1."""

    grams: Grams
    """Moments that have the Gram matrix F F' / (h w), by level."""
    content: Tensor
    """[1, C, h, w] at the deepest level."""

    @staticmethod
    @torch.no_grad()
    def at(loss_network: LossNetwork, image: Tensor, levels: Sequence[str] = STYLE_LEVELS) -> Look:
        """A look at `image`, at levels from fine to coarse."""
        seen = loss_network(image, levels)
        return Look({level: Moments.of(values, full=True) for level, values in seen.items()}, seen[levels[-1]])


def style_error(own: Grams, style: Grams) -> float:
    """|G - G_s| / |G_s|, the relative distance of Gram matrices, the mean over the style's levels."""
    return float(torch.cat([style_distance(own[level], style[level]) for level in style]).mean())


def gram_error(own: Grams, style: Grams) -> float:
    """The squares of the same distances, the sum over the levels."""
    return float(torch.cat([style_distance(own[level], style[level]) for level in style]).square().sum())


def content_error(own: Look, photo: Look) -> float:
    """The relative squared distance of the features of two pictures of one size."""
    return float(content_distance(own.content, photo.content))


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

    loss_network: LossNetwork
    content: Tensor
    style: Tensor

    def figures(self, result: Tensor) -> Figures:
        """Those of a result [1, 3, H, W] in 0..1."""
        look = Look.at(self.loss_network, result, EXACT_LEVELS)
        return Figures(
            style=style_error(look.grams, self._grams),
            content=float((normalised(look.content) - self._detail).square().mean()),
            colour=float((quantiles(result) - self._colours).abs().mean()),
            rainbow=max(0.0, fringes(result) - self._fringes),
            grid=grid(result),
            chroma=chroma(result),
        )

    @cached_property
    def _grams(self) -> Grams:
        return Look.at(self.loss_network, self.style, EXACT_LEVELS).grams

    @cached_property
    def _detail(self) -> Tensor:
        return normalised(Look.at(self.loss_network, self.content, EXACT_LEVELS).content)

    @cached_property
    def _colours(self) -> Tensor:
        return quantiles(self.style)

    @cached_property
    def _fringes(self) -> float:
        return max(fringes(self.content), fringes(self.style))


def normalised(values: Tensor) -> Tensor:
    """Features [1, C, h, w] with each channel's mean at 0, over its deviation + 1e-3: squares of two differ by 0..2."""
    deviation, mean = torch.std_mean(values, (2, 3), keepdim=True)
    return (values - mean) / (deviation + 1e-3)


def quantiles(image: Tensor) -> Tensor:
    """[directions, quantiles] of the pixels of a picture [1, 3, H, W] along fixed random directions in RGB.

    The mean absolute difference of two pictures' is their sliced Wasserstein distance.
    """
    directions = torch.randn(3, DIRECTIONS, generator=torch.Generator().manual_seed(0))
    directions, places = directions / directions.norm(dim=0), torch.linspace(0, 1, QUANTILES)
    lines = (direction @ image[0].flatten(1) for direction in directions.T)  # one by one: 1024 pixels take 0.5 GB
    return torch.stack([line.quantile(places) for line in lines])


def fringes(image: Tensor) -> float:
    """How far colours at edges of a picture [1, 3, H, W] leave those beside the edge: of a grey picture 0.

    Chroma is RGB less luminance, both averaged over cells of `CELL` pixels. A cell's lies `FRINGE` cells to its left
    and right, or above and below it, between two others; its distance from the straight line between those is what
    neither side has. Returned is the root of the mean square over all cells and both axes, each counting as the
    luminance differs between its sides. A result's rainbow is what it has of this beyond its content and its style,
    whichever has more.
    """
    image = F.avg_pool2d(image, CELL)
    grey = luminance(image)
    energy, weight = torch.zeros(()), torch.zeros(())
    for axis in (2, 3):
        inner = image.shape[axis] - 2 * FRINGE
        dark, bright = (grey.narrow(axis, start, inner) for start in (0, 2 * FRINGE))
        before, here, after = ((image - grey).narrow(axis, start, inner) for start in (0, FRINGE, 2 * FRINGE))
        line, edge = after - before, (bright - dark).abs()
        share = ((here - before) * line).sum(1, keepdim=True) / line.square().sum(1, keepdim=True).clamp_min(1e-9)
        off_the_line = (here - before - share.clamp(0, 1) * line).square().sum(1, keepdim=True)
        energy += (edge * off_the_line).sum()
        weight += edge.sum()
    return float((energy / weight.clamp_min(1e-9)).sqrt())


def grid(image: Tensor) -> float:
    """How far luminance stands out at the strides of decoders in a picture [1, 3, H, W], in dB, the mean of them.

    A published picture was a JPEG of another size, so its grid lies elsewhere, if it had one.
    """
    return float(grid_peaks(luminance(image)).mean())


def chroma(image: Tensor) -> float:
    """The mean over the pixels of a picture [1, 3, H, W] of their largest channel less their smallest, 0..1."""
    return float((image.amax(1) - image.amin(1)).mean())


def spectral_centroid(image: Tensor) -> float:
    """Cycles a pixel around which the detail of a picture [1, 3, H, W] lies: sum f P(f) / sum P(f), 0 without detail.

    Detail is the luminance less the blurred luminance, faded out towards the borders, where a spectrum would see an
    edge; P(f) is the mean power of the ring of frequencies about f.
    """
    from kornia.filters import gaussian_blur2d

    grey = luminance(image)
    height, width = grey.shape[-2:]
    detail = grey - gaussian_blur2d(grey, 2 * int(3 * COARSE) + 1, (COARSE, COARSE), "replicate")
    rows, columns = (torch.hann_window(side, periodic=False) for side in (height, width))
    power = torch.fft.fft2(detail[0, 0] * torch.outer(rows, columns)).abs().square()
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width))
    rings = min(height, width)
    ring = (frequency * rings).round().long().flatten()
    radial = torch.bincount(ring, power.flatten()) / torch.bincount(ring).clamp_min(1)
    radial = radial[: rings // 2 + 1]  # what lies beyond is diagonal and in the corners alone
    return float((radial * torch.arange(len(radial)) / rings).sum() / radial.sum().clamp_min(POWER_FLOOR))


def luminance(image: Tensor) -> Tensor:
    """That of Rec. 709, [1, 1, H, W], of a picture [1, 3, H, W]."""
    from kornia.color import rgb_to_grayscale

    return rgb_to_grayscale(image, image.new_tensor(LUMINANCE))
