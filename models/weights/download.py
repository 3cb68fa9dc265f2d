"""Weight files compared with their published hash, and fetched: to a temporary name, resumed, verified, renamed."""

import hashlib
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from socket import gaierror
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, proxy_bypass, urlopen

from .manifest import WeightFile, WeightsError

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all (0 where unknown). What it raises ends the download; a later one goes on."""

TIMEOUT = 20.0
"""Seconds to wait for a connection, for an answer, and for the next bytes."""
CHUNK = 1 << 16
"""Bytes between two reports of progress."""
HASH_BLOCK = 1 << 20
"""Bytes hashed at once."""


class TransferError(Exception):
    """Why one address did not give the file, and what may help; the bytes that have arrived are worth keeping."""

    def __init__(self, reason: str, remedy: str = "try again") -> None:
        super().__init__(reason)
        self.remedy = remedy


class DamagedError(TransferError):
    """The bytes that have arrived cannot become the file."""


def mismatch(path: Path, entry: WeightFile, remember: bool = True) -> str | None:
    """How the file at `path` differs from `entry`, as `expected ..., got ...`; None where it is valid.

    A file whose entry has no hash is held to what is known of it: its size, or nothing. With `remember` a file is
    hashed once a process, and again only when it changes. OSError if it cannot be read.
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
        found = mismatch(path, entry)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}): give yourself the right to read it.") from error
    if found:
        remedy = "delete it, and it is downloaded again" if entry.fetchable else "replace it with the one"
        source = f"from {entry.urls[0]}" if entry.urls else "that comes with Brushwork"
        raise WeightsError(f"{path} is not the published file ({found}): {remedy} {source}.")


def is_valid(path: Path, entry: WeightFile) -> bool:
    """Whether `verify` has nothing to say."""
    try:
        verify(path, entry)
    except WeightsError:
        return False
    return True


def fetch(entry: WeightFile, destination: Path, progress: Progress | None = None) -> Path:
    """Download `entry` to `destination`, trying its URLs in turn, and return `destination`.

    Bytes go to `<destination>.part`, are verified, then renamed. Of several processes one downloads, under a lock; the
    others wait and find it done. Proxies are those of the system, or of `http_proxy`, `https_proxy` and `no_proxy`.
    `WeightsError` names the file, the reasons, the remedies, a URL and where to put the file by hand.
    """
    report, failures = progress or (lambda done, total: None), list[TransferError]()
    part = destination.with_name(f"{destination.name}.part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _locked(destination, lambda: report(part.stat().st_size if part.is_file() else 0, 0)):
            if destination.is_file() and not mismatch(destination, entry):
                return destination
            for url in entry.urls:
                try:
                    _complete(url, part, entry, report)
                except TransferError as failure:
                    failures.append(failure)
                else:
                    os.replace(part, destination)
                    return destination
    except OSError as error:
        raise WeightsError(
            f"{destination} cannot be written ({error.strerror or error}): free or unlock it."
        ) from error
    remedies = dict.fromkeys(failure.remedy for failure in failures)
    raise WeightsError(
        f"{entry.filename} could not be downloaded ({'; '.join(map(str, failures))}): "
        f"{', or '.join([*remedies, f'get it from {entry.urls[0]}'])} and put it at {destination}."
    )


def _complete(url: str, part: Path, entry: WeightFile, report: Progress) -> None:
    """Bring `part` to its full length and verify it; one that was resumed and is bad is begun anew, once."""
    resumed = part.is_file()
    try:
        if not resumed or mismatch(part, entry, remember=False):
            _transfer(url, part, entry, report)
            if found := mismatch(part, entry, remember=False):
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
    host = urlsplit(url).netloc
    with part.open("ab") as file, _answer(url, file.tell()) as answer:
        if answer.headers.get_content_type() == "text/html":  # of a hotel's network, say
            raise TransferError(
                f"{host} sent a web page in the place of the file", "open the address in a browser and log in there"
            )
        if answer.status != 206:  # the whole file, whatever was asked for
            file.truncate(0)
        done = file.seek(0, os.SEEK_END)
        announced = done + answer.length if answer.length else 0
        chunk = None
        while chunk != b"":
            report(done, entry.bytes or announced)
            try:
                chunk = answer.read(CHUNK)
            except (OSError, HTTPException) as error:
                raise TransferError(f"the connection to {host} was cut") from error
            done += len(chunk)
            if entry.bytes is not None and done > entry.bytes:
                raise DamagedError(f"the answer is longer than the file's {entry.bytes} bytes")
            file.write(chunk)
    if done < announced:
        raise TransferError(f"the connection to {host} was cut")


def _answer(url: str, start: int) -> HTTPResponse:
    """What the server says to a request for the bytes from `start` on; TransferError with words to act on."""
    address, certificates = urlsplit(url), ssl.create_default_context()
    with suppress(ImportError):  # Python for macOS comes without certificates
        import certifi

        certificates.load_verify_locations(certifi.where())
    host, way, remedy = address.netloc, "", "try again"
    proxy = None if proxy_bypass(host) else getproxies().get(address.scheme)
    if proxy:
        place = urlsplit(proxy if "//" in proxy else f"//{proxy}").netloc.rpartition("@")[2]  # without a password
        way = f" through the proxy {place}"
        remedy = f"set {address.scheme}_proxy to a proxy that works, or no_proxy to {address.hostname}"
    headers = {"User-Agent": "brushwork"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return urlopen(Request(url, headers=headers), timeout=TIMEOUT, context=certificates)
    except HTTPError as error:
        error.close()
        if error.code == 416:  # the partial file is already as long as the file, and wrong
            raise DamagedError(f"{host} has no more of the file") from error
        if error.code == 407:
            raise TransferError(f"no connection to {host}{way}: it asks for a password", remedy) from error
        if error.code in (401, 403, 451):
            remedy = "ask whoever keeps your network whether it lets this address through"
        elif error.code == 429 or error.code >= 500:
            remedy = "try again later"
        raise TransferError(f"{host} answered {error.code} {error.reason}", remedy) from error
    except (OSError, HTTPException) as error:
        cause = getattr(error, "reason", error)  # what URLError wraps
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise TransferError(
                f"the certificate of {host} is not one of those trusted here: {cause.verify_message}",
                "set SSL_CERT_FILE to the file of certificates that your network or virus scanner uses",
            ) from error
        if isinstance(cause, TimeoutError):
            raise TransferError(f"{host} did not answer in time{way}", remedy) from error
        if proxy:  # which says itself why it will not
            refusal = str(cause).partition("Tunnel connection failed: ")[2]
            way += f": it answered {refusal}" if refusal else ""
        elif isinstance(cause, gaierror):
            way, remedy = ": its name is not known here", "see whether this machine is online, and try again"
        elif isinstance(cause, ConnectionRefusedError):
            way = ": it refuses connections"
        raise TransferError(f"no connection to {host}{way}", remedy) from error


@contextmanager
def _locked(destination: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on `destination`; while another process holds it, call `waiting`, which may give up by raising."""
    from filelock import FileLock, Timeout  # torch needs it, so it is always there

    lock = FileLock(f"{destination}.lock")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            waiting()
    try:
        yield
    finally:
        lock.release()


@lru_cache(maxsize=256)
def _digest(path: Path, stamp: tuple[int, int, int], kind: str) -> str:
    """sha256 of the content, or git's name for it; `stamp` is (bytes, time, inode), so that a change is seen."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % stamp[0], usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(HASH_BLOCK):
            digest.update(chunk)
    return digest.hexdigest()
