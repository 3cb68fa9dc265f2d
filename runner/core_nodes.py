"""Stand-ins for the core nodes of ComfyUI that our workflows use, and the list of all nodes.

Core nodes are functions here, and `_node` makes the V1 classes of them.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..media.animation import read_frames
from ..media.images import check_suffix
from .prefixes import legal
from .run import INPUT_FOLDER, SAVER, Saver, inside
from .sockets import shown

Inputs = Mapping[str, Any]  # by name, as INPUT_TYPES declares them
FOLDER = re.compile(r" ?\[(input|output|temp)\]$")
CHANNELS = ("red", "green", "blue", "alpha")
COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "multiply": torch.mul,
    "add": torch.add,
    "subtract": torch.sub,
    "and": lambda a, b: torch.logical_and(a, b).float(),
    "or": lambda a, b: torch.logical_or(a, b).float(),
    "xor": lambda a, b: torch.logical_xor(a, b).float(),
}


def all_nodes() -> dict[str, type]:
    """The node classes that run here, by id."""
    from ..nodes import NODE_CLASS_MAPPINGS

    return {**CORE_NODES, **NODE_CLASS_MAPPINGS}


def known_nodes() -> dict[str, type]:
    """With those that run in ComfyUI only, to draw and check workflows for it."""
    return {**COMFYUI_NODES, **all_nodes()}


def all_titles() -> dict[str, str]:
    """What the page calls them."""
    from ..nodes import NODE_DISPLAY_NAME_MAPPINGS

    return {**CORE_TITLES, **NODE_DISPLAY_NAME_MAPPINGS}


def _locate(image: str | Path, folder: Path) -> Path:
    """The file that a picture input means; ComfyUI may add the folder's name in brackets."""
    if isinstance(image, Path):
        return image
    name = FOLDER.sub("", image)
    path = inside(folder, name)
    return folder / name if (folder / name).exists() else path


def load_image(image: str | Path, folder: Path, upload: str = "image") -> tuple[Tensor, Tensor]:
    """A picture of the input folder, of an animation all; a `Path`, which only a caller can give, may lie anywhere."""
    return read_frames(_locate(image, folder), trusted=isinstance(image, Path))


def load_image_mask(image: str | Path, folder: Path, channel: str, upload: str = "image") -> tuple[Tensor]:
    """One channel of a picture, of an animation's first one, as a mask; of alpha, the transparent part."""
    picture, mask = load_image(image, folder)
    return ((mask if channel == "alpha" else picture[..., CHANNELS.index(channel)])[:1],)


def _picture_exists(image: str | Path | None, folder: Path) -> bool | str:
    with suppress(OSError):  # a name that is too long
        if image is None or _locate(image, folder).is_file():
            return True
    return f"there is no picture {shown(str(image))} in {folder}: put it there, or set 'image' to another"


def save_image(images: Tensor, saver: Saver, filename_prefix: str | Path = "preview") -> tuple[()]:
    """Save pictures as PNG under a prefix, or (a `Path`, which only a caller can give) as exactly that file."""
    saver.add(images, filename_prefix)
    return ()


def _can_be_saved(filename_prefix: str | Path | None, saver: Saver) -> bool:
    if isinstance(filename_prefix, Path):
        check_suffix(filename_prefix.suffix)
    elif filename_prefix is not None:
        inside(saver.folder, legal(filename_prefix))
    return True


def image_crop(image: Tensor, width: int, height: int, x: int, y: int) -> tuple[Tensor]:
    """A rectangle of a picture, as much of it as lies inside."""
    left, top = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    return (image[:, top : top + height, left : left + width],)


def image_scale(image: Tensor, upscale_method: str, width: int, height: int, crop: str) -> tuple[Tensor]:
    """A picture at another size: a side of 0 follows the other one, and "center" cuts off what the new shape lacks."""
    rows, columns = image.shape[1:3]
    if not width and not height:
        return (image,)
    width, height = width or max(1, round(columns * height / rows)), height or max(1, round(rows * width / columns))
    if crop == "center":  # by whole pixels, as many on either side
        across = round(max(0.0, columns - rows * width / height) / 2)
        down = round(max(0.0, rows - columns * height / width) / 2)
        image = image[:, down : rows - down, across : columns - across]
    if upscale_method != "lanczos":
        scaled = F.interpolate(image.movedim(-1, 1), (height, width), mode=upscale_method)
        return (scaled.movedim(1, -1),)
    from PIL import Image

    pictures = (Image.fromarray((255 * each.clamp(0, 1)).byte().numpy()) for each in image)
    scaled = [np.asarray(each.resize((width, height), Image.Resampling.LANCZOS)) for each in pictures]
    return (torch.from_numpy(np.stack(scaled)).float() / 255,)


def image_scale_by(image: Tensor, upscale_method: str, scale_by: float) -> tuple[Tensor]:
    """A picture larger or smaller by a factor."""
    rows, columns = (round(side * scale_by) for side in image.shape[1:3])
    return image_scale(image, upscale_method, columns, rows, "disabled")


def image_batch(image1: Tensor, image2: Tensor) -> tuple[Tensor]:
    """Pictures after others, scaled to the size of those."""
    if image1.shape[1:3] != image2.shape[1:3]:
        image2 = image_scale(image2, "bilinear", image1.shape[2], image1.shape[1], "center")[0]
    return (torch.cat([image1, image2]),)


def join_alpha(image: Tensor, alpha: Tensor) -> tuple[Tensor]:
    """Pictures [B, H, W, 4] that are transparent where a mask is white."""
    shown = 1 - F.interpolate(alpha[:, None], image.shape[1:3], mode="bilinear")[:, 0, :, :, None]
    count = min(len(image), len(shown))
    return (torch.cat([image[:count, ..., :3], shown[:count]], -1),)


def image_to_mask(image: Tensor, channel: str) -> tuple[Tensor]:
    """One channel of a picture as a mask."""
    return (image[..., CHANNELS.index(channel)],)


def solid_mask(value: float, width: int, height: int) -> tuple[Tensor]:
    """A mask of one value."""
    return (torch.full((1, height, width), value),)


def threshold_mask(mask: Tensor, value: float) -> tuple[Tensor]:
    """White where a mask is above a value, black elsewhere."""
    return ((mask > value).float(),)


def invert_mask(mask: Tensor) -> tuple[Tensor]:
    """White for black and black for white."""
    return (1 - mask,)


def mask_composite(destination: Tensor, source: Tensor, x: int, y: int, operation: str) -> tuple[Tensor]:
    """One mask laid over another, as much of it as lies inside."""
    result = destination.clone()
    under = result[:, y : y + source.shape[1], x : x + source.shape[2]]
    over = source[:, : under.shape[1], : under.shape[2]]
    under.copy_(COMBINE[operation](under, over).clamp(0, 1))
    return (result,)


def _node(outputs: tuple[str, ...], function: Callable[..., Any] | None, inputs: Inputs, **members: Any) -> type:  # noqa: ANN401
    """The V1 node class of a function; without one it only declares its inputs and outputs."""
    declared = {"required": inputs, "optional": members.pop("optional", {}), "hidden": members.pop("hidden", {})}
    members |= {"INPUT_TYPES": classmethod(lambda cls: declared), "RETURN_TYPES": outputs}
    if function is not None:
        members |= {"FUNCTION": "run", "run": staticmethod(function)}
    return type("CoreNode", (), members)


def _number(default: float, low: float, high: float, **options: Any) -> tuple[str, Inputs]:  # noqa: ANN401 - ComfyUI's
    kind = "INT" if isinstance(default, int) else "FLOAT"
    return kind, {"default": default, "min": low, "max": high, **options}


def _primitive(kind: str, **options: Any) -> type:  # noqa: ANN401 - as ComfyUI writes options
    """A node that hands on the value of its field."""
    return _node((kind,), lambda value: (value,), {"value": (kind, options)})


IMAGE, MASK, LATENT, MODEL, VAE = (("IMAGE",), ("MASK",), ("LATENT",), ("MODEL",), ("VAE",))
OPERATION, CONDITIONING = ("LATENT_OPERATION",), ("CONDITIONING",)
FILE = ("COMBO", {"image_upload": True})
COMBO = ("COMBO", {})  # a choice whose list only ComfyUI has: of its files, or of its samplers
SHARE: Inputs = {"min": 0.0, "max": 1.0, "step": 0.01}
SIZE = {name: _number(512, 1, 16384, step=1) for name in ("width", "height")}
PLACE = {name: _number(0, 0, 16384, step=1) for name in ("x", "y")}
LOADER: dict[str, Any] = {
    "optional": {"upload": ("STRING", {"default": "image"})},  # the page's button, in older files
    "hidden": {"folder": INPUT_FOLDER},
    "VALIDATE_INPUTS": staticmethod(_picture_exists),
}
SCALING, CROPPING = (["nearest-exact", "bilinear", "area", "bicubic", "lanczos"],), (["disabled", "center"],)
SCALED = {name: _number(512, 0, 16384, step=1) for name in ("width", "height")}
FACTOR = _number(1.0, 0.01, 8.0, step=0.01)
ALPHA_FIRST = ["alpha", "red", "green", "blue"]
SAVED: Inputs = {"images": IMAGE, "filename_prefix": ("STRING", {"default": "ComfyUI"})}
OUTPUT: dict[str, Any] = {"hidden": {"saver": SAVER}, "OUTPUT_NODE": True}
LAID_OVER: Inputs = {"destination": MASK, "source": MASK, **PLACE, "operation": (list(COMBINE),)}

CORE_NODES: dict[str, type] = {
    "LoadImage": _node(("IMAGE", "MASK"), load_image, {"image": FILE}, **LOADER),
    "LoadImageMask": _node(MASK, load_image_mask, {"image": FILE, "channel": (ALPHA_FIRST,)}, **LOADER),
    "SaveImage": _node((), save_image, SAVED, VALIDATE_INPUTS=staticmethod(_can_be_saved), **OUTPUT),
    "PreviewImage": _node((), save_image, {"images": IMAGE}, **OUTPUT),  # no page to look at: a saved picture too
    "PrimitiveInt": _primitive("INT", control_after_generate=True),
    "PrimitiveFloat": _primitive("FLOAT"),
    "PrimitiveString": _primitive("STRING"),
    "PrimitiveStringMultiline": _primitive("STRING", multiline=True),
    "PrimitiveBoolean": _primitive("BOOLEAN"),
    "ImageScale": _node(IMAGE, image_scale, {"image": IMAGE, "upscale_method": SCALING, **SCALED, "crop": CROPPING}),
    "ImageScaleBy": _node(IMAGE, image_scale_by, {"image": IMAGE, "upscale_method": SCALING, "scale_by": FACTOR}),
    "ImageBatch": _node(IMAGE, image_batch, {"image1": IMAGE, "image2": IMAGE}),
    "JoinImageWithAlpha": _node(IMAGE, join_alpha, {"image": IMAGE, "alpha": MASK}),
    "ImageCrop": _node(IMAGE, image_crop, {"image": IMAGE, **SIZE, **PLACE}),
    "ImageToMask": _node(MASK, image_to_mask, {"image": IMAGE, "channel": (list(CHANNELS),)}),
    "SolidMask": _node(MASK, solid_mask, {"value": ("FLOAT", {"default": 1.0, **SHARE}), **SIZE}),
    "ThresholdMask": _node(MASK, threshold_mask, {"mask": MASK, "value": ("FLOAT", {"default": 0.5, **SHARE})}),
    "InvertMask": _node(MASK, invert_mask, {"mask": MASK}),
    "MaskComposite": _node(MASK, mask_composite, LAID_OVER),
}
CORE_TITLES = {
    "LoadImage": "Load Image",
    "LoadImageMask": "Load Image (as Mask)",
    "SaveImage": "Save Image",
    "PreviewImage": "Preview Image",
}
LATENT_SIZE = {name: _number(512, 16, 16384) for name in ("width", "height")}
SAMPLED: Inputs = {
    "model": MODEL,
    "seed": _number(0, 0, 2**64 - 1),
    "steps": _number(20, 1, 10000),
    "cfg": _number(8.0, 0.0, 100.0),
    **dict.fromkeys(("sampler_name", "scheduler"), COMBO),
    **dict.fromkeys(("positive", "negative"), CONDITIONING),
    "latent_image": LATENT,
    "denoise": _number(1.0, 0.0, 1.0),
}
COMPONENTS: dict[str, Any] = {"RETURN_NAMES": ("images", "audio", "fps")}
CLIP: Inputs = {"images": IMAGE, "fps": _number(30.0, 1.0, 120.0, step=1.0)}
SAVED_CLIP: Inputs = {
    "video": ("VIDEO",),
    "filename_prefix": ("STRING", {"default": "video/ComfyUI"}),
    **dict.fromkeys(("format", "codec"), ("COMBO", {"default": "auto"})),
}
ADAPTED: Inputs = {"model": MODEL, "lora_name": COMBO, "strength_model": _number(1.0, -100.0, 100.0)}
COMFYUI_NODES: dict[str, type] = {
    "CheckpointLoaderSimple": _node(("MODEL", "CLIP", "VAE"), None, {"ckpt_name": COMBO}),
    "LoraLoaderModelOnly": _node(MODEL, None, ADAPTED),
    "CLIPTextEncode": _node(CONDITIONING, None, {"text": ("STRING", {"multiline": True}), "clip": ("CLIP",)}),
    "VAEEncode": _node(LATENT, None, {"pixels": IMAGE, "vae": VAE}),
    "VAEDecode": _node(IMAGE, None, {"samples": LATENT, "vae": VAE}),
    "EmptyLatentImage": _node(LATENT, None, {**LATENT_SIZE, "batch_size": _number(1, 1, 4096)}),
    "LatentApplyOperation": _node(LATENT, None, {"samples": LATENT, "operation": OPERATION}),
    "LatentApplyOperationCFG": _node(MODEL, None, {"model": MODEL, "operation": OPERATION}),
    "KSampler": _node(LATENT, None, SAMPLED),
    "LoadVideo": _node(("VIDEO",), None, {"file": COMBO}),
    "GetVideoComponents": _node(("IMAGE", "AUDIO", "FLOAT"), None, {"video": ("VIDEO",)}, **COMPONENTS),
    "CreateVideo": _node(("VIDEO",), None, CLIP, optional={"audio": ("AUDIO",)}),
    "SaveVideo": _node((), None, SAVED_CLIP, OUTPUT_NODE=True),
}
"""Those of diffusion and of videos, which run in ComfyUI only."""
