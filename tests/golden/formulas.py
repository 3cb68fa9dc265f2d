"""What the script that makes the goldens and the tests that read them share: fixed weights, thinned feature maps."""

import math
import zlib

import torch
from torch import Tensor

MASK = 0xFFFFFFFF
SHARED = {"model.0.": "model1.", "model.1.": "ins."}
"""MSG-Net's file names the encoder and CoMatch twice."""

PICTURE_GAIN = 40.0
"""MSG-Net paints in 0..255: its last layer is scaled so that with fixed weights, too, one unit is little."""


def noise(shape: tuple[int, ...], name: str) -> Tensor:
    """Float32 numbers in -1..1 that `name` decides: an integer hash of the position, the same on every machine."""
    x = (torch.arange(math.prod(shape)) + zlib.crc32(name.encode())) & MASK
    for _ in range(2):
        x = ((x ^ (x >> 16)) * 0x45D9F3B) & MASK
    return ((x ^ (x >> 16)).double() / 2**31 - 1).float().reshape(shape)


def fixed_weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A state dict of these shapes: uniform, scaled by fan-in so that signals neither die nor explode."""
    return {name: _fixed(name, tuple(shape)) for name, shape in shapes.items()}


def _fixed(name: str, shape: tuple[int, ...]) -> Tensor:
    for twin, original in SHARED.items():
        if name.startswith(twin):
            name = original + name.removeprefix(twin)
    if len(shape) == 1:
        return 0.1 * noise(shape, name)
    fan_in = math.prod(shape[1:]) if len(shape) == 4 else shape[-1]
    gain = PICTURE_GAIN if name == "model.12.conv2d.weight" else 1.0
    return gain * math.sqrt(6 / fan_in) * noise(shape, name)


def thin(features: Tensor) -> Tensor:
    """At most 16 channels and 8 rows of `features` [B, C, h, w], evenly spread, to keep goldens small."""
    channels, rows = (max(1, features.shape[1] // 16), max(1, features.shape[2] // 8))
    return features[:, ::channels, ::rows, ::rows].contiguous()
