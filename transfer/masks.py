"""Soft regions: where in a picture an operator acts, and which pixels its statistics come from."""

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """`mask` [B, H, W] in 0..1 brought to `size` (H', W'); soft edges stay soft, all ones stay ones."""
    if tuple(mask.shape[-2:]) == tuple(size):
        return mask.float()
    resized = F.interpolate(mask[:, None].float(), size=size, mode="bilinear", antialias=True, align_corners=False)
    return resized[:, 0].clamp(0, 1)


def cell_weights(mask: Tensor, cells: tuple[int, int], stride: int) -> Tensor:
    """The share of each cell of a feature map that `mask` [B, H, W] covers, as weights [B, 1, h, w].

    H and W are the picture's, `cells` (h, w) the map's. Cells that stand over the picture's edge repeat the mask's last
    pixels, since the pools round up; a plain resize would shift the mask by up to a cell.
    """
    height, width = mask.shape[-2:]
    if stride == 1 and (height, width) == tuple(cells):
        return mask[:, None].float()
    missing = cells[0] * stride - height, cells[1] * stride - width
    padded = F.pad(mask[:, None].float(), (0, missing[1], 0, missing[0]), mode="replicate")
    return F.avg_pool2d(padded, stride)


def feather(mask: Tensor, radius: float) -> Tensor:
    """`mask` [B, H, W] with its edges softened by a Gaussian over `radius` pixels to both sides (two deviations)."""
    from kornia.filters import gaussian_blur2d

    reach = min(round(radius), min(mask.shape[-2:]) - 1)  # a reflected border is no wider than the picture
    if reach < 1:
        return mask
    kernel, sigma = 2 * reach + 1, radius / 2
    return gaussian_blur2d(mask[:, None].float(), (kernel, kernel), (sigma, sigma))[:, 0].clamp(0, 1)


def inner_feather(mask: Tensor, radius: int) -> Tensor:
    """`mask` [B, H, W] with its edges softened over 2 `radius` pixels, all of them inside: no pixel gets more than it
    had. What is too thin for that stays as it is. A pixel depends on those up to 2 `radius` away.
    """
    window = 2 * radius + 1

    def greatest(values: Tensor) -> Tensor:
        rows = F.max_pool2d(values, (window, 1), 1, (radius, 0))
        return F.max_pool2d(rows, (1, window), 1, (0, radius))

    if not mask.numel():
        return mask.float()
    values = mask[:, None].float()
    eroded = -greatest(-values)
    softened = F.avg_pool2d(eroded, window, 1, radius, count_include_pad=False)
    return torch.maximum(softened, values - greatest(eroded))[:, 0]
