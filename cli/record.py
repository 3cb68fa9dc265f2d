"""What was painted into a folder, from what and how: what is done need not be done again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

log = logging.getLogger(__name__)

FILE = ".brushwork.jsonl"
"""Beside the outputs: a line of JSON for each, the last one of an output counts."""


class Source(NamedTuple):
    """What tells that a file is still the same."""

    name: str
    bytes: int
    time: int
    """Nanoseconds."""

    @staticmethod
    def of(file: Path) -> Source:
        """Of the file as it is now; OSError."""
        found = file.stat()
        return Source(file.name, found.st_size, found.st_mtime_ns)


class Record:
    """The record in a folder of outputs."""

    def __init__(self, folder: Path) -> None:
        """What cannot be read, as the line that a killed run was writing, is no record of anything."""
        self.folder, self._lines, self._lock = folder, dict[str, Mapping[str, Any]](), Lock()
        self._torn = False
        try:
            text = (folder / FILE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        self._torn = bool(text) and not text.endswith("\n")
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._lines[entry["output"]] = entry
            except (ValueError, TypeError, KeyError, RecursionError):
                continue

    @property
    def outputs(self) -> set[Path]:
        """Every file in it, written or claimed, resolved."""
        folder = self.folder.resolve()
        return {folder / name for name in self._lines}

    def has(self, output: Path, content: Path, made_by: str) -> bool:
        """Whether the output is there as it was written, from this content as it is now, by the same order."""
        entry = self._lines.get(self._name(output))
        try:
            return entry is not None and entry == self._entry(output, Source.of(content), made_by)
        except OSError:
            return False

    def add(self, output: Path, content: Source, made_by: str) -> None:
        """That an output was written, of a content as it was before it was read; OSError where the record cannot be."""
        self._append([self._entry(output, content, made_by)])

    def claim(self, outputs: Sequence[Path]) -> None:
        """That outputs are about to be written, which a run that is killed leaves as ours; OSError as for `add`."""
        self._append([{"output": self._name(output)} for output in outputs])

    def _append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        with self._lock, (self.folder / FILE).open("a", encoding="utf-8") as file:
            file.write("\n" * self._torn + "".join(json.dumps(entry) + "\n" for entry in entries))
            self._torn = False
            self._lines.update({entry["output"]: entry for entry in entries})

    def _name(self, output: Path) -> str:
        return output.relative_to(self.folder).as_posix()

    def _entry(self, output: Path, content: Source, made_by: str) -> dict[str, Any]:
        return {
            "output": self._name(output),
            "bytes": output.stat().st_size,
            "content": content.name,
            "content_bytes": content.bytes,
            "content_time": content.time,
            "made_by": made_by,
        }


def fingerprint(settings: Mapping[str, Any], files: Sequence[Path]) -> str:
    """Of settings, and of what files hold."""
    whole = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:16]


@contextmanager
def alone(folder: Path, made_by: str) -> Iterator[None]:
    """While the block runs, no other run paints the same into the folder; OSError where one does.

    Runs of other orders may: each file appears whole, whoever writes it.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".brushwork.{made_by}.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OSError(f"another run paints the same into {folder}: wait until it is through") from error
    except (NotImplementedError, OSError) as error:  # a network drive may have no locks
        log.warning("%s cannot be locked, so mind that no other run paints the same there: %s", folder, error)
        yield
        return
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):  # the next run has it already
            path.unlink()
