"""What a command line names: pictures and videos in files, folders and patterns, and the files that they become."""

from __future__ import annotations

import logging
import os
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from glob import escape, glob, has_magic
from pathlib import Path

from ..media.images import FORMATS, distinct_stems, is_hidden, readable
from ..media.video_read import ANIMATIONS, VIDEOS, moves
from ..media.video_write import KINDS, is_partial
from ..samples import sample_names, sample_path

log = logging.getLogger(__name__)

STREAM = "-"
"""In the place of a file: stdin or stdout."""
NAME_BYTES = 255
"""Of a file's name, on nearly every file system."""
FIELDS = ("stem", "name", "parent", "style", "method", "number")
"""What a pattern of names may hold."""


def resolver() -> Callable[[Path], Path]:
    """`Path.resolve` for many files, which asks each folder once."""
    folders: dict[Path, Path] = {}

    def resolve(path: Path) -> Path:
        if path.is_symlink():
            return path.resolve()
        if path.parent not in folders:
            folders[path.parent] = path.parent.resolve()
        return folders[path.parent] / path.name

    return resolve


@dataclass
class Found:
    """The pictures and videos that were found, and what was passed over on the way."""

    files: list[tuple[Path, Path]] = field(default_factory=list)
    """Each with the folder, below the output's, that it belongs into."""
    hidden: int = 0
    others: int = 0
    """Files that are neither picture nor video."""


def file_of(name: str | Path) -> Path:
    """A file by its path, or a sample's by its name; FileNotFoundError where there is neither."""
    if not Path(name).exists() and str(name) in sample_names():
        return sample_path(str(name))
    if not Path(name).exists():
        raise FileNotFoundError(f"there is no picture {name}; the samples are {', '.join(sample_names())}")
    return Path(name)


def is_many(contents: Sequence[str]) -> bool:
    """Whether these may be several files, whose results go into a folder."""
    return len(contents) > 1 or Path(contents[0]).is_dir() or _is_pattern(contents[0])


def find(contents: Sequence[str], output: Path, ours: set[Path]) -> Found:
    """All pictures and videos, in folders with those below, by path.

    What lies in the folder `output` and the files `ours` are results and no contents, unless they are named. Hidden
    files and folders are passed over, and other files are counted. FileNotFoundError where there is nothing to paint.
    """
    found, resolve = Found(), resolver()
    for content in contents:
        place = Path(content)
        if place.is_dir():
            root, files = place, _below(place, output, found)
        elif _is_pattern(content):
            plain = Path(content)
            while has_magic(str(plain)):
                plain = plain.parent
            root = plain
            files = (Path(name) for name in sorted(glob(content, recursive=True)))
            files = [file for file in files if file.is_file() and output.resolve() not in resolve(file).parents]
        else:
            root, files = place.parent, [place]
        for file in files:
            named = file == place
            if is_hidden(file) and not named:
                found.hidden += 1
            elif named or (file.suffix.lower() in (*readable(), *VIDEOS) and not is_partial(file)):
                if named or resolve(file) not in ours:
                    found.files.append((file, file.parent.relative_to(root)))
            else:
                found.others += 1
    found.files = list(dict.fromkeys(found.files))
    if not found.files:
        raise FileNotFoundError(
            f"there is no picture or video in {', '.join(contents)}: put some in, "
            f"ending in one of {', '.join((*FORMATS, *VIDEOS))}, or any other that Pillow reads"
        )
    return found


def _is_pattern(content: str) -> bool:
    return has_magic(content) and not os.path.lexists(content)


def _below(folder: Path, output: Path, found: Found) -> Iterator[Path]:
    """The files of a folder and of those in it."""
    for name, folders, files in os.walk(folder, onerror=lambda error: log.warning("%s is passed over.", error)):
        here = Path(name)
        found.hidden += sum(is_hidden(Path(each)) for each in folders)
        folders[:] = sorted(
            each for each in folders if not is_hidden(Path(each)) and (here / each).resolve() != output.resolve()
        )
        yield from (here / each for each in sorted(files) if (here / each).is_file())


def outputs_of(found: Found, output: Path, pattern: str, styles: Sequence[str], method: str) -> list[list[Path]]:
    """For each file found, a path below `output` for each of several styles.

    A `pattern` may hold `FIELDS` in braces and folders, and ends as the pictures shall be saved, else they are PNG; a
    video stays of its kind where that can be written. ValueError for a pattern that leads out of the folder, or gives
    two one name.
    """
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
    except ValueError as error:
        raise ValueError(f"'{pattern}' is no pattern of names: {error}") from error
    if not fields <= {*FIELDS}:
        raise ValueError(f"'{pattern}' is no pattern of names: in braces it takes {', '.join(FIELDS)}")
    ending = Path(pattern).suffix.lower()
    ending = ending if ending in FORMATS else ""
    pattern = pattern.removesuffix(Path(pattern).suffix) if ending else pattern
    shown = distinct_stems([Path(style) for style in styles])
    numbers = {file: number for number, (file, _) in enumerate(found.files, 1)}

    def named(file: Path, folder: Path, stem: str, style: str) -> Path:
        stem = "stdin" if str(file) == STREAM else stem
        values = (stem, file.name, file.absolute().parent.name, style, method, numbers[file])
        try:
            name = Path(pattern.format(**dict(zip(FIELDS, values, strict=True))))
        except (ValueError, AttributeError, LookupError) as error:
            raise ValueError(f"'{pattern}' is no pattern of names: {error}") from error
        if name.is_absolute() or ".." in name.parts or not name.name:
            raise ValueError(f"'{pattern}' leads out of the output folder: give a name, or folders below it")
        return output / folder / name

    plain = [[named(file, folder, file.stem, style) for style in shown] for file, folder in found.files]
    taken = Counter(_key(path) for row in plain for path in row)
    outputs: list[list[Path]] = []
    for (file, folder), row in zip(found.files, plain, strict=True):
        if any(taken[_key(path)] > 1 for path in row):  # of two with one stem both have their endings in their names
            row = [named(file, folder, file.name.replace(".", "_"), style) for style in shown]
        own = file.suffix.lower()
        if own in VIDEOS:
            suffix = own if own in KINDS else ".mp4"
        else:
            suffix = ending or (own if own in ANIMATIONS and moves(file) else ".png")
        outputs.append([path.with_name(_fitting(path.name, suffix)) for path in row])
    seen: dict[str, Path] = {}
    for (file, _), row in zip(found.files, outputs, strict=True):
        for path in row:
            other = seen.setdefault(_key(path), file)
            if other != file or row.count(path) > 1:
                raise ValueError(
                    f"{other} and {file} would both become {path}: tell them apart by --name, "
                    "as in '{parent}_{stem}' or '{number}_{stem}_{style}'"
                )
    return outputs


def _key(path: Path) -> str:
    """Of all names that are one file on some file systems."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def _fitting(stem: str, suffix: str) -> str:
    """A file's name of them both, cut to what a file system takes."""
    whole = os.fsencode(stem)
    if len(whole) + len(suffix) <= NAME_BYTES:
        return stem + suffix
    return whole[: NAME_BYTES - len(suffix)].decode(errors="ignore") + suffix


def styles_at(places: Sequence[str]) -> list[str]:
    """Styles by name or path; for folders and patterns, the pictures in them."""
    styles: list[str] = []
    for place in places:
        pattern = str(Path(escape(place)) / "*") if Path(place).is_dir() else place
        if not _is_pattern(pattern) and not Path(place).is_dir():
            styles.append(place)
            continue
        found = [file for file in sorted(glob(pattern)) if Path(file).suffix.lower() in readable()]
        if not found:
            raise FileNotFoundError(f"there is no picture in {place}: put some in, or give another --style")
        styles += found
    return styles
