"""What recipes minimise, on features [B, C, h, w] and their moments; all without units, so that levels compare."""

from torch import Tensor

from ..transfer.moments import Moments

TINY = 1e-8
"""Under roots: their slope at zero is infinite."""


def relative_error(values: Tensor, target: Tensor) -> Tensor:
    """|F - T|^2 / |T|^2, the mean over the batch: the content loss."""
    error = (values - target).square().sum((1, 2, 3)) / (target.square().sum((1, 2, 3)) + TINY)
    return error.mean()


def moment_distance(values: Tensor, style: Tensor) -> Tensor:
    """The distance of means and deviations, relative to the style's own: AdaIN's style loss (eq. 13) at one level.

    Departures from the paper: relative, and the distance rather than its square, so that neither a bright painting nor
    one level outweighs the rest.
    """
    own, target = Moments.of(values), Moments.of(style)
    deviations = (own.variance + TINY).sqrt(), (target.variance + TINY).sqrt()
    error = (own.mean - target.mean).square().sum(1) + (deviations[0] - deviations[1]).square().sum(1)
    size = target.mean.square().sum(1) + deviations[1].square().sum(1)
    return (error / (size + TINY) + TINY).sqrt().mean()


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels of [B, 3, H, W]."""
    return image.diff(dim=-1).abs().mean() + image.diff(dim=-2).abs().mean()
