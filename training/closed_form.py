"""Convolutions that are found by least squares, where steps would take hours."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.layers import ReflectConv

RIDGE = 1e-8
"""Added to the squares of every input, as a share of their mean: some inputs tell the same."""
AT_ONCE = 4
"""Pictures whose patches are laid out together."""


@torch.no_grad()
def fit(layer: ReflectConv, values: Tensor, target: Tensor) -> None:
    """Give a 3x3 `layer` the weights that bring `layer(values)` [B, D, h, w] nearest to `target`."""
    size, outputs = 9 * layer.in_channels + 1, target.shape[1]
    scatter = torch.zeros(size, size, dtype=torch.float64, device=values.device)
    cross = torch.zeros(size, outputs, dtype=torch.float64, device=values.device)
    for some, wanted in zip(values.split(AT_ONCE), target.split(AT_ONCE), strict=True):
        inputs = _patches(some, layer.scale)
        scatter.addmm_(inputs.mT, inputs)
        cross.addmm_(inputs.mT, wanted.movedim(1, -1).flatten(0, 2).double())
    scatter.diagonal().add_(RIDGE * scatter.diagonal().mean())
    best = torch.linalg.solve(scatter, cross).mT.to(layer.weight)
    layer.weight.copy_(best[:, :-1].reshape(layer.weight.shape))
    layer.get_parameter("bias").copy_(best[:, -1])


def _patches(values: Tensor, scale: int) -> Tensor:
    """What the layer's weights and its bias meet at each position, [positions, 9 C + 1]."""
    upsampled = F.interpolate(values, scale_factor=scale, mode="nearest") if scale > 1 else values
    patches = F.unfold(F.pad(upsampled, (1,) * 4, mode="reflect"), 3).movedim(1, -1).flatten(0, 1)
    return F.pad(patches, (0, 1), value=1.0).double()
