"""The door of every node: what comes in is checked and laid out for torch, what goes out is clamped and laid back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..methods.statistics import STATISTICS
from ..models.networks.base import FeatureMap
from ..transfer.masks import cell_weights, resize_mask
from ..transfer.moments import check_batches
from . import _host
from ._host import KeptFeatures

FAR = 1e6
"""No latent is as large as this, and the square of its square is still a float32."""
MOST = 16384 * 16384
"""Pixels of a result that is larger than what came in."""


def picture_in(image: Tensor, name: str) -> Tensor:
    """IMAGE [B, H, W, 1, 3 or 4] -> [B, 3, H, W] on the compute device; grey becomes RGB, transparency is dropped."""
    return picture_at_rest(image, name).to(_host.compute_device(), torch.float32)


def picture_at_rest(image: Tensor, name: str) -> Tensor:
    """`picture_in`, as a view of the picture where it lies: a large one travels tile by tile."""
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


def picture_out(image: Tensor) -> Tensor:
    """[B, 3, H, W] -> IMAGE [B, H, W, 3], float32 in 0..1, on the device where ComfyUI keeps pictures."""
    return image.float().clamp(0, 1).movedim(1, -1).contiguous().to(_host.result_device())


def room_for(pixels: float, advice: str) -> None:
    """ValueError where a result would have more pixels than the largest picture of Texture Noise."""
    if pixels > MOST:
        raise ValueError(f"this would make a picture of {pixels / 1e6:.0f} million pixels: {advice}.")


def picture_painted(image: Tensor) -> Tensor:
    """[B, 3, H, W] as tiles were painted into it, in 0..1 -> IMAGE, without a copy."""
    return image.movedim(1, -1).contiguous().to(_host.result_device())


def latent_in(latent: Mapping[str, Any], name: str) -> Tensor:
    """The values of a LATENT, [B, C, h, w] or of a video [B, C, T, h, w], where they lie and as they are."""
    samples = latent.get("samples")
    if not isinstance(samples, Tensor) or samples.dim() < 3 or not samples.numel():
        raise ValueError(f"'{name}' holds no values: connect the latent of a picture.")
    if max(abs(extreme.item()) for extreme in _check_finite(samples, name)) > FAR:
        raise ValueError(f"'{name}' holds values over {FAR:g}, latents lie around 0: look at the node that made it.")
    return samples


def mask_in(mask: Tensor, name: str, batch: int, size: tuple[int, int]) -> Tensor:
    """MASK [H, W] or [B, H, W] -> [1 or batch, h, w] in 0..1 on the compute device, resized to the picture's `size`."""
    return resize_mask(_layers(mask, name, batch).to(_host.compute_device()), size)


def mask_at_rest(mask: Tensor | None, name: str, picture: Tensor) -> Tensor | None:
    """`mask_in` for a picture [B, 3, H, W], where the mask lies; None stays None."""
    if mask is None:
        return None
    return resize_mask(_layers(mask, name, picture.shape[0]), (picture.shape[-2], picture.shape[-1]))


def style_mask_at_rest(mask: Tensor | None, name: str, picture: Tensor) -> Tensor | None:
    """`mask_at_rest` for a style, where a mask that selects nothing leaves no style to take."""
    sized = mask_at_rest(mask, name, picture)
    if sized is not None:
        _check_selects(sized, name)
    return sized


def _layers(mask: Tensor, name: str, batch: int) -> Tensor:
    layers = mask[None] if mask.dim() == 2 else mask
    if layers.dim() != 3 or min(layers.shape) == 0:
        raise ValueError(
            f"'{name}' has the shape {list(mask.shape)}, a mask is [batch, height, width]: connect a MASK output."
        )
    if layers.shape[0] not in (1, batch):
        raise ValueError(
            f"'{name}' holds {layers.shape[0]} masks for {batch} images: give one mask, or as many as images."
        )
    return _in_range(layers, name)


def mask_over(features: FeatureMap, mask: Tensor | None, name: str) -> Tensor | None:
    """A mask of the picture as weights [B or 1, 1, h, w] of the cells of its feature map; None stays None."""
    if mask is None:
        return None
    return cells_of(features, mask_in(mask, name, features.values.shape[0], features.image_size))


def cells_of(features: FeatureMap, mask: Tensor) -> Tensor:
    """A mask [B, H, W] of the picture's own size as weights [B, 1, h, w] of the cells of its feature map."""
    height, width = features.values.shape[-2:]
    return cell_weights(mask, (height, width), features.space.stride)


def style_mask_over(features: FeatureMap, mask: Tensor | None, name: str) -> Tensor | None:
    """`mask_over` for a style, where a mask that selects nothing leaves no style to take."""
    weights = mask_over(features, mask, name)
    if weights is not None:
        _check_selects(weights, name)
    return weights


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


def features_in(features: KeptFeatures) -> FeatureMap:
    """The feature map of a socket, on the compute device."""
    return features.on(_host.compute_device())


def features_out(features: FeatureMap) -> tuple[KeptFeatures]:
    """A node's result, booked so that it makes room when newer ones need it."""
    return (_host.residency().keep(features),)


def same_space(maps: Sequence[FeatureMap]) -> None:
    """ValueError unless all maps live in one space, are of one picture size, and have batches that pair."""
    first = maps[0]
    for other in maps[1:]:
        other.expect(first.space)
        check_batches(first.values.shape[0], other.values.shape[0])
        if other.image_size != first.image_size:
            raise ValueError(
                f"these features are of pictures {_size(first)} and {_size(other)}: "
                "encode pictures of one size to combine them pixel by pixel."
            )


def _size(features: FeatureMap) -> str:
    height, width = features.image_size
    return f"{width} x {height}"


def _check_selects(weights: Tensor, name: str) -> None:
    if not (weights.flatten(1).amax(1) > 0).all():
        raise ValueError(f"'{name}' selects nothing of the style: paint the part to use in white, or disconnect it.")


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
