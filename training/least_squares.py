"""Linear maps and convolutions that are found by least squares, where steps would take hours."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.networks.layers import ReflectConv
from .losses import EPSILON, relative_distance

PROBE_DECAY = 0.9  # what is left of a batch's sums at the next one: a probe's map is that of some ten batches
PROBE_RIDGE = 1e-3  # added to every channel's variance, as a share of the mean variance
CONVOLUTION_RIDGE = 1e-8  # added to the squares of every input, as a share of their mean: some inputs tell the same
PICTURES_AT_ONCE = 4  # whose patches are laid out together


class LinearProbe(nn.Module):
    """The linear map from `channels` to `targets`, solved for over the last batches, and what it misses.

    There is no map to learn. One batch would not do: at relu5_1 it has fewer positions than a map has weights, which
    then fits by chance what the features do not tell.
    """

    def __init__(self, channels: int, targets: int) -> None:
        super().__init__()
        size, self.channels = 1 + channels + targets, channels
        self.sums: Tensor
        self.matrix: Tensor
        self.register_buffer("sums", torch.zeros(size, size, dtype=torch.float64))
        self.register_buffer("matrix", torch.zeros(channels, targets))

    def forward(self, values: Tensor, target: Tensor, refresh: bool = True) -> Tensor:
        """The root of the share of the variance of `target` [B, D, h, w] that is missed from `values` [B, C, h, w].

        The map is solved for again where `refresh` says so; the sums take in every batch.
        """
        x, y = (pixels.movedim(1, -1).flatten(0, 2).float() for pixels in (values, target))
        with torch.autocast(x.device.type, enabled=False):
            with torch.no_grad():
                rows = torch.cat([torch.ones_like(x[:, :1]), x, y], 1)
                self.sums.mul_(PROBE_DECAY).add_(rows.mT @ rows)
                means = self.sums / self.sums[0, 0]
                mean, split = means[0, 1:], self.channels
                if refresh:
                    covariance = means[1:, 1:] - mean[:, None] * mean
                    own, cross = covariance[:split, :split].clone(), covariance[:split, split:]
                    own.diagonal().add_(PROBE_RIDGE * own.diagonal().mean() + EPSILON)
                    self.matrix.copy_(torch.linalg.solve_ex(own, cross).result)  # unlike `solve` it waits for no device
            mapped = (x - mean[:split].to(x)) @ self.matrix.clone()
            missed = y - mean[split:].to(x)
        return relative_distance(mapped[None, None], missed[None, None])


def best_map(values: Tensor, target: Tensor, ridge: float = 1e-4) -> tuple[Tensor, Tensor]:
    """The matrix [D, C] and the offset [D] that bring `values` [B, C, h, w] nearest to `target` [B, D, h, w]."""
    x, y = (pixels.movedim(1, -1).flatten(0, 2).double() for pixels in (values, target))
    centred = x - x.mean(0)
    scatter = centred.mT @ centred
    damped = scatter + (ridge * scatter.diagonal().mean() + EPSILON) * torch.eye(len(scatter)).to(scatter)
    matrix = torch.linalg.solve(damped, centred.mT @ (y - y.mean(0))).mT
    return matrix.float(), (y.mean(0) - matrix @ x.mean(0)).float()


@torch.no_grad()
def fit_convolution(layer: ReflectConv, values: Tensor, target: Tensor) -> None:
    """Give a 3x3 `layer` the weights that bring `layer(values)` [B, D, h, w] nearest to `target`."""
    size, outputs = 9 * layer.in_channels + 1, target.shape[1]
    scatter = torch.zeros(size, size, dtype=torch.float64, device=values.device)
    cross = torch.zeros(size, outputs, dtype=torch.float64, device=values.device)
    for some, wanted in zip(values.split(PICTURES_AT_ONCE), target.split(PICTURES_AT_ONCE), strict=True):
        upsampled = F.interpolate(some, scale_factor=layer.scale, mode="nearest") if layer.scale > 1 else some
        patches = F.unfold(F.pad(upsampled, (1,) * 4, mode="reflect"), 3).movedim(1, -1).flatten(0, 1)
        inputs = F.pad(patches, (0, 1), value=1.0).double()  # what weights and bias meet at each position
        scatter.addmm_(inputs.mT, inputs)
        cross.addmm_(inputs.mT, wanted.movedim(1, -1).flatten(0, 2).double())
    scatter.diagonal().add_(CONVOLUTION_RIDGE * scatter.diagonal().mean())
    best = torch.linalg.solve(scatter, cross).mT.to(layer.weight)
    layer.weight.copy_(best[:, :-1].reshape(layer.weight.shape))
    layer.get_parameter("bias").copy_(best[:, -1])
