"""Picture files: found, read, checked and written in one place; and pictures as bytes."""

import io
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from shutil import copyfileobj
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .profiles import coding_points, srgb_conversion, srgb_profile

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

READABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""The endings of pictures that are always found in folders; `readable` has all."""
FORMATS = {
    ".png": ("PNG", {"compress_level": 4}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
}
"""What Pillow calls each format, and how to save it: as exact as the format allows at a sensible size."""
LONGEST = {"JPEG": 65500, "WEBP": 16383}
"""Pixels of a side that a format can hold, where a picture might have more."""
MAX_PIXELS = 1 << 28
"""Of a picture that is read, unless more are allowed: 16384 x 16384, as large as those that nodes make."""
DEFLATED = 8 * 1032
"""Pixels that a byte can stand for at most where eight are a byte, and are packed by deflate as far as it goes."""
DENSEST = {
    **dict.fromkeys(("PPM", "DDS", "IM", "SPIDER", "TIFF raw"), 8),
    **dict.fromkeys(("QOI", "BMP", "DIB", "TGA", "SGI", "SUN"), 128),
    **dict.fromkeys(("JPEG", "MPO", "PCX", "PSD", "TIFF packbits", "TIFF jpeg"), 512),
    **dict.fromkeys(("GIF", "PNG", "TIFF tiff_lzw", "TIFF tiff_adobe_deflate"), DEFLATED),
}
"""The same for each format, generously: by the shortest code for the longest run. Others have no limit known to us."""
ALWAYS_SMALL = 1 << 22
"""Pixels that take no memory worth a question."""
TEXT_BYTES = 1 << 28
"""Of the text in a PNG, unpacked: ComfyUI keeps workflows there."""
MAX_SEGMENT = 65533
"""Bytes of a JPEG's EXIF."""
SRGB = 1
"""The number of that colour space in EXIF."""
NOT_PICTURES = ("EPS", "IPTC", "MPEG")
"""Of the formats that Pillow opens: programs for Ghostscript, wrappers, videos."""
PLUGINS = ("pillow_heif", "pillow_jxl")
"""Packages that bring Pillow more formats where they are installed."""
ROWS = 256
"""Rows of a picture that are converted at once: no second copy of a large one is made."""
EMPTY_MASK = (1, 64, 64)
"""ComfyUI's answer where a picture has no alpha."""
_LIMITS = Lock()
"""Held while Pillow's limits are others."""


@dataclass(frozen=True)
class Picture:
    """A picture as it was read."""

    image: Tensor
    """[1, H, W, 3], float32 in 0..1, upright, in sRGB; what lies under transparent pixels is as the file has it."""
    alpha: Tensor | None = None
    """[1, H, W], float32 in 0..1; None where all is opaque."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What Pillow saves a picture with: `exif`, `dpi` and `icc_profile`, which is sRGB's."""


@cache
def readable() -> Mapping[str, str]:
    """The ending of every picture that can be read, in lower case with its dot, and the format that Pillow has for it.

    The formats of `PLUGINS` are among them where these are installed.
    """
    from PIL import Image, ImageFile

    for plugin in PLUGINS:
        with suppress(ImportError):
            getattr(import_module(plugin), "register_heif_opener", lambda: None)()
    Image.init()
    stubs = [
        kind
        for kind, (factory, _) in Image.OPEN.items()
        if isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile)
    ]
    formats = Image.OPEN.keys() - {*NOT_PICTURES, *stubs}
    return {ending: kind for ending, kind in Image.registered_extensions().items() if kind in formats}


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is passed over where it is found: macOS puts a `._a.png` beside an `a.png`."""
    return path.name.startswith(".")


def pictures_at(place: Path) -> list[Path]:
    """The pictures directly in a folder, in the order of their names, or the one picture that `place` is.

    FileNotFoundError where there is neither.
    """
    if not place.exists():
        raise FileNotFoundError(f"there is no folder or picture {place}: look for a slip in its name.")
    files = [place] if place.is_file() else sorted(file for file in place.iterdir() if not is_hidden(file))
    return [file for file in files if file.suffix.lower() in readable() and file.is_file()]


def pictures_in(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in the order of their names; FileNotFoundError where there is none."""
    found = pictures_at(folder)
    if not found:
        raise FileNotFoundError(f"there is no picture in {folder}: put some in, ending in one of {', '.join(READABLE)}")
    return found


def distinct_stems(paths: list[Path]) -> list[str]:
    """A name for each file: its stem, and its suffix too (`a_jpg`) where two files have the same stem.

    Where a third has that name already, underscores follow.
    """
    stems = Counter(path.stem.lower() for path in paths)
    taken = {stem for stem, count in stems.items() if count == 1}
    names: list[str] = []
    for path in paths:
        name = path.stem
        if stems[name.lower()] > 1:
            name = path.name.replace(".", "_")
            while name.lower() in taken:
                name += "_"
            taken.add(name.lower())
        names.append(name)
    return names


def read_picture(path: Path, trusted: bool = True, max_pixels: int = MAX_PIXELS) -> tuple[Tensor, Tensor]:
    """The picture upright, as image [1, H, W, 3] and mask [1, H, W], float32 in 0..1, as ComfyUI has them.

    The mask is 1 where the picture is transparent; a picture without alpha has a mask of 64x64 zeros. The rest is as
    `load_picture` says. Unless `trusted`, Pillow refuses a file that claims more pixels than a photograph has.
    """
    picture = load_picture(path, trusted=trusted, max_pixels=max_pixels)
    return picture.image, torch.zeros(EMPTY_MASK) if picture.alpha is None else 1 - picture.alpha


def load_picture(
    source: Path | IO[bytes], *, trusted: bool = True, max_pixels: int = MAX_PIXELS, metadata: bool = False
) -> Picture:
    """A picture from a file, or from one that is open, with its `metadata` where they are asked for.

    It is upright, its colours are converted to sRGB by the profile it carries; of an animation it is the first frame.
    What is cut off or damaged is read as far as it goes, with a warning. FileNotFoundError or ValueError in one
    sentence where there is no picture to read, and, before memory is taken, where it has more than `max_pixels` or its
    file is too short for the size that it claims.
    """
    from PIL import Image, UnidentifiedImageError

    name = source if isinstance(source, Path) else "the picture"
    if isinstance(source, Path) and not source.is_file():
        raise FileNotFoundError(f"there is no picture {source}")
    try:
        try:
            return _decoded(source, False, trusted, max_pixels, metadata)
        except (_RefusedError, Image.DecompressionBombError, PermissionError):
            raise
        except Exception as error:  # Pillow's decoders raise nearly anything for damaged files
            try:
                picture = _decoded(source, True, trusted, max_pixels, metadata)
            except _RefusedError:
                raise
            except Exception:
                raise error from None
            log.warning("%s is cut off or damaged (%s): what is missing stays empty.", name, error)
            return picture
    except UnidentifiedImageError as error:
        raise ValueError(f"{name} is not a picture of a known format: convert it to PNG") from error
    except _RefusedError as error:
        raise ValueError(f"{name} {error}") from error
    except MemoryError as error:
        raise ValueError(f"{name} needs more memory than there is: make it smaller") from error
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ValueError(f"{name} cannot be read as a picture: {reason}") from error


class _RefusedError(ValueError):
    """A picture that is not read, whatever may be read of it; what is said goes on after its name."""


def _decoded(source: Path | IO[bytes], tolerant: bool, trusted: bool, max_pixels: int, metadata: bool) -> Picture:
    from PIL import Image, ImageOps

    length = source.stat().st_size if isinstance(source, Path) else source.seek(0, os.SEEK_END)
    if not isinstance(source, Path):
        source.seek(0)
    with _limits(trusted, tolerant), Image.open(source, formats=sorted({*readable().values()})) as picture:
        width, height = picture.size
        pixels, kind = width * height, picture.format or ""
        if pixels > max_pixels:
            raise _RefusedError(
                f"has {width} x {height} pixels, over the limit of {max_pixels / 1e6:.0f} million: "
                "make it smaller, or raise the limit (--max-megapixels)"
            )
        densest = DENSEST.get(f"TIFF {picture.info.get('compression')}" if kind == "TIFF" else kind)
        if densest and pixels > ALWAYS_SMALL and pixels > densest * length:
            raise _RefusedError(
                f"claims {width} x {height} pixels in {length} bytes, which cannot hold them: it is damaged"
            )
        picture.info["cicp"] = coding_points(picture)
        about = _metadata_of(picture) if metadata else {}
        ImageOps.exif_transpose(picture, in_place=True)
        picture.load()
        alpha = alpha_of(picture)
        return Picture(from_pillow(picture)[None], None if alpha is None else alpha[None], about)


def _metadata_of(picture: "Image") -> dict[str, Any]:
    """What describes a picture and stays true of one painted from it: not its orientation, thumbnail or sizes."""
    from PIL import Image
    from PIL.ExifTags import IFD, Base

    kept = (Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.Copyright)
    left = (Base.MakerNote, Base.ExifImageWidth, Base.ExifImageHeight, Base.ExifInteroperabilityOffset)
    about: dict[str, Any] = {"icc_profile": srgb_profile()}
    try:
        if dpi := picture.info.get("dpi"):
            about["dpi"] = tuple(float(each) for each in dpi)
        found, exif = picture.getexif(), Image.Exif()
        for tag in kept:
            if tag in found:
                exif[tag] = found[tag]
        for kind in (IFD.Exif, IFD.GPSInfo):
            own = {tag: value for tag, value in found.get_ifd(kind).items() if tag not in left}
            if own:
                exif[kind] = own | ({Base.ColorSpace: SRGB} if kind == IFD.Exif else {})
        if len(exif):
            about["exif"] = exif.tobytes()
    except Exception as error:  # as for pixels; a picture is worth more than what is said about it
        log.warning("What is said about a picture is damaged and left out: %s", error)
    return about


@contextmanager
def _limits(trusted: bool, tolerant: bool) -> Iterator[None]:
    """Inside the block Pillow reads long texts, and, if `trusted`, any size; if `tolerant`, what is cut off.

    It has no way to ask for that but its global limits.
    """
    from PIL import Image, ImageFile, PngImagePlugin

    with _LIMITS:
        before = (
            Image.MAX_IMAGE_PIXELS,
            ImageFile.LOAD_TRUNCATED_IMAGES,
            PngImagePlugin.MAX_TEXT_CHUNK,
            PngImagePlugin.MAX_TEXT_MEMORY,
        )
        if trusted:
            Image.MAX_IMAGE_PIXELS = None
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant
        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = TEXT_BYTES
        try:
            yield
        finally:
            (
                Image.MAX_IMAGE_PIXELS,
                ImageFile.LOAD_TRUNCATED_IMAGES,
                PngImagePlugin.MAX_TEXT_CHUNK,
                PngImagePlugin.MAX_TEXT_MEMORY,
            ) = before


def write_picture(
    path: Path, image: Tensor, alpha: Tensor | None = None, metadata: Mapping[str, Any] | None = None
) -> None:
    """Save an image [H, W, 3] in the format that the name ends in; the name appears when the file is complete."""
    write_whole(path, encode_picture(image, path.suffix, alpha, metadata))


def encode_picture(
    image: Tensor, suffix: str, alpha: Tensor | None = None, metadata: Mapping[str, Any] | None = None
) -> bytes:
    """The file of an image [H, W, 3] in 0..1 (values outside are clipped), rounded to eight bits."""
    file = io.BytesIO()
    save_picture(image, suffix, file, alpha, metadata)
    return file.getvalue()


def save_picture(
    image: Tensor,
    suffix: str,
    file: IO[bytes],
    alpha: Tensor | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """`encode_picture` into a file that is open; beside the image memory holds its eight bits only.

    `alpha` [H, W] in 0..1 is kept; in a JPEG, which has none, the picture lies on white. `metadata` is what
    `load_picture` gives.
    """
    check_suffix(suffix, *image.shape[:2])
    if image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"a picture to save has the shape [height, width, 3], not {list(image.shape)}")
    if image.numel() and not all(extreme.isfinite() for extreme in image.aminmax()):  # asking each would take a copy
        raise ValueError("a picture to save has pixels that are not finite: look at the node that made it")
    kind, options = FORMATS[suffix.lower()]
    if alpha is not None and kind == "JPEG":
        image, alpha = on_paper(image, alpha), None
    about = dict(metadata or {})
    if kind == "JPEG" and len(about.get("exif", b"")) > MAX_SEGMENT:
        log.warning("What is said about the picture is too long for a JPEG and left out.")
        del about["exif"]
    if kind == "TIFF" and "exif" in about:  # libtiff, which compresses, takes no EXIF from Pillow
        options = {"compression": "raw"}
    try:
        to_pillow(image, alpha).save(file, kind, **options, **about)
    except (OSError, ValueError) as error:
        height, width = image.shape[:2]
        raise ValueError(f"a picture of {width}x{height} cannot be saved as {kind}: {error}") from error


def on_paper(image: Tensor, alpha: Tensor | None, grey: float = 1.0) -> Tensor:
    """An image [..., H, W, 3] as it looks on a grey of 0..1 where `alpha` [..., H, W] lets it through."""
    return image if alpha is None else image.clamp(0, 1).mul(alpha[..., None]).add_((1 - alpha[..., None]) * grey)


def check_suffix(suffix: str, *sides: int) -> None:
    """ValueError where no picture, or none with such sides in pixels, can be saved under a name that ends so."""
    if suffix.lower() not in FORMATS:
        raise ValueError(f"a picture cannot be saved as '{suffix}': end the name in one of {', '.join(FORMATS)}")
    kind, _ = FORMATS[suffix.lower()]
    if kind in LONGEST and max(sides, default=0) > LONGEST[kind]:
        raise ValueError(
            f"a picture with a side of {max(sides)} pixels cannot be saved as {kind}, which holds {LONGEST[kind]}: "
            "end the name in .png, or make it smaller"
        )


def check_folder(folder: Path) -> None:
    """OSError, now rather than after minutes of work, where no file can be written into a folder that may not exist."""
    nearest = existing_parent(folder)
    if not nearest.is_dir():
        raise OSError(f"the output folder {nearest} is a file: choose another")
    if not os.access(nearest, os.W_OK):
        raise OSError(f"nothing can be written into {nearest}: choose another output folder")


def existing_parent(folder: Path) -> Path:
    """The folder itself, or the nearest around it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def write_whole(path: Path, content: bytes | IO[bytes], temporary: Path | None = None) -> None:
    """Write under a temporary name beside `path`, then rename. OSError in one sentence; what was there stays then."""
    # Short: the file system may take no name that is longer than the file's own.
    temporary = temporary or path.with_name(f".{token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            copyfileobj(io.BytesIO(content) if isinstance(content, bytes) else content, file)
        temporary.replace(path)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def eight_bits(values: Tensor) -> Tensor:
    """Values of any shape in 0..1 as uint8 in 0..255 on their device: rounded, those outside clipped, NaN as 0."""
    return values.detach().float().clamp(0, 1).nan_to_num_(0).mul_(255).round_().to(torch.uint8)


def to_pillow(image: Tensor, alpha: Tensor | None = None) -> "Image":
    """The image [H, W, 3] in 0..1, with its alpha [H, W] if any, as Pillow's, rounded to eight bits."""
    from PIL import Image

    height, width = image.shape[:2]
    picture = Image.new("RGB", (width, height))
    for top in range(0, height, ROWS):
        picture.paste(Image.fromarray(eight_bits(image[top : top + ROWS]).cpu().contiguous().numpy()), (0, top))
    if alpha is not None:
        picture.putalpha(Image.fromarray(eight_bits(alpha).cpu().contiguous().numpy()))
    return picture


def from_pillow(picture: "Image") -> Tensor:
    """A picture of Pillow's of any mode as image [H, W, 3], float32 in 0..1; transparency is dropped.

    Its colours become sRGB where it carries another profile.
    """
    from PIL import Image

    width, height = picture.size
    image, convert = torch.empty(height, width, 3), srgb_conversion(picture)
    curve = None
    if convert and picture.mode[0] in "IF":
        curve = np.asarray(convert(Image.fromarray(np.arange(256, dtype=np.uint8)[None])), np.float32)[0, :, 0] / 255
    for top in range(0, height, ROWS):
        strip = picture.crop((0, top, width, min(top + ROWS, height)))
        if strip.mode[0] in "IF":  # 16 bits a pixel, under several names, or a float
            values = np.asarray(strip).astype(np.float32) / (1 if strip.mode == "F" else 65535)
            values = np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)
            if curve is not None:
                values = np.interp(values, np.linspace(0, 1, 256), curve).astype(np.float32)
            image[top : top + ROWS] = torch.from_numpy(values)[..., None]
        else:
            image[top : top + ROWS] = torch.from_numpy(np.array((convert or _rgb)(strip))) / 255
    return image


def alpha_of(picture: "Image") -> Tensor | None:
    """How opaque a picture of Pillow's is, [H, W] in 0..1; None where its mode has no transparency."""
    if not picture.has_transparency_data or picture.mode[0] in "IF":
        return None
    whole = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    return torch.from_numpy(np.array(whole.getchannel("A"))).float().div_(255)


def _rgb(picture: "Image") -> "Image":
    """Pillow's way from each mode; those with premultiplied or paletted alpha have theirs over RGBA."""
    return (picture.convert("RGBA") if picture.mode in ("PA", "RGBa") else picture).convert("RGB")
