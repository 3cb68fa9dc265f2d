"""The convolution of all networks here, and sequences of layers that a CPU computes in row strips."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cpu_fast import (
    in_fours,
    in_row_strips,
    reflect_pad,
    row_conv,
    row_kernels,
    shuffle_subpixels,
    subpixel_conv,
    subpixel_kernels,
    width_packed,
    width_packed_conv,
)
from .gpu_fast import bordered, convolved, fewer_kernels, large_map
from .kept import KeepingConv
from .norm import InstanceNorm

FEW_OUTPUTS = 4
"""Of a convolution: so few leave most of a CPU's vector empty."""


class ReflectConv(KeepingConv):
    """Nearest upsampling by `scale`, reflection padding, a convolution; stride 2 halves the size, rounded up.

    `scale` 2 goes with kernels of 1 and 3.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, scale: int = 1) -> None:
        if scale not in (1, 2) or (scale == 2 and kernel not in (1, 3)):
            raise ValueError(f"no upsampling by {scale} before a kernel of {kernel}: use 2 with 1 or 3.")
        super().__init__(inputs, outputs, kernel, stride)
        self.scale = scale

    def forward(self, input: Tensor, bias: bool = True) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h * scale / stride, w * scale / stride]; sides longer than kernel // 2.

        On a GPU, where nothing learns, the bias can be left out.
        """
        margin = self.kernel_size[0] // 2
        if fewer_kernels(input):
            return self.of_bordered(bordered(self, input), bias)
        if self.scale == 2 and margin:
            return shuffle_subpixels(subpixel_conv(input, self))
        else:
            padded = reflect_pad(input, margin) if margin else input
            if self.out_channels <= FEW_OUTPUTS and self.stride == (1, 1) and input.device.type == "cpu":
                output = width_packed_conv(padded, *self.folded("width", width_packed), self.kernel_size[1])
            elif in_fours(self, padded):
                output = row_conv(padded, self.folded("rows", row_kernels), self.weight, self.bias)
            else:
                output = super().forward(padded)
        return self._enlarged(output)

    def of_bordered(self, padded: Tensor, bias: bool = True) -> Tensor:
        """`forward` on a GPU, of values in their border."""
        output = self.kernel_convolved(padded, bias=bias)
        return large_map(self, output) if self.scale == 2 and self.kernel_size != (1, 1) else self._enlarged(output)

    def _enlarged(self, output: Tensor) -> Tensor:
        # A 1x1 convolution does not see its neighbours, so it comes first, on a quarter of the pixels.
        return F.interpolate(output, scale_factor=2, mode="nearest") if self.scale == 2 else output

    def kernel_convolved(self, padded: Tensor, relu: bool = False, bias: bool = True) -> Tensor:
        """The convolution of `padded` [B, inputs, H, W], which has its border; sub-pixels where it upsamples."""
        if self.scale == 2 and self.kernel_size != (1, 1):
            weight, added = self.folded("sub-pixels", subpixel_kernels)
        else:
            weight, added = self.weight, self.bias
        return convolved(self, padded, weight, added if bias else None, relu)


class Residual(nn.Sequential):
    """Two 3x3 convolutions beside the way straight on, which is all there is at first."""

    def __init__(self, channels: int) -> None:
        last = ReflectConv(channels, channels)
        super().__init__(ReflectConv(channels, channels), nn.ReLU(), last)  # files count the ReLU, too
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.get_parameter("bias"))

    def forward(self, input: Tensor) -> Tensor:
        """[B, channels, h, w] -> the same."""
        first, last = self[0], self[2]
        if fewer_kernels(input) and isinstance(first, ReflectConv) and not first.observed:
            hidden = first.kernel_convolved(bordered(first, input), relu=True)
        else:
            hidden = first(input).relu_()
        return last(hidden).add_(input)


class StripSequential(nn.Sequential):
    """`nn.Sequential`; without gradients norm, ReLU and the convolution after them share row strips on a CPU.

    On a GPU the three are one kernel of Triton, where it is there, and a convolution.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, h, w] -> what the last layer gives."""
        values, layers = input, list(self)
        in_strips = input.device.type == "cpu" and not torch.is_grad_enabled()
        fewer = fewer_kernels(values)
        while layers:
            first, second, third, fourth = [*layers[:4], None, None, None, None][:4]
            if fewer and isinstance(first, ReflectConv) and isinstance(second, InstanceNorm):
                values, layers = first(values, bias=False), layers[1:]  # which a norm would take away again
            elif fewer and isinstance(first, InstanceNorm) and isinstance(second, nn.ReLU):
                if isinstance(third, ReflectConv) and not third.observed:
                    padded, bias = first.rectified(values, third), not isinstance(fourth, InstanceNorm)
                    values, layers = third.of_bordered(padded, bias), layers[3:]
                else:
                    values, layers = first.rectified(values), layers[2:]
            elif in_strips and isinstance(first, InstanceNorm) and isinstance(third, ReflectConv):
                values, layers = _norm_relu_conv(first, third, values), layers[3:]
            else:
                values, layers = layers[0](values), layers[1:]
        return values


def _norm_relu_conv(norm: InstanceNorm, conv: ReflectConv, values: Tensor) -> Tensor:
    normalise, stride = norm.prepared(values), conv.stride[0]
    halo = -(-(conv.kernel_size[0] // 2) // stride) * stride
    peak_channels = max(conv.in_channels, conv.out_channels)
    return in_row_strips(lambda strip: conv(normalise(strip).relu_()), values, peak_channels, halo, conv.scale / stride)
