"""Where texture synthesis starts, and how large the style's strokes are."""

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
