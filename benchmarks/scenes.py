"""The pictures that are timed, in sizes that have names."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from ..samples import load_sample

CONTENT, STYLE = "coffee", "swirling_night"
SIZES: Mapping[str, tuple[int, int]] = {
    "512": (512, 512),
    "1024": (1024, 1024),
    "1080p": (1080, 1920),
    "4K": (2160, 3840),
}
"""(H, W) in pixels."""


def scene(name: str, size: tuple[int, int]) -> Tensor:
    """The sample [1, 3, H, W], scaled until it fills `size` and cropped to its middle."""
    image = load_sample(name)
    scale = max(length / own for length, own in zip(size, image.shape[-2:], strict=True))
    larger = [max(length, round(own * scale)) for length, own in zip(size, image.shape[-2:], strict=True)]
    image = F.interpolate(image, larger, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = ((own - length) // 2 for own, length in zip(larger, size, strict=True))
    return image[..., top : top + size[0], left : left + size[1]].contiguous()
