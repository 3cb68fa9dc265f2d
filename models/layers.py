"""The layer that every network here is built from."""

import torch.nn.functional as F
from torch import Tensor, nn


class ReflectConv(nn.Conv2d):
    """Nearest upsampling by `scale`, a reflected border, a convolution; stride 2 halves the size, rounded up."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, scale: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h * scale / stride, w * scale / stride]; sides longer than kernel // 2."""
        margin = self.kernel_size[0] // 2
        if self.scale > 1:
            input = F.interpolate(input, scale_factor=self.scale, mode="nearest")
        if margin:
            input = F.pad(input, (margin,) * 4, mode="reflect")
        return super().forward(input)
