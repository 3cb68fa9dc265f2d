"""Animations, read as batches of pictures as ComfyUI does."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .images import from_pillow, read_picture

MOST_PIXELS = 1 << 28
"""Of all frames together, in a file that nobody has vouched for: 3 GB as float32."""


def read_frames(path: Path, trusted: bool = True) -> tuple[Tensor, Tensor]:
    """All frames as image [B, H, W, 3] and mask [B, H, W], float32 in 0..1; a picture that stands still is one.

    GIF, WebP, APNG and the pages of a TIFF; frames of another size than the first are passed over, and the second
    picture in a photograph's file (MPO) is none. The mask is 1 where a frame is transparent. Unless `trusted`, a file
    of too many pixels is refused. FileNotFoundError or ValueError where there is no picture to read.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}")
    try:
        with Image.open(path) as picture:
            count, (width, height) = getattr(picture, "n_frames", 1), picture.size
            if count > 1 and picture.format != "MPO":
                if not trusted and count * width * height > MOST_PIXELS:
                    fault = f"{path} has {count} frames of {width}x{height}, too many for a workflow's own file"
                    raise ValueError(f"{fault}: name it on the command line, or take fewer")
                images: list[Tensor] = []
                masks: list[Tensor] = []
                for index in range(count):
                    picture.seek(index)
                    frame = ImageOps.exif_transpose(picture)
                    if images and (frame.height, frame.width) != images[0].shape[:2]:
                        continue
                    if not frame.has_transparency_data or frame.mode[0] in "IF":
                        images.append(from_pillow(frame))
                        masks.append(torch.zeros(frame.height, frame.width))
                        continue
                    whole = frame.convert("RGBA")
                    alpha = torch.from_numpy(np.asarray(whole.getchannel("A"), np.float32))
                    images.append(from_pillow(whole))
                    masks.append(1 - alpha / 255)
                return torch.stack(images), torch.stack(masks)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        pass  # which reading it as one picture says better
    except (EOFError, OSError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be read as an animation: {error}") from error
    return read_picture(path, trusted)
