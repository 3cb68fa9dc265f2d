"""A pack of the tests' ComfyUI: tells what is loaded, alive and logged, and makes memory scarce. Not for pytest."""

import ctypes
import gc
import logging
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import comfy.model_management  # pyright: ignore[reportMissingImports]
import execution  # pyright: ignore[reportMissingImports]
import torch
from aiohttp import web  # pyright: ignore[reportMissingImports]
from server import PromptServer  # pyright: ignore[reportMissingImports]
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .stranger import NODE_CLASS_MAPPINGS as NODE_CLASS_MAPPINGS

server = PromptServer.instance
memory = next(handler for handler in logging.getLogger().handlers if type(handler).__name__ == "Memory")


class Scarce(TorchDispatchMode):
    """No tensor may take more than `most` bytes, as on a device that is nearly full."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.refused = most, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor) and value.untyped_storage().nbytes() > self.most:
                self.refused += 1
                raise torch.OutOfMemoryError(f"a fake limit of {self.most} bytes: {func} of {tuple(value.shape)}")
        return result


limits: list[Scarce] = []
execute = execution.PromptExecutor.execute


def execute_scarcely(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401
    logging.getLogger().removeHandler(memory)
    with limits[-1] if limits else nullcontext():
        execute(self, *args, **options)


execution.PromptExecutor.execute = execute_scarcely


@server.routes.post("/probe/limit")
async def limit(request: web.Request) -> web.Response:
    """From now on no tensor may be larger than so many bytes; 0 lifts the limit. How often the last one was met."""
    most = (await request.json())["most"]
    refused = limits.pop().refused if limits else 0
    if most:
        limits.append(Scarce(most))
    return web.json_response(refused)


@server.routes.get("/probe/models")
async def models(request: web.Request) -> web.Response:
    """The bytes of every loaded model."""
    return web.json_response([model.loaded_size() for model in comfy.model_management.loaded_models()])


@server.routes.get("/probe/alive")
async def alive(request: web.Request) -> web.Response:
    """How many objects of each class of ours there are."""
    gc.collect()
    ours = [type(thing) for thing in gc.get_objects() if "brush-work" in str(type(thing).__module__)]
    return web.json_response(Counter(kind.__name__ for kind in ours))


@server.routes.get("/probe/trimmed")
async def trimmed(request: web.Request) -> web.Response:
    """Bytes of memory that the process holds after the allocator has given back what nothing uses (Linux)."""
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return web.json_response(int(status.partition("VmRSS:")[2].split()[0]) << 10)


@server.routes.get("/probe/warnings")
async def warnings(request: web.Request) -> web.Response:
    """Where each warning before the first prompt came from, and what it said."""
    return web.json_response(memory.records)  # pyright: ignore[reportAttributeAccessIssue]


@server.routes.get("/probe/flags")
async def flags(request: web.Request) -> web.Response:
    """What the server was asked to free, and has not begun to."""
    return web.json_response(server.prompt_queue.flags)
