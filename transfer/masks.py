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


def fill_hidden(image: Tensor, alpha: Tensor) -> Tensor:
    """`image` [B, 3, H, W] with other colours where `alpha` [B, H, W] is 0: those of the nearest pixels that show.

    What an editor leaves under transparent pixels would else reach what shows through every convolution. Pixels that
    show stay as they are; where none does, all is black.
    """

    def filled(colours: Tensor, weights: Tensor) -> Tensor:
        """Colours times weights, and weights, of pixels twice as large in each call."""
        own = colours / weights.clamp(min=torch.finfo(weights.dtype).tiny)
        if weights.min() > 0 or max(weights.shape[-2:]) == 1:
            return own
        coarser = (F.avg_pool2d(each, 2, ceil_mode=True, count_include_pad=False) for each in (colours, weights))
        around = F.interpolate(filled(*coarser), size=weights.shape[-2:], mode="bilinear", align_corners=False)
        return torch.where(weights > 0, own, around)

    weights = alpha[:, None].float()
    return torch.where(weights > 0, image, filled(image * weights, weights))
