"""Keeping the content's colours: by luminance, or by matching colour statistics (Gatys et al. 2016, 1606.05897)."""

import torch
from torch import Tensor

from .moments import Moments
from .operators import blend
from .wct import TRANSPORT, wct

PIXEL_FLOOR = 1e-7
"""Smallest variance of a colour direction that is stretched, for pixels in 0..1: about a tenth of an 8-bit step."""


def keep_luminance(stylised: Tensor, content: Tensor) -> Tensor:
    """The lightness of `stylised` with the hue and chroma of `content`, both [B, 3, H, W] in 0..1, in CIE L*a*b*."""
    from kornia.color import lab_to_rgb, rgb_to_lab

    lightness, chroma = rgb_to_lab(stylised)[:, :1], rgb_to_lab(content)[:, 1:]
    return lab_to_rgb(torch.cat([lightness, chroma.expand(lightness.shape[0], -1, -1, -1)], 1))


def match_colours(
    image: Tensor, reference: Tensor, image_mask: Tensor | None = None, reference_mask: Tensor | None = None
) -> Tensor:
    """`image` [B, 3, H, W] with the mean colour and colour covariance of `reference` [B or 1, 3, h, w].

    A mask [1 or B, H, W] in 0..1 tells how much each pixel counts. Statistics are divided by the number of pixels. Five
    well-known ports forget to, which scales the contrast by the root of the ratio of the picture sizes. The result is
    not clamped.
    """
    own, target = (
        Moments.of(values, None if mask is None else mask[:, None], full=True)
        for values, mask in ((image, image_mask), (reference, reference_mask))
    )
    return wct(own, target, TRANSPORT, PIXEL_FLOOR)(image)


def keep_colours(
    stylised: Tensor, content: Tensor, by_pixel: bool, region: Tensor | None = None, counted: Tensor | None = None
) -> Tensor:
    """`stylised` with the colours of `content`, both [B, 3, H, W] in 0..1: of each pixel by its luminance, or matched.

    Where a `region` [1 or B, H, W] in 0..1 is given, colours are matched within it and nothing changes where it is 0;
    pixels that are not `counted` [1 or B, H, W] are of no weight for the match. The result is clamped.
    """
    if by_pixel:
        kept = keep_luminance(stylised, content)
    else:
        seen = counted if region is None else region if counted is None else region * counted
        kept = match_colours(stylised, content, seen, seen)
    kept = kept.clamp(0, 1)
    return kept if region is None else blend(stylised, kept, region[:, None])
