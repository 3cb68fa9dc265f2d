"""Which exceptions are a message to a person, and which are bugs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .graph import WorkflowError

NO_MEMORY = re.compile("DefaultCPUAllocator: (can't allocate|not enough) memory")
"""What torch says of it."""
LONGEST = 600
"""Characters of a message: a name in it may be of any length."""


def one_line(text: str) -> str:
    """A text on one line of a terminal: what a terminal would obey is spelt out, the middle of a long one left out."""
    line = " ".join(text.split())
    line = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"


def user_message(error: BaseException) -> str | None:
    """The one line to show a person, or None where the exception is a bug that has to keep its traceback.

    Messages are raised as ValueError, OSError, KeyError and subclasses of RuntimeError. A bare RuntimeError is torch's,
    and a KeyError that holds nothing but a key is a dictionary's. Memory that is not to be had is nobody's bug.
    """
    on_a_gpu = type(error).__name__ == "OutOfMemoryError"  # torch's; a line of help does not wait for torch
    if on_a_gpu or isinstance(error, MemoryError) or (type(error) is RuntimeError and NO_MEMORY.search(str(error))):
        return "there is not enough memory: take smaller pictures, or fewer at once"
    bug = type(error) is RuntimeError or isinstance(error, NotImplementedError | RecursionError)
    if bug or not isinstance(error, ValueError | OSError | KeyError | RuntimeError):
        return None
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    line = one_line(text)
    return line if " " in line else None


@contextmanager
def error_context(name: str) -> Iterator[None]:
    """Inside the block, put the name of a node before every message to a person."""
    try:
        yield
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        raise WorkflowError(f"{name}: {message}") from error
