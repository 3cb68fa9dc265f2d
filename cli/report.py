"""What becomes of each picture and video: what is said of it, and whether an error ends a run of many."""

import errno
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import IO

from typer import echo

from ..runner.errors import user_message
from ..tiling.policy import out_of_memory
from .contents import STREAM, Found
from .order import Stylization
from .progress import printable

log = logging.getLogger(__name__)

NAMED = 20
"""Failures that the last line names; each was said when it happened."""
GONE = ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENODEV", "ENOTCONN", "ESTALE", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT")
"""Errors of writing after which no other picture can be written either: the disk is full, or the drive is gone."""
UNREAD = 20
"""Contents in a row that are not there any more, or that the drive does not give: then the drive is gone."""
STATUSES = {"painted": "painted", "skipped": "done before", "planned": "to paint", "failed": "failed"}
"""What becomes of a file, in JSON and in words."""


class UnfinishedError(RuntimeError):
    """Some of many could not be painted."""


class StoppedError(OSError):
    """No more can be written, or read."""


@dataclass
class Report:
    """What became of each content: said at once in JSON, and summed up at the end."""

    order: Stylization
    counts: Counter[str] = field(default_factory=Counter)
    painted: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unread: int = 0
    """Contents in a row up to now that the drive did not give."""
    started: float = field(default_factory=perf_counter)
    stdout: IO[str] | None = None
    """Where lines go, unless it is `sys.stdout` of the moment."""

    def tell(self, one: Stylization, status: str, **more: object) -> None:
        self.counts[status] += 1
        if status == "painted" and str(one.output) != STREAM:
            self.painted.append(one.output)
        if self.order.json:
            line = {"status": status, "content": one.contents[0], "output": str(one.output), "styles": one.styles}
            echo(json.dumps(line | more), self.stdout)

    @contextmanager
    def attempt(self, orders: Sequence[Stylization], reading: bool = False) -> Iterator[None]:
        """Inside the block an error is that of these, and the others go on; unless nothing can be written any more.

        An error of the disk in `reading` may be that of one bad file; many in a row are a drive that is gone.
        """
        try:
            yield
            self.unread = 0
        except StoppedError:
            raise
        except Exception as error:
            line = user_message(error)
            if out_of_memory(error):
                line = f"{orders[0].contents[0]} needs more memory than there is: shrink it by --max-size"
            if not self.order.into_folder:
                if self.order.json and line is not None and not self.counts["failed"]:
                    self.tell(orders[0], "failed", error=line)
                if line is None or not out_of_memory(error):
                    raise
                raise ValueError(line) from error
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            stays = "what is painted stays, and the same command goes on from there"
            ends = isinstance(cause, OSError) and errno.errorcode.get(cause.errno or 0) in GONE
            if ends and not reading:
                self.name_painted()
                raise StoppedError(f"{line}: see to the disk; {stays}") from error
            self.unread = self.unread + 1 if ends or isinstance(cause, FileNotFoundError) else 0
            if self.unread == UNREAD:
                self.name_painted()
                row = f"{UNREAD} contents in a row cannot be read, the last of them {orders[0].contents[0]}"
                raise StoppedError(f"{row}: see to the drive or the folder that they are on; {stays}") from error
            if line is None:  # a bug, which shall not cost the others a night
                line = f"{type(error).__name__}: {error}"
                log.error("%s", printable(orders[0].contents[0]), exc_info=error)
            content = orders[0].contents[0]
            line = line if " ".join(content.split()) in line else f"{content}: {line}"
            log.warning("%s", printable(line))
            self.failures.append(line)
            for one in orders:
                self.tell(one, "failed", error=line)

    def name_painted(self) -> None:
        """Where an error takes the place of the answer."""
        for path in () if self.order.json else self.painted:
            echo(printable(str(path)), self.stdout)

    def end(self, found: Found) -> None:
        """Sum up what became of many; UnfinishedError where some failed."""
        if not self.order.into_folder:
            return
        passed = {"hidden": found.hidden, "no pictures": found.others}
        counts = {status: self.counts[status] for status in STATUSES if self.counts[status]}
        if self.order.json:
            seconds = round(perf_counter() - self.started, 3)
            echo(json.dumps({"status": "end", **counts, "passed over": passed, "seconds": seconds}), self.stdout)
        else:
            over = ", ".join(f"{count} {name}" for name, count in passed.items() if count)
            line = ", ".join(f"{count} {STATUSES[status]}" for status, count in counts.items())
            echo(line + f"; passed over: {over}" * bool(over) + ".", err=True)
        if self.failures:
            self.name_painted()
            named = "; ".join(self.failures[:NAMED])
            more = f"; and {len(self.failures) - NAMED} more" if len(self.failures) > NAMED else ""
            tried = self.counts["painted"] + self.counts["failed"]
            raise UnfinishedError(f"{len(self.failures)} of {tried} could not be painted: {named}{more}")
