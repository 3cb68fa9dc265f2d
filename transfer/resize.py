"""Pictures larger and smaller, the size of strokes by that of the style, and where texture synthesis starts."""

import torch
import torch.nn.functional as F
from torch import Tensor


def texture_noise(height: int, width: int, seed: int) -> Tensor:
    """Uniform noise [1, 3, height, width] in 0..1, from the CPU's generator: the same for one seed on every machine."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def scale_strokes(style: Tensor, scale: float) -> Tensor:
    """`style` [B, 3, H, W] resized by `scale`: a larger style gives larger strokes. No side goes under 1 pixel."""
    size = [max(1, round(side * scale)) for side in style.shape[-2:]]
    resized = F.interpolate(style.float(), size=size, mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp(0, 1)


def to_longer_side(image: Tensor, side: int, shrink: bool = False) -> Tensor:
    """`image` [B, 3, H, W] resized to a longer side of `side` pixels; with `shrink` never enlarged."""
    scale = side / max(image.shape[-2:])
    return image if scale == 1 or (shrink and scale > 1) else scale_strokes(image, scale)
