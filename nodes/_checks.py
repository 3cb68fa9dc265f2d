"""Input validation: what comes in is checked and laid out for torch, what goes out is clamped and laid back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from reprlib import repr as shortened
from typing import Any, cast

import torch
from torch import Tensor

from ..models.networks.base import FeatureMap
from ..transfer.masks import cell_weights, resize_mask
from ..transfer.moments import check_batches
from ..transfer.temporal import STATISTICS
from . import _host
from ._host import CachedFeatures, HostedNetwork

NETWORK, FEATURES = "BRUSHWORK_NETWORK", "BRUSHWORK_FEATURES"
Input = tuple[str | list[str], dict[str, Any]]
Inputs = dict[str, dict[str, Any]]
SOCKET_TYPES: dict[str, type] = {
    "IMAGE": Tensor,
    "MASK": Tensor,
    "LATENT": dict,
    "STRING": str,
    NETWORK: HostedNetwork,
    FEATURES: CachedFeatures,
}
"""The classes of what sockets carry; other types are let through."""
MAX_WORD = 200
"""Characters of a word from a list."""


def validated(declared: Inputs, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as `run` takes it; what is optional and holds nothing counts as not connected, and so does what no input
    is named after: a link that another version of the pack had a place for.

    ValueError, with the remedy, for a value of another type than INPUT_TYPES declared, and a number out of its range.
    """
    inputs = {**declared["required"], **declared.get("optional", {})}
    present = [name for name in given if name in declared["required"] or (name in inputs and given[name] is not None)]
    return {name: _validated(name, given[name], *inputs[name]) for name in present}


def _validated(name: str, value: Any, kind: str | list[str], options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if isinstance(kind, list):
        return _word(name, value)
    if kind in ("INT", "FLOAT"):
        return _number(name, value, kind, options["min"], options["max"])
    if not isinstance(value, SOCKET_TYPES.get(kind, object)):
        raise ValueError(f"'{name}' holds {_said(value)} and takes {kind}: look at the node that made it.")
    return value


def _word(name: str, value: object) -> str:
    """Any plain word: whether it is in the list is for the one who knows all the choices to say."""
    if not isinstance(value, str) or len(value) > MAX_WORD or not value.isprintable():
        raise ValueError(f"'{name}' is {_said(value)}: choose one of its list.")
    return value


def _number(name: str, value: object, kind: str, least: float, most: float) -> float:
    number, words = (int, "a whole number") if kind == "INT" else (float, "a number")
    real = cast("float", value) if isinstance(value, Real) else math.nan
    if not least <= real <= most or number(real) != real:  # NaN is not between
        raise ValueError(f"'{name}' is {_said(value)}: use {words} from {least} to {most}.")
    return number(real)


def _said(value: object) -> str:
    """A value in a message, short and on one line."""
    return shortened(value) if isinstance(value, str | Real) else f"a {type(value).__name__}"


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


def mask_in(mask: Tensor, name: str, batch: int, size: tuple[int, ...]) -> Tensor:
    """MASK [H, W] or [B, H, W] -> [1 or batch, h, w] in 0..1 where it lies, resized to a picture's `size` (h, w)."""
    layers = mask[None] if mask.dim() == 2 else mask
    if layers.dim() != 3 or min(layers.shape) == 0:
        raise ValueError(
            f"'{name}' has the shape {list(mask.shape)}, a mask is [batch, height, width]: connect a MASK output."
        )
    if layers.shape[0] not in (1, batch):
        raise ValueError(
            f"'{name}' holds {layers.shape[0]} masks for {batch} images: give one mask, or as many as images."
        )
    return resize_mask(_in_range(layers, name), (size[0], size[1]))


def region_in(mask: Tensor | None, name: str, picture: Tensor) -> Tensor | None:
    """The part of `picture` [B, ..., H, W] that a mask selects; None stays None."""
    return None if mask is None else mask_in(mask, name, picture.shape[0], picture.shape[-2:])


def style_mask_in(mask: Tensor | None, name: str, style: Tensor) -> Tensor | None:
    """`region_in` of a style, where a mask that selects nothing leaves no style to take."""
    region = region_in(mask, name, style)
    if region is not None:
        _check_selects(region, name)
    return region


def cells_in(mask: Tensor | None, name: str, features: FeatureMap, of_style: bool = False) -> Tensor | None:
    """A mask of the picture as weights [1 or B, 1, h, w] of the cells of its map, on its device; None stays None.

    `of_style` as `style_mask_in`.
    """
    if mask is None:
        return None
    values = features.values
    weights = cells_of(features, mask_in(mask.to(values.device), name, values.shape[0], features.image_size))
    if of_style:
        _check_selects(weights, name)
    return weights


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


def features_in(features: CachedFeatures) -> FeatureMap:
    """The feature map of a socket, on the compute device."""
    return features.on(_host.compute_device())


def features_out(features: FeatureMap) -> tuple[CachedFeatures]:
    """A node's result, in the cache, where it makes room when newer ones need it."""
    return (_host.feature_cache().add(features),)


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
