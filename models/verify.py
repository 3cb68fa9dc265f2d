"""Whether a file on disk is the one that was published."""

import hashlib
from functools import lru_cache
from pathlib import Path

from .manifest import WeightFile, WeightsError

CHUNK = 1 << 20


def fault(path: Path, entry: WeightFile) -> str | None:
    """What is wrong with the file at `path`, as `expected ..., got ...`; None if it is sound. A file whose entry has no
    hash is held to what is known of it, its size or nothing.

    The file is hashed once a process, and again only if its size or time changes.
    """
    status = path.stat()
    if entry.bytes is not None and status.st_size != entry.bytes:
        return f"expected {entry.bytes} bytes, got {status.st_size}"
    kind, expected = ("sha256", entry.sha256) if entry.sha256 else ("git blob", entry.git_blob)
    if expected is None:
        return None
    got = _digest(path, status.st_size, status.st_mtime_ns, kind)
    return None if got == expected else f"expected {kind} {expected}, got {got}"


def verify(path: Path, entry: WeightFile) -> None:
    """Raise `WeightsError` unless the file at `path` is what `entry` says; it stays where it is."""
    try:
        found = fault(path, entry)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error}): check that it exists and may be read.") from error
    if found:
        remedy = "delete it, and it is fetched again" if entry.fetchable else "replace it"
        source = f" from {entry.urls[0]}" if entry.urls else " by installing Brushwork again"
        raise WeightsError(f"{path} is not the published file ({found}): {remedy}{source}.")


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, modified: int, kind: str) -> str:
    """sha256 of the content, or git's name for it; `modified` only tells the versions of a file apart."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
