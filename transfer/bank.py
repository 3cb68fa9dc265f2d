"""StyleBank: a style is a convolution kernel between encoder and decoder (Chen et al. 2017, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .mixing import mix


@dataclass(frozen=True)
class KernelMap:
    """A local operator over a k x k neighbourhood. Kernels add and scale, so fused styles cost no more than one."""

    weight: Tensor
    """[C, C, k, k], k odd"""
    bias: Tensor
    """[C]"""

    def __call__(self, values: Tensor) -> Tensor:
        """Convolve `values` [B, C, h, w] with reflected borders, repeated where a side is too short."""
        margin = self.weight.shape[-1] // 2
        mode = "reflect" if min(values.shape[-2:]) > margin else "replicate"
        padded = F.pad(values, (margin,) * 4, mode=mode)
        return F.conv2d(padded, self.weight.to(values), self.bias.to(values))

    def blend(self, alpha: float) -> KernelMap:
        """alpha * K + (1 - alpha) * I: strength 0 is the auto-encoder branch, a control the paper does not have."""
        return KernelMap.mix([self, self._identity()], [alpha, 1 - alpha])

    @staticmethod
    def mix(kernels: Sequence[KernelMap], weights: Sequence[float]) -> KernelMap:
        """The linear fusion of styles (section 4.3 of the paper); weights are scaled to the sum one."""
        return KernelMap(mix([k.weight for k in kernels], weights), mix([k.bias for k in kernels], weights))

    def _identity(self) -> KernelMap:
        weight = torch.zeros_like(self.weight)
        middle = weight.shape[-1] // 2
        weight[:, :, middle, middle] = torch.eye(weight.shape[0]).to(weight)
        return KernelMap(weight, torch.zeros_like(self.bias))
