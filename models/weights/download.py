"""Weight files from the network: fetched to a temporary name, resumed, verified, renamed."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from .manifest import WeightFile, WeightsError

HASH_BLOCK = 1 << 20


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
        while chunk := file.read(HASH_BLOCK):
            digest.update(chunk)
    return digest.hexdigest()


if TYPE_CHECKING:
    from requests import RequestException, Response

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all (0 where unknown). What it raises ends the download; a later one goes on."""

TIMEOUT = (10.0, 30.0)
"""Seconds to wait for a connection, and for the next bytes."""
CHUNK = 1 << 16


class TransferError(Exception):
    """Why one address did not give the file; what has arrived is worth keeping."""


class DamagedError(TransferError):
    """What has arrived cannot become the file."""


def fetch(entry: WeightFile, destination: Path, progress: Progress | None = None) -> Path:
    """Download `entry` to `destination`, trying its URLs in turn, and return `destination`.

    Bytes go to `<destination>.part`, are verified, then renamed. Processes take turns; later ones find it done.
    `WeightsError` names the file, the reasons, a URL and where to put the file by hand.
    """
    report = progress or _silent
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _turn(destination, report):
            if not destination.is_file() or fault(destination, entry):
                _download(entry, destination, report)
    except OSError as error:
        raise WeightsError(
            f"{destination} cannot be written ({error.strerror or error}): free or unlock it."
        ) from error
    return destination


def _download(entry: WeightFile, destination: Path, report: Progress) -> None:
    part = _part(destination)
    reasons = []
    for url in entry.urls:
        try:
            _complete(url, part, entry, report)
        except TransferError as failure:
            reasons.append(str(failure))
        else:
            os.replace(part, destination)
            return
    raise WeightsError(
        f"{entry.filename} could not be downloaded ({'; '.join(reasons)}): "
        f"try again, or get it from {entry.urls[0]} and put it at {destination}."
    )


def _complete(url: str, part: Path, entry: WeightFile, report: Progress) -> None:
    """Bring `part` to its full length and verify it; one that was resumed and is bad is begun anew, once."""
    resumed = part.is_file()
    try:
        if not resumed or fault(part, entry, remember=False):
            _transfer(url, part, entry, report)
            if found := fault(part, entry, remember=False):
                raise DamagedError(f"{urlsplit(url).netloc} sent another file: {found}")
    except DamagedError:
        part.unlink()
        if not resumed:
            raise
        _complete(url, part, entry, report)
    finally:
        if part.is_file() and not part.stat().st_size:
            part.unlink()


def _transfer(url: str, part: Path, entry: WeightFile, report: Progress) -> None:
    """Append to `part` what it lacks, or write it anew if the server knows no ranges."""
    from pooch import HTTPDownloader
    from requests import RequestException

    with part.open("ab") as file:
        sink = _Sink(file, entry.bytes, report)
        # A compressed answer would be cut into ranges of the compressed bytes.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={sink.done}-"} if sink.done else {})
        load = HTTPDownloader(chunk_size=CHUNK, timeout=TIMEOUT, headers=headers, hooks={"response": sink.begin})
        try:
            load(url, sink, None)
        except RequestException as error:
            raise _reason(error, urlsplit(url).netloc, sink.answer) from error
        finally:
            sink.hang_up()
    if sink.done < sink.announced:
        raise TransferError(f"the connection to {urlsplit(url).netloc} was cut")


class _Sink:
    """The partial file as pooch sees it: it learns from the answer where the bytes belong, counts them, and reports."""

    def __init__(self, file: BinaryIO, expected: int | None, report: Progress) -> None:
        self.file, self.expected, self.report = file, expected, report
        self.done = file.tell()
        self.announced = 0
        self.answer: Response | None = None

    def begin(self, answer: "Response", **_: object) -> None:
        """requests' hook, called for every answer."""
        if answer.is_redirect:
            return
        self.answer = answer
        if answer.status_code == 200:  # the whole file, whatever we asked for
            self.file.truncate(0)
            self.done = 0
        if answer.ok:
            length = answer.headers.get("Content-Length", "0")
            self.announced = self.done + int(length) if length.isdigit() else 0
            self._tell()

    def write(self, chunk: bytes) -> None:
        self.done += len(chunk)
        if self.expected is not None and self.done > self.expected:
            raise DamagedError(f"the answer is longer than the file's {self.expected} bytes")
        self.file.write(chunk)
        self._tell()

    def flush(self) -> None:
        self.file.flush()

    def hang_up(self) -> None:
        if self.answer is not None:
            self.answer.close()

    def _tell(self) -> None:
        self.report(self.done, self.expected or self.announced)


def _reason(error: "RequestException", host: str, answer: "Response | None") -> TransferError:
    """In words that say what to look at."""
    from requests import ConnectionError, Timeout

    if answer is None:
        silent, alone = isinstance(error, Timeout), isinstance(error, ConnectionError)
        words = f"{host} did not answer in time" if silent else f"no connection to {host}" if alone else f"{error}"
        return TransferError(words)
    if answer.status_code == 416:  # the partial file is already as long as the file, and wrong
        return DamagedError(f"{host} has no more of the file")
    return TransferError(
        f"the connection to {host} was cut" if answer.ok else f"{host} answered {answer.status_code} {answer.reason}"
    )


@contextmanager
def _turn(destination: Path, report: Progress) -> Iterator[None]:
    """Wait until no other process fetches this file, reporting so that the caller can give up."""
    from filelock import FileLock, Timeout  # torch needs it, so it is always there

    lock = FileLock(f"{destination}.lock")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            part = _part(destination)
            report(part.stat().st_size if part.is_file() else 0, 0)
    try:
        yield
    finally:
        lock.release()


def _part(destination: Path) -> Path:
    return destination.with_name(f"{destination.name}.part")


def _silent(done: int, total: int) -> None:
    """For callers who do not look."""
