"""Animations, read as batches of pictures as ComfyUI does."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor

from .images import EMPTY_MASK, alpha_of, from_pillow, read_picture
from .profiles import coding_points

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MOST_PIXELS = 1 << 28
"""Of all frames together, in a file that nobody has vouched for: 3 GB as float32."""


def read_frames(path: Path, trusted: bool = True) -> tuple[Tensor, Tensor]:
    """All frames as image [B, H, W, 3] and mask [B, H, W], float32 in 0..1; a picture that stands still is one.

    GIF, WebP, APNG and the pages of a TIFF, as far as they can be read; frames of another size than the first are
    passed over, and the second picture in a photograph's file (MPO) is none. The mask is 1 where a frame is
    transparent, and [B, 64, 64] zeros where none is. Unless `trusted`, a file of too many pixels is refused.
    FileNotFoundError or ValueError where there is no picture to read.
    """
    from PIL import Image

    refusal, found = "", None
    with catch_warnings():
        simplefilter("ignore")  # of damaged tags, say
        try:
            with Image.open(path) as picture:
                count, (width, height) = _count(picture), picture.size
                if count > 1 and (trusted or count * width * height <= MOST_PIXELS):
                    found = _frames(picture, count, path)
                elif count > 1:
                    refusal = f"{path} has {count} frames of {width}x{height}, too many to be named by a workflow"
        except MemoryError:
            raise
        except Exception as error:  # which reading it as one picture meets again, and says better
            log.debug("%s is read as one picture: %s", path, error)
    if refusal:
        raise ValueError(f"{refusal}: name it on the command line, or take fewer")
    if found is not None:
        return found
    with catch_warnings():
        simplefilter("ignore")
        try:
            return read_picture(path, trusted)
        except (OSError, ValueError, MemoryError):
            raise
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise ValueError(f"{path} cannot be read as a picture: {error}") from error


def _count(picture: "Image") -> int:
    """The frames of an animation, 1 of a picture that stands still; of a damaged file those before the damage."""
    if picture.format == "MPO":
        return 1
    try:
        return getattr(picture, "n_frames", 1)
    except Exception:
        count = 0
        with suppress(Exception):
            while True:
                picture.seek(count)
                count += 1
        picture.seek(0)
        return count


def frame_of(picture: "Image", points: tuple[int, int] | None) -> tuple[Tensor, Tensor | None]:
    """A picture's current frame, upright and in sRGB: image [H, W, 3] and alpha [H, W] in 0..1, None without any.

    `points` are its `coding_points`, which are to be asked for before frames are read.
    """
    from PIL import ImageOps

    frame = ImageOps.exif_transpose(picture)
    frame.info["cicp"] = points
    return from_pillow(frame), alpha_of(frame)


def _frames(picture: "Image", count: int, path: Path) -> tuple[Tensor, Tensor]:
    images: list[Tensor] = []
    masks: list[Tensor] = []
    points = coding_points(picture)
    for index in range(count):
        try:
            picture.seek(index)
            image, alpha = frame_of(picture, points)
            if images and image.shape != images[0].shape:
                continue
            images.append(image)
            masks.append(torch.zeros(image.shape[:2]) if alpha is None else 1 - alpha)
        except Exception as error:
            if not images or isinstance(error, MemoryError):
                raise
            log.warning("%s is cut off or damaged after %d of %d frames: %s", path, len(images), count, error)
            break
    opaque = not any(mask.any() for mask in masks)
    return torch.stack(images), torch.zeros(len(images), *EMPTY_MASK[1:]) if opaque else torch.stack(masks)
