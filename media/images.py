"""Picture files: found, read, checked and written in one place; and pictures as bytes."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from shutil import copyfileobj
from threading import Lock
from typing import IO, TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

READABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""The endings of the pictures that are looked for in folders."""
FORMATS = {
    ".png": ("PNG", {"compress_level": 4}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
}
"""What Pillow calls each format, and how to save it: as exact as the format allows at a sensible size."""
ROWS = 256
"""Rows of a picture that are converted at once: no second copy of a large one is made."""
EMPTY_MASK = (1, 64, 64)
"""ComfyUI's answer where a picture has no alpha."""
_LIMIT = Lock()
"""Held while Pillow's limit is another."""


def pictures_at(place: Path) -> list[Path]:
    """The pictures directly in a folder, in the order of their names, or the one picture that `place` is.

    FileNotFoundError where there is neither.
    """
    if not place.exists():
        raise FileNotFoundError(f"there is no folder or picture {place}: look for a slip in its name.")
    files = [place] if place.is_file() else sorted(place.iterdir())
    return [file for file in files if file.suffix.lower() in READABLE and file.is_file()]


def pictures_in(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in the order of their names; FileNotFoundError where there is none."""
    found = pictures_at(folder)
    if not found:
        raise FileNotFoundError(f"there is no picture in {folder}: put some in, ending in one of {', '.join(READABLE)}")
    return found


def distinct_stems(paths: list[Path]) -> list[str]:
    """A name for each file: its stem, and its suffix too (`a_jpg`) where two files have the same stem."""
    stems = [path.stem.lower() for path in paths]
    return [path.stem if stems.count(path.stem.lower()) == 1 else path.name.replace(".", "_") for path in paths]


def read_picture(path: Path, trusted: bool = True) -> tuple[Tensor, Tensor]:
    """The picture upright, as image [1, H, W, 3] and mask [1, H, W], float32 in 0..1.

    The mask is 1 where the picture is transparent; a picture without alpha has a mask of 64x64 zeros. The colours
    under transparent pixels are kept. Of an animation the first frame is read. Unless `trusted`, Pillow refuses a file
    that claims more pixels than a photograph has. FileNotFoundError or ValueError where there is no picture to read.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}")
    try:
        with _any_size() if trusted else nullcontext(), Image.open(path) as picture:
            ImageOps.exif_transpose(picture, in_place=True)
            picture.load()
            if not picture.has_transparency_data or picture.mode[0] in "IF":
                return from_pillow(picture)[None], torch.zeros(EMPTY_MASK)
            whole = picture.convert("RGBA")
            alpha = torch.from_numpy(np.asarray(whole.getchannel("A"), np.float32))
            return from_pillow(whole)[None], (1 - alpha.div_(255))[None]
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not a picture of a known format: convert it to PNG") from error
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}") from error


@contextmanager
def _any_size() -> Iterator[None]:
    """Inside the block, Pillow opens pictures of any size: it has no way to ask for that but its one global limit."""
    from PIL import Image

    with _LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def write_picture(path: Path, image: Tensor) -> None:
    """Save an image [H, W, 3] in the format that the name ends in; the name appears when the file is complete."""
    write_whole(path, encode_picture(image, path.suffix))


def encode_picture(image: Tensor, suffix: str) -> bytes:
    """The file of an image [H, W, 3] in 0..1 (values outside are clipped), rounded to eight bits."""
    file = io.BytesIO()
    save_picture(image, suffix, file)
    return file.getvalue()


def save_picture(image: Tensor, suffix: str, file: IO[bytes]) -> None:
    """`encode_picture` into a file that is open; beside the image memory holds its eight bits only."""
    check_suffix(suffix)
    if image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"a picture to save has the shape [height, width, 3], not {list(image.shape)}")
    if image.numel() and not all(extreme.isfinite() for extreme in image.aminmax()):  # asking each would take a copy
        raise ValueError("a picture to save has pixels that are not finite: look at the node that made it")
    kind, options = FORMATS[suffix.lower()]
    try:
        to_pillow(image).save(file, kind, **options)
    except (OSError, ValueError) as error:
        height, width = image.shape[:2]
        raise ValueError(f"a picture of {width}x{height} cannot be saved as {kind}: {error}") from error


def check_suffix(suffix: str) -> None:
    """ValueError where no picture can be saved under a name that ends so."""
    if suffix.lower() not in FORMATS:
        raise ValueError(f"a picture cannot be saved as '{suffix}': end the name in one of {', '.join(FORMATS)}")


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
    temporary = temporary or path.with_name(f".{path.name}.{os.getpid()}.part")
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


def to_pillow(image: Tensor) -> "Image":
    """The image [H, W, 3] in 0..1 as Pillow's, rounded to eight bits."""
    from PIL import Image

    height, width = image.shape[:2]
    picture = Image.new("RGB", (width, height))
    for top in range(0, height, ROWS):
        picture.paste(Image.fromarray(eight_bits(image[top : top + ROWS]).cpu().contiguous().numpy()), (0, top))
    return picture


def from_pillow(picture: "Image") -> Tensor:
    """A picture of Pillow's of any mode as image [H, W, 3], float32 in 0..1; transparency is dropped."""
    width, height = picture.size
    image = torch.empty(height, width, 3)
    for top in range(0, height, ROWS):
        strip = picture.crop((0, top, width, min(top + ROWS, height)))
        if strip.mode[0] in "IF":  # 16 bits a pixel, under several names, or a float
            values = np.asarray(strip).astype(np.float32) / (1 if strip.mode == "F" else 65535)
            image[top : top + ROWS] = torch.from_numpy(values.clip(0, 1))[..., None]
        else:
            image[top : top + ROWS] = torch.from_numpy(np.array(strip.convert("RGB"))) / 255
    return image
