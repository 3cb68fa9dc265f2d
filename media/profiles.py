"""Colour profiles: pictures of any colour space as sRGB, which networks were trained on and browsers show."""

import io
import logging
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""What Pillow calls the colours of a profile."""
LEVEL = 1
"""Of 255: a profile that changes no colour by more is sRGB under another name, and pictures stay as they are."""

PRIMARIES = {
    1: (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
"""White, red, green and blue of sRGB, BT.2020, DCI-P3 and Display P3, by their numbers in H.273."""
TRANSFERS = {13: 0.0, 8: 1.0, 4: 2.2, 5: 2.8, **dict.fromkeys((1, 6, 14, 15), 2.4)}
"""Powers by H.273, 0 for the curve of sRGB; those of television as a screen shows them (BT.1886)."""
HIGH_RANGE = (16, 18)
"""The transfers PQ and HLG."""
SRGB_GAMMA = 0.05
"""A gAMA so near to 1 / 2.2 says sRGB, as libpng has it."""
MOST_CHUNKS = 1000
"""Before the pixels of a PNG."""


@cache
def srgb_profile() -> bytes:
    """The file of the profile sRGB, to be embedded."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def coding_points(picture: "Image") -> tuple[int, int] | None:
    """The numbers of primaries and transfer (ITU-T H.273) that a PNG's chunk cICP holds, which Pillow does not read.

    None where there is none before the pixels, or no such file is open. The file stays where it was.
    """
    file: IO[bytes] | None = getattr(picture, "fp", None)
    if picture.format != "PNG" or file is None:
        return None
    place = file.tell()
    try:
        file.seek(8)
        for _ in range(MOST_CHUNKS):
            length, name = struct.unpack(">I4s", file.read(8))
            if name == b"cICP" and length == 4:
                return tuple(file.read(2))  # pyright: ignore[reportReturnType] - two of them
            if name == b"IDAT":
                return None
            file.seek(length + 4, 1)
    except (OSError, struct.error):
        pass  # damaged: Pillow says it better
    finally:
        file.seek(place)
    return None


def srgb_conversion(picture: "Image") -> "Callable[[Image], Image] | None":
    """How a part of `picture`, of any mode, becomes RGB by what its file says of colours; None where it is sRGB.

    That is the chunk cICP of a PNG, else a profile, else a PNG's gAMA with its cHRM, unless it has sRGB: what comes
    first in the PNG specification counts. A profile that is damaged, or of other colours than the picture has, is left
    aside as browsers do it; the damaged one with a warning, as are the colours of high dynamic range.
    """
    info = picture.info
    if points := info.get("cicp"):
        if points[1] in HIGH_RANGE:
            log.warning("The colours of a picture are of high dynamic range, which is left aside: convert it to sRGB.")
        if points[0] in PRIMARIES and points[1] in TRANSFERS:
            return _unless_srgb(_by_numbers(PRIMARIES[points[0]], TRANSFERS[points[1]]), True)
    elif info.get("icc_profile") or picture.mode == "LAB":
        return _by_profile(picture)
    elif "srgb" not in info and (gamma := info.get("gamma", 0)) > 0:
        power = 0.0 if abs(gamma * 2.2 - 1) < SRGB_GAMMA else 1 / gamma
        primaries = info.get("chromaticity") or PRIMARIES[1]
        try:
            return _unless_srgb(_by_numbers(primaries, power), True)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            log.warning("The colours of a picture are by primaries that are none, which are left aside.")
    return None


def _by_numbers(primaries: Sequence[float], power: float) -> "Callable[[Image], Image]":
    """The conversion by chromaticities x, y of white, red, green and blue, and a power (0 is the curve of sRGB)."""
    levels = np.linspace(0, 1, 256)
    linear = levels**power if power else np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    with np.errstate(all="ignore"):
        matrix = (np.linalg.inv(_to_xyz(PRIMARIES[1])) @ _to_xyz(primaries)).astype(np.float32)
    if not np.isfinite(matrix).all():
        raise ValueError("primaries on one line")
    table = linear.astype(np.float32)

    def convert(part: "Image") -> "Image":
        from PIL import Image

        rgb = part if part.mode == "RGB" else (part.convert("RGBA") if part.mode in ("PA", "RGBa") else part)
        light = (table[np.asarray(rgb.convert("RGB"))] @ matrix.T).clip(0, 1)
        shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        return Image.fromarray((shown * 255).round().astype(np.uint8))

    return convert


def _to_xyz(primaries: Sequence[float]) -> np.ndarray:
    """The matrix from linear RGB to XYZ, its white brought to that of sRGB as Bradford has it (ICC.1:2022, annex E)."""
    chromaticities = np.array(primaries, float).reshape(4, 2)
    white, *colours = np.column_stack([chromaticities, 1 - chromaticities.sum(1)]) / chromaticities[:, 1:]
    target = np.array([0.3127 / 0.329, 1, 0.3583 / 0.329])
    own = np.column_stack(colours)
    scaled = own * np.linalg.solve(own, white)
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    return np.linalg.inv(cones) @ np.diag(cones @ target / (cones @ white)) @ cones @ scaled


def _unless_srgb(convert: "Callable[[Image], Image]", colourful: bool) -> "Callable[[Image], Image] | None":
    """None where a conversion of RGB, or else of greys, changes next to nothing."""
    from PIL import Image

    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    probe = Image.fromarray(cube) if colourful else Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    change = np.asarray(convert(probe), np.int16) - np.asarray(probe.convert("RGB"), np.int16)
    return None if abs(change).max() <= LEVEL else convert


def _by_profile(picture: "Image") -> "Callable[[Image], Image] | None":
    """The conversion by the profile that a picture carries; the rendering is the one that the profile asks for."""
    from PIL import ImageCms

    lab = picture.mode == "LAB"
    embedded: bytes | None = picture.info.get("icc_profile")
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

    return _unless_srgb(convert, mode == "RGB") if mode in ("RGB", "L") else convert
