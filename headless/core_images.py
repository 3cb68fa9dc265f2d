"""Stand-ins for ComfyUI's own nodes that cut pictures and make masks out of them."""

from typing import Any

import torch
from torch import Tensor

CHANNELS = ("red", "green", "blue", "alpha")
COMBINE = {
    "multiply": torch.mul,
    "add": torch.add,
    "subtract": torch.sub,
    "and": lambda a, b: torch.logical_and(a, b).float(),
    "or": lambda a, b: torch.logical_or(a, b).float(),
    "xor": lambda a, b: torch.logical_xor(a, b).float(),
}
Declared = dict[str, Any]


def _pixels(default: int, least: int) -> tuple[str, Declared]:
    return "INT", {"default": default, "min": least, "max": 16384, "step": 1}


def _share(default: float) -> tuple[str, Declared]:
    return "FLOAT", {"default": default, "min": 0.0, "max": 1.0, "step": 0.01}


class ImageCrop:
    """A rectangle of a picture, as much of it as lies inside."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "crop"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
        size = {"width": _pixels(512, 1), "height": _pixels(512, 1)}
        return {"required": {"image": ("IMAGE",), **size, "x": _pixels(0, 0), "y": _pixels(0, 0)}}

    def crop(self, image: Tensor, width: int, height: int, x: int, y: int) -> tuple[Tensor]:
        left, top = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
        return (image[:, top : top + height, left : left + width],)


class ImageToMask:
    """One channel of a picture as a mask."""

    RETURN_TYPES = ("MASK",)
    FUNCTION = "convert"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
        return {"required": {"image": ("IMAGE",), "channel": (list(CHANNELS),)}}

    def convert(self, image: Tensor, channel: str) -> tuple[Tensor]:
        return (image[..., CHANNELS.index(channel)],)


class SolidMask:
    """A mask of one value."""

    RETURN_TYPES = ("MASK",)
    FUNCTION = "solid"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
        return {"required": {"value": _share(1.0), "width": _pixels(512, 1), "height": _pixels(512, 1)}}

    def solid(self, value: float, width: int, height: int) -> tuple[Tensor]:
        return (torch.full((1, height, width), value),)


class ThresholdMask:
    """White where a mask is above a value, black elsewhere."""

    RETURN_TYPES = ("MASK",)
    FUNCTION = "cut"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
        return {"required": {"mask": ("MASK",), "value": _share(0.5)}}

    def cut(self, mask: Tensor, value: float) -> tuple[Tensor]:
        return ((mask > value).float(),)


class InvertMask:
    """White for black and black for white."""

    RETURN_TYPES = ("MASK",)
    FUNCTION = "invert"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
        return {"required": {"mask": ("MASK",)}}

    def invert(self, mask: Tensor) -> tuple[Tensor]:
        return (1 - mask,)


class MaskComposite:
    """One mask laid over another, as much of it as lies inside."""

    RETURN_TYPES = ("MASK",)
    FUNCTION = "combine"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
        masks = {"destination": ("MASK",), "source": ("MASK",)}
        return {"required": {**masks, "x": _pixels(0, 0), "y": _pixels(0, 0), "operation": (list(COMBINE),)}}

    def combine(self, destination: Tensor, source: Tensor, x: int, y: int, operation: str) -> tuple[Tensor]:
        result = destination.clone()
        under = result[:, y : y + source.shape[1], x : x + source.shape[2]]
        over = source[:, : under.shape[1], : under.shape[2]]
        under.copy_(COMBINE[operation](under, over).clamp(0, 1))
        return (result,)


CORE_IMAGES: dict[str, type] = {
    node.__name__: node for node in (ImageCrop, ImageToMask, SolidMask, ThresholdMask, InvertMask, MaskComposite)
}
