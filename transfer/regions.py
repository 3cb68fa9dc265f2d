"""Soft regions: where in a picture an operator acts, and which pixels its statistics come from."""

import torch.nn.functional as F
from torch import Tensor

from .mixing import blend


def fit_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """`mask` [B, H, W] in 0..1 resized to `size` (h, w), as weights [B, 1, h, w]; soft edges stay soft, all ones stay ones."""
    weights = mask[:, None].float()
    if weights.shape[-2:] == size:
        return weights
    return F.interpolate(weights, size=size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def feather(mask: Tensor, radius: float) -> Tensor:
    """`mask` [B, H, W] with its edge softened over about `radius` pixels (a Gaussian of half that deviation)."""
    from kornia.filters import gaussian_blur2d

    if radius <= 0:
        return mask
    reach = min(round(1.5 * radius), min(mask.shape[-2:]) - 1)  # reflected borders reach no further than the picture
    kernel, sigma = 2 * max(reach, 0) + 1, radius / 2
    return gaussian_blur2d(mask[:, None].float(), (kernel, kernel), (sigma, sigma))[:, 0].clamp(0, 1)


def choose(inside: Tensor, outside: Tensor, mask: Tensor) -> Tensor:
    """`inside` where `mask` [B, H, W] is 1 and `outside` where it is 0, for maps [B, C, h, w] of one size."""
    return blend(outside, inside, fit_mask(mask.to(outside.device), (outside.shape[-2], outside.shape[-1])))
