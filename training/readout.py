"""How much of some targets features tell: what a linear map of their channels gives."""

import torch
from torch import Tensor, nn

from .losses import TINY

MEMORY = 0.9
"""What is left of a batch's sums at the next one: the map is that of some ten batches."""
RIDGE = 1e-3
"""Added to every channel's variance, as a share of the mean variance."""


class Readout(nn.Module):
    """The linear map from `channels` to `targets`, solved for over the last batches, and what it misses.

    There is no head to learn. One batch would not do: at relu5_1 it has fewer positions than a map has weights, which
    then fits by chance what the features do not tell.
    """

    def __init__(self, channels: int, targets: int) -> None:
        super().__init__()
        size = 1 + channels + targets
        self.sums: Tensor
        self.channels = channels
        self.register_buffer("sums", torch.zeros(size, size, dtype=torch.float64))

    def forward(self, values: Tensor, target: Tensor) -> Tensor:
        """The root of the share of the variance of `target` [B, D, h, w] that is missed from `values` [B, C, h, w]."""
        x, y = (pixels.movedim(1, -1).flatten(0, 2) for pixels in (values, target))
        matrix, x_mean, y_mean = self._solved(x.detach(), y)
        wanted = y - y_mean
        missed = (wanted - (x - x_mean) @ matrix).square().sum() / (wanted.square().sum() + TINY)
        return (missed + TINY).sqrt()

    @torch.no_grad()
    def _solved(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows = torch.cat([torch.ones_like(x[:, :1]), x, y], 1)
        self.sums.mul_(MEMORY).add_(rows.mT @ rows)
        means = self.sums / self.sums[0, 0]
        mean, split = means[0, 1:], self.channels
        covariance = means[1:, 1:] - mean[:, None] * mean
        own, cross = covariance[:split, :split].clone(), covariance[:split, split:]
        own.diagonal().add_(RIDGE * own.diagonal().mean() + TINY)
        matrix = torch.linalg.solve(own, cross).to(x)
        return matrix, mean[:split].to(x), mean[split:].to(x)
