"""Watches a block of code from below: what it writes, and whether it starts a process or calls somebody up."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

MOVES = ("os.rename", "os.link", "os.symlink")
CHANGES = ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree")
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "socket.connect", "pty.spawn")


class AuditHook:
    """What was done while it looked."""

    def __init__(self) -> None:
        self.looking = False
        self.touched: list[Path] = []
        self.called: list[str] = []

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.looking:
            return
        if event in NEVER:
            self.called.append(event)
        elif (event == "open" and _writes(*arguments[1:3])) or (event in CHANGES and not _below(arguments[-1])):
            self._touch(arguments[0])
        elif event in MOVES:
            self._touch(arguments[0])
            self._touch(arguments[1])

    def _touch(self, path: object) -> None:
        if isinstance(path, str | bytes | os.PathLike) and "__pycache__" not in str(path):
            self.touched.append(Path(os.path.realpath(os.fsdecode(path))))


def _writes(mode: object, flags: object) -> bool:
    asked = isinstance(mode, str) and bool(set(mode) & set("wax+"))
    return asked or (isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))


def _below(folder: object) -> bool:
    """Whether a path starts at an open folder, as where `shutil.rmtree`, which is seen, goes on its way."""
    return isinstance(folder, int) and folder != -1


@cache
def audit_hook() -> AuditHook:
    """The one there is: Python keeps such a hook until it ends."""
    made = AuditHook()
    sys.addaudithook(made)
    return made


@contextmanager
def confined(*folders: Path) -> Iterator[None]:
    """AssertionError where the block wrote outside of `folders`, started a process, or opened a connection."""
    seen = audit_hook()
    seen.touched, seen.called, seen.looking = [], [], True
    try:
        yield
    finally:
        seen.looking = False
    allowed = [folder.resolve() for folder in folders]
    outside = [path for path in seen.touched if not any(path.is_relative_to(folder) for folder in allowed)]
    assert not outside and not seen.called, (outside, seen.called)
