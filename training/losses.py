"""What recipes minimise, on features [B, C, h, w] and their moments; all without units, so that levels compare.

Whatever type features come in, sums over them are float32.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..transfer.moments import Moments

TINY = 1e-8
"""Under roots: their slope at zero is infinite."""


@dataclass(frozen=True)
class LossWeights:
    """What the losses of a painted picture weigh."""

    content: float = 1.0  # features at the deepest level
    style: float = 1.0  # a level
    total_variation: float = 0.0
    taught: float = 1.0  # where there is a teacher: how far from its picture
    taught_levels: int = 3  # of the loss network, from relu1_1 on, that see that picture; two take half the time


def relative_error(values: Tensor, target: Tensor) -> Tensor:
    """|F - T|^2 / |T|^2, the mean over the batch: the content loss."""
    return _relative_squares(values, target).mean()


def relative_distance(values: Tensor, target: Tensor) -> Tensor:
    """|F - T| / |T|, the mean over the batch: unlike its square it still pulls where little is left to gain."""
    return (_relative_squares(values, target) + TINY).sqrt().mean()


def moment_distance(own: Moments, target: Moments) -> Tensor:
    """The distance of means and deviations, relative to the style's own: AdaIN's style loss (eq. 13) at one level.

    Departures from the paper: relative, and the distance rather than its square, so that neither a bright painting nor
    one level outweighs the rest.
    """
    deviations = (own.variance + TINY).sqrt(), (target.variance + TINY).sqrt()
    error = (own.mean - target.mean).square().sum(1) + (deviations[0] - deviations[1]).square().sum(1)
    size = target.mean.square().sum(1) + deviations[1].square().sum(1)
    return (error / (size + TINY) + TINY).sqrt().mean()


def gram_distance(gram: Tensor, style: Tensor) -> Tensor:
    """|G - G_s| / |G_s| of Gram matrices [B, C, C], the mean over the batch: the style loss at one level.

    Departure from the papers, which square it: squares of bright paintings and of fine levels swamp all the rest.
    """
    error = (gram - style).square().sum((1, 2)) / (style.square().sum((1, 2)) + TINY)
    return (error + TINY).sqrt().mean()


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels of [B, 3, H, W]."""
    return image.diff(dim=-1).abs().mean() + image.diff(dim=-2).abs().mean()


def _relative_squares(values: Tensor, target: Tensor) -> Tensor:
    """[B]"""
    values, target = values.float(), target.float()
    return (values - target).square().sum((1, 2, 3)) / (target.square().sum((1, 2, 3)) + TINY)
