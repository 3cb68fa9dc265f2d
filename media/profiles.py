"""Colour profiles: pictures of any colour space as sRGB, which networks were trained on and browsers show."""

import io
import logging
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""What Pillow calls the colours of a profile."""
LEVEL = 1
"""Of 255: a profile that changes no colour by more is sRGB under another name, and pictures stay as they are."""


@cache
def srgb_profile() -> bytes:
    """The file of the profile sRGB, to be embedded."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def srgb_conversion(picture: "Image") -> "Callable[[Image], Image] | None":
    """How a part of `picture`, of any mode, becomes RGB by the profile that it carries; None where it is sRGB.

    The rendering is the one that the profile asks for. A profile that is damaged, or of other colours than the picture
    has, is left aside as browsers do it; the damaged one with a warning.
    """
    from PIL import ImageCms

    lab = picture.mode == "LAB"
    embedded: bytes | None = picture.info.get("icc_profile")
    if not (embedded or lab):
        return None
    try:
        profile = ImageCms.createProfile("LAB") if lab else io.BytesIO(embedded or b"")
        source = ImageCms.ImageCmsProfile(profile)
        space: str = source.profile.xcolor_space  # pyright: ignore[reportAttributeAccessIssue] - Pillow's own class
        mode = MODES.get(space.strip())
        colourful = picture.mode not in ("1", "L", "LA", "La") and picture.mode[0] not in "IF"
        special = ("CMYK", "LAB")
        if mode is None or (mode == "L" and colourful) or (mode != picture.mode and {mode, picture.mode} & {*special}):
            return None
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
        # What makes others quick takes a steep curve of greys for a few straight lines.
        flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", intent, flags)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        log.warning("The colour profile of a picture is damaged and left aside: %s", error)
        return None

    def convert(part: "Image") -> "Image":
        converted = ImageCms.applyTransform(part if part.mode == mode else part.convert(mode), transform)
        assert converted is not None  # it is none in place only
        return converted

    if mode in ("RGB", "L"):
        from PIL import Image

        levels = np.linspace(0, 255, 9).round().astype(np.uint8)
        cube = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
        probe = Image.fromarray(cube) if mode == "RGB" else Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        change = np.asarray(convert(probe), np.int16) - np.asarray(probe.convert("RGB"), np.int16)
        if abs(change).max() <= LEVEL:
            return None
    return convert
