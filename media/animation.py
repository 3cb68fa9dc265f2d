"""Animations, read as batches of pictures as ComfyUI does."""

from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from torch import Tensor

from .images import EMPTY_MASK, from_pillow, read_picture

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 1 << 28
"""Of all frames together, in a file that nobody has vouched for: 3 GB as float32."""


def read_frames(path: Path, trusted: bool = True) -> tuple[Tensor, Tensor]:
    """All frames as image [B, H, W, 3] and mask [B, H, W], float32 in 0..1; a picture that stands still is one.

    GIF, WebP, APNG and the pages of a TIFF; frames of another size than the first are passed over, and the second
    picture in a photograph's file (MPO) is none. The mask is 1 where a frame is transparent, and [B, 64, 64] zeros
    where none is. Unless `trusted`, a file of too many pixels is refused. FileNotFoundError or ValueError where there
    is no picture to read.
    """
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}")
    refusal = ""
    with catch_warnings():
        simplefilter("ignore")  # of damaged tags, say
        try:
            with Image.open(path) as picture:
                count, (width, height) = getattr(picture, "n_frames", 1), picture.size
                if count > 1 and picture.format != "MPO":
                    if trusted or count * width * height <= MOST_PIXELS:
                        return _frames(picture, count)
                    fault = f"{path} has {count} frames of {width}x{height}, too many for a file that a workflow names"
                    refusal = f"{fault}: name it on the command line, or take fewer"
        except (UnidentifiedImageError, Image.DecompressionBombError):
            pass  # to read it as one says what is wrong, or knows who has vouched for it
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise ValueError(f"{path} cannot be read as a picture: {error}") from error
        if refusal:
            raise ValueError(refusal)
        try:
            return read_picture(path, trusted)
        except (OSError, ValueError, MemoryError):
            raise
        except Exception as error:
            raise ValueError(f"{path} cannot be read as a picture: {error}") from error


def _frames(picture: "Image", count: int) -> tuple[Tensor, Tensor]:
    from PIL import ImageOps

    images: list[Tensor] = []
    masks: list[Tensor] = []
    for index in range(count):
        picture.seek(index)
        frame = ImageOps.exif_transpose(picture)
        if images and (frame.height, frame.width) != images[0].shape[:2]:
            continue
        if frame.has_transparency_data and frame.mode[0] not in "IF":
            frame = frame.convert("RGBA")
            masks.append(1 - torch.from_numpy(np.array(frame.getchannel("A"), np.float32)) / 255)
        else:
            masks.append(torch.zeros(frame.height, frame.width))
        images.append(from_pillow(frame))
    opaque = not any(mask.any() for mask in masks)
    return torch.stack(images), torch.zeros(len(images), *EMPTY_MASK[1:]) if opaque else torch.stack(masks)
