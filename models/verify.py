"""Whether a file on disk is the one that was published."""

import hashlib
from functools import lru_cache
from pathlib import Path

from .manifest import WeightFile, WeightsError

CHUNK = 1 << 20


def fault(path: Path, entry: WeightFile, remember: bool = True) -> str | None:
    """What is wrong with the file at `path`, as `expected ..., got ...`; None if it is sound. A file whose entry has no
    hash is held to what is known of it: its size, or nothing. OSError if it cannot be read.

    With `remember` a file is hashed once a process, and again only when it changes.
    """
    status = path.stat()
    if entry.bytes is not None and status.st_size != entry.bytes:
        return f"expected {entry.bytes} bytes, got {status.st_size}"
    kind, expected = ("sha256", entry.sha256) if entry.sha256 else ("git blob", entry.git_blob)
    if expected is None:
        return None
    stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
    got = (_digest if remember else _digest.__wrapped__)(path, stamp, kind)
    return None if got == expected else f"expected {kind} {expected}, got {got}"


def verify(path: Path, entry: WeightFile) -> None:
    """Raise `WeightsError` unless the file at `path` is what `entry` says; it stays where it is."""
    try:
        found = fault(path, entry)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}): give yourself the right to read it.") from error
    if found:
        remedy = "delete it, and it is downloaded again" if entry.fetchable else "replace it with the one"
        source = f"from {entry.urls[0]}" if entry.urls else "that comes with Brushwork"
        raise WeightsError(f"{path} is not the published file ({found}): {remedy} {source}.")


def sound(path: Path, entry: WeightFile) -> bool:
    """Whether `verify` has nothing to say."""
    try:
        verify(path, entry)
    except WeightsError:
        return False
    return True


@lru_cache(maxsize=256)
def _digest(path: Path, stamp: tuple[int, int, int], kind: str) -> str:
    """sha256 of the content, or git's name for it; `stamp` is (bytes, time, inode), so that a change is seen."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % stamp[0], usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
