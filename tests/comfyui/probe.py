"""A pack of the tests in the tests' ComfyUI: tells which models are loaded, and makes memory scarce. Not for pytest."""

from contextlib import nullcontext
from typing import Any

import comfy.model_management  # pyright: ignore[reportMissingImports]
import execution  # pyright: ignore[reportMissingImports]
import torch
from aiohttp import web  # pyright: ignore[reportMissingImports]
from server import PromptServer  # pyright: ignore[reportMissingImports]
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

NODE_CLASS_MAPPINGS: dict[str, type] = {}
routes = PromptServer.instance.routes


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
    with limits[-1] if limits else nullcontext():
        execute(self, *args, **options)


execution.PromptExecutor.execute = execute_scarcely


@routes.get("/probe/models")
async def models(request: web.Request) -> web.Response:
    """The parts of every loaded model, and its bytes."""
    loaded = comfy.model_management.loaded_models()
    names = [[type(part).__name__ for part in (one.model, *one.model.children())] for one in loaded]
    return web.json_response([[*name, one.loaded_size()] for name, one in zip(names, loaded, strict=True)])


@routes.post("/probe/limit")
async def limit(request: web.Request) -> web.Response:
    """From now on no tensor may be larger than so many bytes; 0 lifts the limit. How often the last one was met."""
    most = (await request.json())["most"]
    refused = limits.pop().refused if limits else 0
    if most:
        limits.append(Scarce(most))
    return web.json_response(refused)
