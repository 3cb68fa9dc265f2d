"""Where weight files are: built in, in given folders, in `BRUSHWORK_WEIGHTS`, or to be fetched; and what is in them."""

import gzip
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from .download import Progress, fetch, sound, verify
from .manifest import WeightFile, WeightsError, read_manifest

BUILTIN = Path(__file__).parents[1] / "builtin"


class Action(Enum):
    """What to do about one file."""

    USE = "use"
    FETCH = "fetch"
    REFUSE = "refuse"
    BY_HAND = "by hand"
    OFFLINE = "offline"


def decide(*, present: bool, sound: bool, ours: bool, fetchable: bool, offline: bool) -> Action:
    """The decision alone. A damaged file is replaced only where we put it (`ours`); a person's is theirs to delete."""
    if present and sound:
        return Action.USE
    if present and not (ours and fetchable):
        return Action.REFUSE
    if not fetchable:
        return Action.BY_HAND
    return Action.OFFLINE if offline else Action.FETCH


def cache_folder() -> Path | None:
    """Where downloads go when no folder is given: the user's cache, which is ours alone. None without pooch, which
    knows the place and alone puts files there."""
    try:
        import pooch
    except ModuleNotFoundError:
        return None
    return Path(pooch.os_cache("brushwork"))


def homes(folders: Sequence[Path] = ()) -> Iterator[Path]:
    """Where files may be that are not built in, in order: `folders`, those in `BRUSHWORK_WEIGHTS`, the cache."""
    yield from folders
    yield from (Path(part) for part in os.environ.get("BRUSHWORK_WEIGHTS", "").split(os.pathsep) if part)
    cache = cache_folder()  # last, so that nothing that lies elsewhere needs pooch
    yield from [cache] if cache else []


def writable_home(folders: Sequence[Path] = ()) -> Path:
    """The first of `homes` that can be written; WeightsError where none can."""
    tried = []
    for folder in homes(folders):
        if _writable(folder):
            return folder
        tried.append(str(folder))
    places = ", ".join(tried) or "a cache, as pooch is not installed"
    raise WeightsError(f"Weights cannot be stored in {places}: set BRUSHWORK_WEIGHTS to a folder you may write.")


def locate(entry: WeightFile, folders: Sequence[Path] = ()) -> Path | None:
    """The file on this machine, or None. One with the entry's own name is not verified here; one with an alias, which
    might be somebody else's `decoder.pth`, counts only if it is sound."""
    for folder in _everywhere(folders):
        if (folder / entry.filename).is_file():
            return folder / entry.filename
        for path in (folder / alias for alias in entry.aliases):
            if path.is_file() and sound(path, entry):
                return path
    return None


def ensure(entry: WeightFile, folders: Sequence[Path] = (), progress: Progress | None = None) -> Path:
    """The verified file: found, or else downloaded into the first of `homes` that can be written.

    `progress(bytes done, bytes in all)` may raise to stop. A verified file never touches the network, and with
    BRUSHWORK_OFFLINE=1 nothing does. `WeightsError` says what is wrong with a file, or where to get it and to put it.
    """
    path = locate(entry, folders)
    good = path is not None and sound(path, entry)
    action = decide(
        present=path is not None,
        sound=good,
        ours=path is not None and not good and _cached(path),
        fetchable=entry.fetchable,
        offline=os.environ.get("BRUSHWORK_OFFLINE", "0") not in ("", "0"),
    )
    if action is Action.FETCH and find_spec("pooch") is None:
        raise WeightsError(_how_to_get(entry, folders, "pooch is not installed", "pip install pooch, or "))
    if action is Action.FETCH:
        return fetch(entry, path or writable_home(folders) / entry.filename, progress)
    if path is None or action is Action.OFFLINE:
        offline = action is Action.OFFLINE
        why = "BRUSHWORK_OFFLINE is set" if offline else "nobody publishes a checksum to verify it with"
        raise WeightsError(_how_to_get(entry, folders, why))
    if action is Action.REFUSE:
        verify(path, entry)
    return path


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
    total = sum(_size(state) for state in states)
    paths, before = {}, 0
    for state in states:
        report = partial(_report, progress, before, total) if progress else None
        paths[state.role] = ensure(state.file, folders, report)
        before += _size(state)
    return paths


def read_tensors(path: Path, format: str) -> dict[str, Tensor]:
    """The named tensors of a file, on the CPU. In a checkpoint they may lie one level down, among other things. A file
    whose name ends in `.gz` is unpacked.

    Pickles are opened with `weights_only=True`: they come from strangers. `WeightsError` if it cannot be opened.
    """
    try:
        content = _open(path, format)
    except Exception as error:  # a hostile or broken file can raise anything
        reason = type(error).__name__
        raise WeightsError(
            f"{path} cannot be opened as {format} weights ({reason}): delete it and get it anew."
        ) from error
    for candidate in [content, *content.values()] if isinstance(content, Mapping) else []:
        if isinstance(candidate, Mapping) and candidate and all(isinstance(v, Tensor) for v in candidate.values()):
            return {str(key): tensor for key, tensor in candidate.items()}
    raise WeightsError(f"{path} holds no named tensors: put the published file there.")


def _open(path: Path, format: str) -> object:
    packed = path.suffix == ".gz"
    if format == "safetensors":
        from safetensors.torch import load, load_file

        return load(gzip.decompress(path.read_bytes())) if packed else load_file(path)
    if format == "torch":
        file = BytesIO(gzip.decompress(path.read_bytes())) if packed else path
        return torch.load(file, map_location="cpu", weights_only=True)
    raise ValueError(f"unknown format {format}")


def _everywhere(folders: Sequence[Path]) -> Iterator[Path]:
    yield BUILTIN
    yield from homes(folders)


def _cached(path: Path) -> bool:
    cache = cache_folder()
    return cache is not None and path.is_relative_to(cache)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _how_to_get(entry: WeightFile, folders: Sequence[Path], why: str, first: str = "") -> str:
    if not entry.urls:
        return f"{entry.filename} comes with Brushwork and is missing: install Brushwork again."
    home = next(homes(folders), None)
    where = f"at {home / entry.filename}" if home else "in a folder that BRUSHWORK_WEIGHTS names"
    remedy = f"{first}get it from {entry.urls[0]} and put it {where}"
    return f"{entry.filename} is missing and not downloaded, as {why}: {remedy}."


def _size(state: FileState) -> int:
    return 0 if state.path else round(state.file.megabytes * 1e6)


def _report(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(min(before + done, total), total)
