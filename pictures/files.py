"""Files: which ones are pictures, and how any is written so that no half file bears its name."""

import io
import os
from contextlib import suppress
from pathlib import Path
from shutil import copyfileobj
from typing import IO

READABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""The endings of the pictures that are looked for in folders."""


def pictures_at(place: Path) -> list[Path]:
    """The pictures directly in a folder, in the order of their names, or the one picture that `place` is.

    FileNotFoundError where there is neither.
    """
    if not place.exists():
        raise FileNotFoundError(f"there is no folder or picture {place}: look for a slip in its name.")
    files = [place] if place.is_file() else sorted(place.iterdir())
    return [file for file in files if file.suffix.lower() in READABLE and file.is_file()]


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
