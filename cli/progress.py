"""A progress bar in the terminal, on stderr, so that stdout holds nothing but the answer."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[float, int, str], None]
"""Called with the steps done, their total, and the name of what is at work."""


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """What to give as `on_progress` inside the block."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    times = TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(compact=True)
    columns = BarColumn(), MofNCompleteColumn(), *times, TextColumn("{task.description}", markup=False)
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("")

        def update(done: float, total: int, name: str) -> None:
            bars.update(task, completed=done, total=total, description=name)

        yield update


def printable(text: str) -> str:
    """`text` for any console: what could not be printed, or would move the cursor, as an escape."""
    plain = "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode() for each in text
    )
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return plain.encode(encoding, "backslashreplace").decode(encoding)
