"""What comes in is checked and laid out for torch, what goes out is clamped and laid back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from logging import WARNING
from typing import Any

import torch
from torch import Tensor

from ..models.networks.base import FeatureMap
from ..transfer.masks import cell_weights, resize_mask
from ..transfer.moments import check_batches
from ..transfer.temporal import STATISTICS
from . import _host

MAX_LATENT = 1e6
"""No latent is as large as this, and the square of its square is still a float32."""
MAX_PIXELS = 16384 * 16384
"""Pixels of a result that is larger than what came in."""


def picture_in(image: Tensor, name: str) -> Tensor:
    """IMAGE [B, H, W, 1, 3 or 4] -> [B, 3, H, W] where it lies: a large one travels tile by tile.

    Grey becomes RGB, transparency is dropped.
    """
    if image.dim() != 4 or image.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"'{name}' has the shape {list(image.shape)}, an image is [batch, height, width, 3]: "
            "connect an IMAGE output, or a mask through Convert Mask to Image."
        )
    if min(image.shape) == 0:
        raise ValueError(f"'{name}' holds no pixels: connect a picture of at least 1 x 1.")
    image = _in_range(image, name)
    colours = image.expand(*image.shape[:3], 3) if image.shape[-1] == 1 else image[..., :3]
    return colours.movedim(-1, 1)


def picture_on_device(image: Tensor, name: str) -> Tensor:
    """`picture_in`, float32 on the compute device."""
    return picture_in(image, name).to(_host.compute_device(), torch.float32)


def picture_out(image: Tensor) -> Tensor:
    """[B, 3, H, W] -> IMAGE [B, H, W, 3], float32 in 0..1, on the device where ComfyUI keeps pictures."""
    return image.float().clamp(0, 1).movedim(1, -1).contiguous().to(_host.result_device())


def room_for(pixels: float, advice: str) -> None:
    """ValueError where a result would have more pixels than the largest picture of Texture Noise."""
    if pixels > MAX_PIXELS:
        raise ValueError(f"this would make a picture of {pixels / 1e6:.0f} million pixels: {advice}.")


def for_each(content: Tensor, *styles: Tensor) -> Tensor:
    """One content [1, ...], once for each of several styles; any other number stays, and may not pair with them."""
    many = max(style.shape[0] for style in styles)
    return content.expand(many, *content.shape[1:]) if content.shape[0] == 1 else content


def latent_in(latent: Mapping[str, Any], name: str) -> Tensor:
    """The values of a LATENT, [B, C, h, w] or of a video [B, C, T, h, w], where they lie and as they are."""
    samples = latent.get("samples")
    if not isinstance(samples, Tensor) or samples.dim() < 3 or not samples.numel():
        raise ValueError(f"'{name}' holds no values: connect the latent of a picture.")
    if max(abs(extreme.item()) for extreme in _check_finite(samples, name)) > MAX_LATENT:
        raise ValueError(
            f"'{name}' holds values over {MAX_LATENT:g}, latents lie around 0: look at the node that made it."
        )
    return samples


def mask_in(mask: Tensor, name: str, batch: int, size: tuple[int, ...], of_style: bool = False) -> Tensor:
    """MASK [H, W] or [B, H, W] -> [1 or batch, h, w] in 0..1 where it lies, resized to a picture's `size` (h, w).

    ValueError for a mask `of_style` that selects nothing: it leaves no style to take. Any other is only remarked on.
    """
    layers = mask[None] if mask.dim() == 2 else mask
    if layers.dim() != 3 or min(layers.shape) == 0:
        raise ValueError(
            f"'{name}' has the shape {list(mask.shape)}, a mask is [batch, height, width]: connect a MASK output."
        )
    if layers.shape[0] not in (1, batch):
        raise ValueError(
            f"'{name}' holds {layers.shape[0]} masks for {batch} images: give one mask, or as many as images."
        )
    resized = resize_mask(_in_range(layers, name), (size[0], size[1]))
    if of_style and not (resized.flatten(1).amax(1) > 0).all():
        raise ValueError(f"'{name}' selects nothing of the style: paint the part to use in white, or disconnect it.")
    if not of_style and not resized.any():
        _host.say(f"'{name}' is black everywhere, so it selects nothing: paint in white where it should.", WARNING)
    return resized


def region_in(mask: Tensor | None, name: str, picture: Tensor, of_style: bool = False) -> Tensor | None:
    """`mask_in` for a picture or a latent [B, ..., H, W]; None stays None."""
    return None if mask is None else mask_in(mask, name, picture.shape[0], picture.shape[-2:], of_style)


def cells_in(mask: Tensor | None, name: str, features: FeatureMap, of_style: bool = False) -> Tensor | None:
    """`mask_in` for the picture of a feature map, as weights [1 or B, 1, h, w] of its cells; None stays None."""
    if mask is None:
        return None
    values = features.values
    return cells_of(features, mask_in(mask.to(values.device), name, values.shape[0], features.image_size, of_style))


def cells_of(features: FeatureMap, mask: Tensor) -> Tensor:
    """A mask [B, H, W] of the picture's own size as weights [B, 1, h, w] of the cells of its feature map."""
    height, width = features.values.shape[-2:]
    return cell_weights(mask, (height, width), features.space.stride)


def choice_in(value: str, choices: Sequence[str], name: str) -> str:
    """A word of a list, which may have come over a link unchecked."""
    if value not in choices:
        raise ValueError(f"'{name}' is '{value}': choose one of {', '.join(choices)}.")
    return value


def statistics_in(statistics: str) -> str:
    """What the content's statistics are taken over."""
    return choice_in(statistics, STATISTICS, "statistics")


def same_pictures(first: Tensor, second: Tensor) -> None:
    """ValueError unless two pictures [B, 3, H, W] have one size and batches that pair."""
    check_batches(first.shape[0], second.shape[0])
    if first.shape[-2:] != second.shape[-2:]:
        sizes = " and ".join(f"{image.shape[-1]} x {image.shape[-2]}" for image in (first, second))
        raise ValueError(f"these pictures are {sizes} pixels: bring both to one size first.")


def same_space(maps: Sequence[FeatureMap]) -> None:
    """ValueError unless all maps live in one space, are of one picture size, and have batches that pair."""
    first = maps[0]
    for other in maps[1:]:
        other.expect(first.space)
        check_batches(first.values.shape[0], other.values.shape[0])
        if other.image_size != first.image_size:
            sizes = " and ".join("{1} x {0}".format(*each.image_size) for each in (first, other))
            raise ValueError(
                f"these features are of pictures {sizes}: encode pictures of one size to combine them pixel by pixel."
            )


def _in_range(values: Tensor, name: str) -> Tensor:
    """`values` where all lie in 0..1, else a copy clamped to that, as everybody sees them."""
    values = values.float() if values.dtype is torch.bool else values
    least, most = _check_finite(values, name)
    return values if least >= 0 and most <= 1 else values.clamp(0, 1)


def _check_finite(values: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """The least and the greatest of `values`."""
    if not values.dtype.is_floating_point:
        raise ValueError(f"'{name}' holds {values.dtype} values, not floats: look at the node that made it.")
    # A NaN is both the least and the greatest. Asking each value would take a copy of a large picture, and more.
    least, most = torch.aminmax(values)
    if not (least.isfinite() and most.isfinite()):
        raise ValueError(f"'{name}' holds NaN or infinite values: look at the node that made it.")
    return least, most
