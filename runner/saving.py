"""Collect the pictures of one run, and write them when the whole run has succeeded."""

import os
from collections import Counter
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from torch import Tensor

from ..media.images import save_picture, write_whole
from .graph import WorkflowError

SMALL = 1 << 24
"""Bytes up to which a file waits in memory, and not as a nameless one on the disk."""


class Saver:
    """The pictures of one run, as files without a name until `write`, so that a failed run leaves nothing."""

    def __init__(self, folder: Path, stem: str = "") -> None:
        if folder.exists() and not folder.is_dir():
            raise WorkflowError(f"the output folder {folder} is a file: choose another")
        nearest = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        if not os.access(nearest, os.W_OK):  # said now rather than after minutes of work
            raise WorkflowError(f"nothing can be written into {nearest}: choose another output folder")
        self.folder = folder
        self.stem = stem
        self._nearest = nearest
        self.files: dict[Path, IO[bytes]] = {}
        self._counts: Counter[Path] = Counter()

    def add(self, images: Tensor, prefix: str | Path) -> None:
        """Name and encode images [B,H,W,3].

        A text is a prefix inside the folder, `prefix_00001.png` and on, after the stem if the run has one; unlike
        ComfyUI's the numbers start at 1 in every run, so that the same command makes the same files. A path (which
        only a caller can give, never a workflow file) is the file itself.
        """
        if isinstance(prefix, Path):
            paths = [prefix.with_stem(f"{prefix.stem}_{k + 1}") if k else prefix for k in range(len(images))]
        else:
            paths = [self._numbered(prefix) for _ in images]
        for path, image in zip(paths, images, strict=True):
            file = SpooledTemporaryFile(SMALL, dir=str(self._nearest))  # noqa: SIM115 - open until it is written
            save_picture(image, path.suffix, cast(IO[bytes], file))
            self.files[path] = cast(IO[bytes], file)

    def write(self) -> list[Path]:
        """Write all files, each at once, and return their paths."""
        for path, file in self.files.items():
            file.seek(0)
            with file:
                write_whole(path, file)
        return list(self.files)

    def _numbered(self, prefix: str) -> Path:
        base = inside(self.folder, prefix)
        base = base.with_name("_".join(dict.fromkeys(filter(None, (self.stem, base.name)))))
        self._counts[base] += 1
        return base.with_name(f"{base.name}_{self._counts[base]:05}.png")


def inside(folder: Path, name: str) -> Path:
    """`folder / name`, where the name (from a workflow, which may come from a stranger) does not lead out of it."""
    path = folder / name
    if ".." in Path(name).parts or Path(name).is_absolute() or path == folder:
        raise WorkflowError(f"'{name}' is not a name inside the folder {folder}")
    return path
