"""What one loss network says of pictures: how far from a painting, how far from the photo, how fine the strokes."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.networks.vgg import ADAIN_LEVEL as CONTENT_LEVEL
from ...training.loss_network import LossNetwork
from ...training.losses import STYLE_LEVELS
from ...transfer.distance import content_distance, style_distance
from ...transfer.moments import Moments

Grams = Mapping[str, Moments]
LUMINANCE = (0.2126, 0.7152, 0.0722)
COARSE = 8.0
"""Pixels, the deviation of the blur whose result is no detail: strokes are finer, what a photo shows is coarser."""

ROUNDING = 1e-6
"""Power below the rounding of pixels to eight bits."""


@dataclass(frozen=True)
class Look:
    """What stays of one picture [1, 3, H, W]."""

    grams: Grams
    content: Tensor
    """[1, C, h, w]"""

    @staticmethod
    @torch.no_grad()
    def at(loss_network: LossNetwork, image: Tensor) -> "Look":
        """A look at `image` in 0..1."""
        seen = loss_network(image, STYLE_LEVELS)
        return Look({level: Moments.of(values, full=True) for level, values in seen.items()}, seen[CONTENT_LEVEL])


def style_error(own: Grams, painting: Grams) -> float:
    """The relative distance of Gram matrices, the mean over the levels."""
    return float(_distances(own, painting).mean())


def gram_error(own: Grams, painting: Grams) -> float:
    """The squared relative distances of Gram matrices, the sum over the levels."""
    return float(_distances(own, painting).square().sum())


def content_error(own: Look, photo: Look) -> float:
    """The relative squared distance of two pictures of one size at relu4_1."""
    return float(content_distance(own.content, photo.content))


def spectral_centroid(image: Tensor) -> float:
    """Cycles a pixel around which the detail of a picture [1, 3, H, W] lies: sum f P(f) / sum P(f), 0 without detail.

    Detail is the luminance less the blurred luminance, faded out towards the borders, where a spectrum would see an
    edge; P(f) is the mean power of the ring of frequencies about f.
    """
    grey = (image * image.new_tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True)
    height, width = grey.shape[-2:]
    rows, columns = (torch.hann_window(side, periodic=False) for side in (height, width))
    power = torch.fft.fft2((grey - _blurred(grey))[0, 0] * torch.outer(rows, columns)).abs().square()
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width))
    rings = min(height, width)
    ring = (frequency * rings).round().long().flatten()
    radial = torch.bincount(ring, power.flatten()) / torch.bincount(ring).clamp_min(1)
    radial = radial[: rings // 2 + 1]  # what lies beyond is diagonal and in the corners alone
    return float((radial * torch.arange(len(radial)) / rings).sum() / radial.sum().clamp_min(ROUNDING))


def _distances(own: Grams, painting: Grams) -> Tensor:
    return torch.cat([style_distance(own[level], painting[level]) for level in painting])


def _blurred(grey: Tensor) -> Tensor:
    """[1, 1, H, W] under a Gaussian of deviation `COARSE`."""
    reach = int(3 * COARSE)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / COARSE) ** 2)
    weights = weights / weights.sum()
    padded = F.pad(grey, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
