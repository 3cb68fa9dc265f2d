"""Where weight files are: built in, in given folders, in `BRUSHWORK_WEIGHTS`, in a cache; and what is in them."""

import gzip
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from .download import Progress, fetch, is_valid, verify
from .manifest import WeightFile, WeightsError, read_manifest

BUILTIN = Path(__file__).parents[1] / "builtin"


class Action(Enum):
    """What to do about one file."""

    USE = "use"
    FETCH = "fetch"
    REFUSE = "refuse"
    BY_HAND = "by hand"
    OFFLINE = "offline"


def decide(*, present: bool, valid: bool, managed: bool, fetchable: bool, offline: bool) -> Action:
    """The decision alone. A damaged file is replaced only in the folder that Brushwork manages: elsewhere it is a
    person's, and theirs to delete."""
    if present and valid:
        return Action.USE
    if present and not (managed and fetchable):
        return Action.REFUSE
    if not fetchable:
        return Action.BY_HAND
    return Action.OFFLINE if offline else Action.FETCH


def cache_folder() -> Path | None:
    """The folder that Brushwork manages alone, and downloads to where no other is given.

    It is the one that BRUSHWORK_CACHE names, and without that variable `brushwork` in the user's cache; None where the
    variable is empty.
    """
    if (named := os.environ.get("BRUSHWORK_CACHE")) is not None:
        return Path(named) if named else None
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "brushwork" / "brushwork" / "Cache"
    usual = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "brushwork"


def search_folders(folders: Sequence[Path] = ()) -> Iterator[Path]:
    """Where files may be that are not built in, in order: `folders`, those in `BRUSHWORK_WEIGHTS`, the cache."""
    yield from folders
    yield from (Path(part) for part in os.environ.get("BRUSHWORK_WEIGHTS", "").split(os.pathsep) if part)
    if cache := cache_folder():
        yield cache


def writable_folder(folders: Sequence[Path] = ()) -> Path:
    """The first of `search_folders` that can be written, made if it was not there; WeightsError where none can."""
    tried = []
    for folder in search_folders(folders):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            tried.append(str(folder))
    places = f" in {', '.join(tried)}" if tried else ", as BRUSHWORK_CACHE is empty"
    raise WeightsError(f"Weights cannot be stored{places}: set BRUSHWORK_WEIGHTS to a folder you may write.")


def locate(entry: WeightFile, folders: Sequence[Path] = ()) -> Path | None:
    """The file on this machine, or None. One with the entry's own name is not verified here; one with an alias, which
    might be somebody else's `decoder.pth`, counts only if it is valid."""
    for folder in (BUILTIN, *search_folders(folders)):
        if (folder / entry.filename).is_file():
            return folder / entry.filename
        for path in (folder / alias for alias in entry.aliases):
            if path.is_file() and is_valid(path, entry):
                return path
    return None


def ensure(entry: WeightFile, folders: Sequence[Path] = (), progress: Progress | None = None) -> Path:
    """The verified file: found, or else downloaded into the first of `search_folders` that can be written.

    `progress(bytes done, bytes in all)` may raise to stop. A verified file never touches the network, and with
    BRUSHWORK_OFFLINE=1 nothing does. `WeightsError` says what is wrong with a file, or where to get it and to put it.
    """
    path, cache = locate(entry, folders), cache_folder()
    action = decide(
        present=path is not None,
        valid=path is not None and is_valid(path, entry),
        managed=path is not None and cache is not None and path.is_relative_to(cache),
        fetchable=entry.fetchable,
        offline=os.environ.get("BRUSHWORK_OFFLINE", "0") not in ("", "0"),
    )
    if action is Action.FETCH:
        return fetch(entry, path or writable_folder(folders) / entry.filename, progress)
    if path is not None and action is not Action.OFFLINE:
        verify(path, entry)  # of the two actions left, REFUSE raises here
        return path
    if not entry.urls:
        raise WeightsError(f"{entry.filename} comes with Brushwork and is missing: install Brushwork again.")
    offline = action is Action.OFFLINE
    why = "BRUSHWORK_OFFLINE is set" if offline else "nobody publishes a checksum to verify it with"
    first = next(search_folders(folders), None)
    where = f"at {first / entry.filename}" if first else "in a folder that BRUSHWORK_WEIGHTS names"
    remedy = f"get it from {entry.urls[0]} and put it {where}"
    raise WeightsError(f"{entry.filename} is missing and not downloaded, as {why}: {remedy}.")


@dataclass(frozen=True)
class FileState:
    """One file of a network on this machine."""

    role: str
    file: WeightFile
    path: Path | None
    """None where it is missing."""

    def __str__(self) -> str:
        if self.path is None:
            return "to be downloaded" if self.file.fetchable else "to be put in place by hand"
        return "built in" if self.path.is_relative_to(BUILTIN) else "present"


def network_state(name: str, folders: Sequence[Path] = ()) -> list[FileState]:
    """Every file of a network and where it is, without verifying; unknown names raise `WeightsError`."""
    files = read_manifest().network_files(name)
    return [FileState(role, file, locate(file, folders)) for role, file in files.items()]


def ensure_network(name: str, folders: Sequence[Path] = (), progress: Progress | None = None) -> dict[str, Path]:
    """`ensure` for every file of a network, by role; `progress` counts over all that must be downloaded."""
    states = network_state(name, folders)
    sizes = [0 if state.path else round(state.file.megabytes * 1e6) for state in states]
    total, paths = sum(sizes), dict[str, Path]()

    def report(done: int, _: int) -> None:
        if progress:
            progress(min(sum(sizes[: len(paths)]) + done, total), total)

    for state in states:
        paths[state.role] = ensure(state.file, folders, report)
    return paths


def read_tensors(path: Path, format: str) -> dict[str, Tensor]:
    """The named tensors of a `safetensors` or `torch` file, on the CPU; a file whose name ends in `.gz` is unpacked.

    In a checkpoint they may lie one level down, among other things. Pickles are opened with `weights_only=True`: they
    come from strangers. `WeightsError` if it cannot be opened.
    """
    try:
        packed = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else None
        if format == "safetensors":
            from safetensors.torch import load, load_file

            content = load_file(path) if packed is None else load(packed)
        elif format == "torch":
            content = torch.load(path if packed is None else BytesIO(packed), map_location="cpu", weights_only=True)
        else:
            raise ValueError(f"unknown format {format}")
    except Exception as error:  # a hostile or broken file can raise anything
        reason = type(error).__name__
        raise WeightsError(
            f"{path} cannot be opened as {format} weights ({reason}): delete it and get it anew."
        ) from error
    for candidate in [content, *content.values()] if isinstance(content, Mapping) else []:
        if isinstance(candidate, Mapping) and candidate and all(isinstance(v, Tensor) for v in candidate.values()):
            return {str(key): tensor for key, tensor in candidate.items()}
    raise WeightsError(f"{path} holds no named tensors: put the published file there.")
