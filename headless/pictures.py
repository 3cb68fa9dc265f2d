"""Picture files to tensors and back."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..pictures.files import READABLE, pictures_at, write_whole

if TYPE_CHECKING:
    from PIL import Image

# What Pillow calls each format, and how to save it: as exact as the format allows at a sensible size.
FORMATS = {
    ".png": ("PNG", {"compress_level": 4}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
}
EMPTY_MASK = (1, 64, 64)  # ComfyUI's answer where a picture has no alpha


def read_picture(path: Path) -> tuple[Tensor, Tensor]:
    """The picture upright, as image [1,H,W,3] and mask [1,H,W], float32 in 0..1.

    The mask is 1 where the picture is transparent; a picture without alpha has a mask of 64x64 zeros. The colours
    under transparent pixels are kept. Of an animation the first frame is read.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}")
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            picture.load()
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not a picture of a known format: convert it to PNG") from error
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}") from error
    values = _pixels(picture)
    image = torch.from_numpy(values[None, ..., :3].copy())
    has_alpha = values.shape[-1] == 4
    return image, torch.from_numpy(1 - values[None, ..., 3]) if has_alpha else torch.zeros(EMPTY_MASK)


def encode_picture(image: Tensor, suffix: str) -> bytes:
    """The file of an image [H,W,3] in 0..1 (values outside are clipped), rounded to eight bits."""
    from PIL import Image

    check_suffix(suffix)
    if image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"a picture to save has the shape [height, width, 3], not {list(image.shape)}")
    if not image.isfinite().all():
        raise ValueError("a picture to save has pixels that are not finite: look at the node that made it")
    values = image.detach().float().clamp(0, 1).mul(255).round().to("cpu", torch.uint8).numpy()
    kind, options = FORMATS[suffix.lower()]
    file = io.BytesIO()
    try:
        Image.fromarray(values).save(file, kind, **options)
    except (OSError, ValueError) as error:
        height, width = values.shape[:2]
        raise ValueError(f"a picture of {width}x{height} cannot be saved as {kind}: {error}") from error
    return file.getvalue()


def eight_bits(values: Tensor) -> np.ndarray:
    """Values in 0..1 (those outside are clipped) rounded to eight bits, contiguous."""
    return values.detach().float().clamp(0, 1).mul_(255).round_().to("cpu", torch.uint8).contiguous().numpy()


def write_picture(path: Path, image: Tensor) -> None:
    """Save an image [H,W,3] in the format that the name ends in; the name appears when the file is complete."""
    write_whole(path, encode_picture(image, path.suffix))


def check_suffix(suffix: str) -> None:
    if suffix.lower() not in FORMATS:
        raise ValueError(f"a picture cannot be saved as '{suffix}': end the name in one of {', '.join(FORMATS)}")


def pictures_in(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in the order of their names."""
    found = pictures_at(folder)
    if not found:
        raise FileNotFoundError(f"there is no picture in {folder}: put some in, ending in one of {', '.join(READABLE)}")
    return found


def distinct_stems(paths: list[Path]) -> list[str]:
    """A name for each file: its stem, and its suffix too (`a_jpg`) where two files have the same stem."""
    stems = [path.stem.lower() for path in paths]
    return [path.stem if stems.count(path.stem.lower()) == 1 else path.name.replace(".", "_") for path in paths]


def _pixels(picture: "Image.Image") -> np.ndarray:
    """The values [H,W,3 or 4] of a picture of any mode, float32 in 0..1."""
    if picture.mode.startswith("I"):  # 16 bits a pixel, under several names
        grey = np.asarray(picture).astype(np.float32) / 65535
        return np.repeat(grey.clip(0, 1)[..., None], 3, axis=-1)
    if picture.mode == "F":
        return np.repeat(np.asarray(picture, np.float32).clip(0, 1)[..., None], 3, axis=-1)
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return np.asarray(picture.convert(mode)).astype(np.float32) / 255
