"""Stand-ins for the core nodes of ComfyUI that our workflows use, and the list of all nodes."""

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..media.images import check_suffix, read_picture
from .saving import Saver, inside

Declared = dict[str, Any]

INPUT_FOLDER = "BRUSHWORK_INPUT_FOLDER"
SAVER = "BRUSHWORK_SAVER"
MASK_CHANNELS = ("alpha", "red", "green", "blue")


class LoadImage:
    """A picture of the input folder; a `Path`, which only a caller can give, may lie anywhere."""

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {
            "required": {"image": ("COMBO", {"image_upload": True})},
            "optional": {"upload": ("STRING", {"default": "image"})},  # the page's button, in older files
            "hidden": {"folder": INPUT_FOLDER},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, image: str | Path | None, folder: Path) -> bool | str:  # noqa: N802 - ComfyUI's name
        if image is None or locate(image, folder).is_file():
            return True
        return f"there is no picture {image} in {folder}: put it there, or set 'image' to another"

    def load(self, image: str | Path, folder: Path, upload: str = "image") -> tuple[Tensor, Tensor]:
        return read_picture(locate(image, folder), isinstance(image, Path))


class LoadImageMask(LoadImage):
    """One channel of a picture as a mask; of alpha, the transparent part."""

    RETURN_TYPES = ("MASK",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        declared = super().INPUT_TYPES()
        declared["required"]["channel"] = (list(MASK_CHANNELS),)
        return declared

    def load(self, image: str | Path, folder: Path, upload: str = "image", channel: str = "alpha") -> tuple[Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        picture, mask = read_picture(locate(image, folder), isinstance(image, Path))
        return (mask if channel == "alpha" else picture[..., MASK_CHANNELS.index(channel) - 1],)


class SaveImage:
    """Save pictures as PNG under a prefix, or (a `Path`, which only a caller can give) as exactly that file."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "save"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {
            "required": {"images": ("IMAGE",), "filename_prefix": ("STRING", {"default": "ComfyUI"})},
            "hidden": {"saver": SAVER},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, filename_prefix: str | Path | None, saver: Saver) -> bool:  # noqa: N802 - ComfyUI's name
        if isinstance(filename_prefix, Path):
            check_suffix(filename_prefix.suffix)
        elif filename_prefix is not None:
            inside(saver.folder, filename_prefix)
        return True

    def save(self, images: Tensor, filename_prefix: str | Path, saver: Saver) -> dict[str, Any]:
        saver.add(images, filename_prefix)
        return {"result": ()}


class PreviewImage:
    """Without a page to look at, a preview is a saved picture too."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "save"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {"images": ("IMAGE",)}, "hidden": {"saver": SAVER}}

    def save(self, images: Tensor, saver: Saver) -> dict[str, Any]:
        saver.add(images, "preview")
        return {"result": ()}


def _primitive(kind: str, **options: Any) -> type:  # noqa: ANN401 - as ComfyUI writes options
    """A node that hands on the value of its field."""

    class Primitive:
        RETURN_TYPES = (kind,)
        FUNCTION = "execute"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
            return {"required": {"value": (kind, options)}}

        def execute(self, value: Any) -> tuple[Any]:  # noqa: ANN401 - of the declared kind
            return (value,)

    return Primitive


def locate(image: str | Path, folder: Path) -> Path:
    """The file that a picture input means; ComfyUI may add the folder's name in brackets."""
    return image if isinstance(image, Path) else inside(folder, image.removesuffix(" [input]"))


CORE_NODES: dict[str, type] = {
    "LoadImage": LoadImage,
    "LoadImageMask": LoadImageMask,
    "SaveImage": SaveImage,
    "PreviewImage": PreviewImage,
    "PrimitiveInt": _primitive("INT", control_after_generate=True),
    "PrimitiveFloat": _primitive("FLOAT"),
    "PrimitiveString": _primitive("STRING"),
    "PrimitiveStringMultiline": _primitive("STRING", multiline=True),
    "PrimitiveBoolean": _primitive("BOOLEAN"),
}
CORE_TITLES = {
    "LoadImage": "Load Image",
    "LoadImageMask": "Load Image (as Mask)",
    "SaveImage": "Save Image",
    "PreviewImage": "Preview Image",
}


CHANNELS = ("red", "green", "blue", "alpha")
COMBINE = {
    "multiply": torch.mul,
    "add": torch.add,
    "subtract": torch.sub,
    "and": lambda a, b: torch.logical_and(a, b).float(),
    "or": lambda a, b: torch.logical_or(a, b).float(),
    "xor": lambda a, b: torch.logical_xor(a, b).float(),
}


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


COMBO = ("COMBO", {})
"""A choice whose list only ComfyUI has: of its files, or of its samplers."""


def _node(outputs: tuple[str, ...], **inputs: tuple[str, Declared] | tuple[str]) -> type:
    class Elsewhere:
        RETURN_TYPES = outputs

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
            return {"required": inputs}

    return Elsewhere


def _whole(default: int, least: int, most: int) -> tuple[str, Declared]:
    return "INT", {"default": default, "min": least, "max": most}


def _number(default: float, least: float, most: float) -> tuple[str, Declared]:
    return "FLOAT", {"default": default, "min": least, "max": most}


CORE_DIFFUSION: dict[str, type] = {
    "CheckpointLoaderSimple": _node(("MODEL", "CLIP", "VAE"), ckpt_name=COMBO),
    "LoraLoaderModelOnly": _node(
        ("MODEL",), model=("MODEL",), lora_name=COMBO, strength_model=_number(1.0, -100.0, 100.0)
    ),
    "CLIPTextEncode": _node(("CONDITIONING",), text=("STRING", {"multiline": True}), clip=("CLIP",)),
    "VAEEncode": _node(("LATENT",), pixels=("IMAGE",), vae=("VAE",)),
    "VAEDecode": _node(("IMAGE",), samples=("LATENT",), vae=("VAE",)),
    "EmptyLatentImage": _node(
        ("LATENT",), width=_whole(512, 16, 16384), height=_whole(512, 16, 16384), batch_size=_whole(1, 1, 4096)
    ),
    "LatentApplyOperation": _node(("LATENT",), samples=("LATENT",), operation=("LATENT_OPERATION",)),
    "LatentApplyOperationCFG": _node(("MODEL",), model=("MODEL",), operation=("LATENT_OPERATION",)),
    "KSampler": _node(
        ("LATENT",),
        model=("MODEL",),
        seed=_whole(0, 0, 2**64 - 1),
        steps=_whole(20, 1, 10000),
        cfg=_number(8.0, 0.0, 100.0),
        sampler_name=COMBO,
        scheduler=COMBO,
        positive=("CONDITIONING",),
        negative=("CONDITIONING",),
        latent_image=("LATENT",),
        denoise=_number(1.0, 0.0, 1.0),
    ),
}


def all_nodes() -> dict[str, type]:
    from ..nodes import NODE_CLASS_MAPPINGS

    return {**CORE_NODES, **CORE_IMAGES, **NODE_CLASS_MAPPINGS}


def known_nodes() -> dict[str, type]:
    """With those that run in ComfyUI only, to draw and check workflows for it."""
    return {**CORE_DIFFUSION, **all_nodes()}


def all_titles() -> dict[str, str]:
    """What the page calls them."""
    from ..nodes import NODE_DISPLAY_NAME_MAPPINGS

    return {**CORE_TITLES, **NODE_DISPLAY_NAME_MAPPINGS}
