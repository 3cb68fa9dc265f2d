"""Norm, ReLU, convolution, in this order and again: a sequence that never holds what is between them whole."""

import torch
from torch import Tensor, nn

from .bands import in_bands
from .layers import ReflectConv
from .norm import InstanceNorm


class Stages(nn.Sequential):
    """`nn.Sequential`; on a CPU, without gradients, norm, ReLU and the convolution after them go in bands together."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, h, w] -> what the last layer gives."""
        values, layers = input, list(self)
        alone = input.device.type == "cpu" and not torch.is_grad_enabled()
        while layers:
            norm, _, conv = layers[:3] if len(layers) > 2 else (None, None, None)
            if alone and isinstance(norm, InstanceNorm) and isinstance(conv, ReflectConv):
                values, layers = _in_bands(norm, conv, values), layers[3:]
            else:
                values, layers = layers[0](values), layers[1:]
        return values


def _in_bands(norm: InstanceNorm, conv: ReflectConv, values: Tensor) -> Tensor:
    normalise, stride = norm.prepared(values), conv.stride[0]
    halo = -(-(conv.kernel_size[0] // 2) // stride) * stride
    widest = max(conv.in_channels, conv.out_channels)
    return in_bands(lambda band: conv(normalise(band).relu_()), values, widest, halo, conv.scale / stride)
