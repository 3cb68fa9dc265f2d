import pytest
import torch

from brushwork.models.weights.manifest import WeightsError
from brushwork.runner.errors import error_context, user_message
from brushwork.runner.graph import WorkflowError

NO_MEMORY = "there is not enough memory: take smaller pictures, or fewer at once"
SHOWN = [
    (ValueError("too few: give more"), "too few: give more"),
    (WorkflowError("too few: give more"), "too few: give more"),
    (WeightsError("a file is\n  missing"), "a file is missing"),
    (KeyError("no such level: choose one"), "no such level: choose one"),
    (FileNotFoundError(2, "No such file", "a.png"), "[Errno 2] No such file: 'a.png'"),
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), NO_MEMORY),
    (MemoryError(), NO_MEMORY),
    (
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried 9"),
        NO_MEMORY,
    ),
    (ValueError("a \x1b[2J\u202eb\ud800 é 名"), "a \\x1b[2J\\u202eb\\ud800 é 名"),
    (ValueError(f"no {'x' * 5000}: choose another"), f"no {'x' * 297} ... {'x' * 284}: choose another"),
]
BUGS = [
    RuntimeError("the shape of memory"),
    KeyError("width"),
    KeyError(),
    ValueError(),
    RuntimeError("sizes do not match"),
    NotImplementedError("not yet done"),
    RecursionError("too deep here"),
    TypeError("not a number"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize(("error", "line"), SHOWN)
def test_messages_become_one_line(error: Exception, line: str) -> None:
    assert user_message(error) == line
    with pytest.raises(WorkflowError) as caught, error_context("AdaIN (node 5)"):
        raise error
    assert str(caught.value) == f"AdaIN (node 5): {line}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("bug", BUGS, ids=repr)
def test_bugs_pass_through(bug: BaseException) -> None:
    assert user_message(bug) is None
    with pytest.raises(type(bug)) as caught, error_context("AdaIN (node 5)"):
        raise bug
    assert caught.value is bug
