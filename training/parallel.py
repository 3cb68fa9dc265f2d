"""Training on many devices at once: one process a device, started by torchrun, on one machine or on several.

    torchrun --nproc_per_node 4 -m brushwork train RECIPE ...

Every process draws crops of its own, and gradients are their mean: N processes take the steps that one would take with
N times the batch. Outside of torchrun all this is one process, and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

Thing = TypeVar("Thing")


@contextmanager
def joined() -> Iterator[None]:
    """Inside the block this process belongs to the group that torchrun's environment describes, if there is one."""
    if "WORLD_SIZE" not in os.environ or not distributed.is_available():
        yield
        return
    device = training_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def training_device() -> torch.device:
    """The graphics card that is this process's own; the CPU where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    index, cards = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if index >= cards:
        raise ValueError(f"there are more processes than the {cards} graphics cards: set --nproc_per_node to {cards}.")
    return torch.device("cuda", index)


def rank() -> int:
    """The number of this process in its group; 0, which alone writes files, where there is no group."""
    return distributed.get_rank() if _grouped() else 0


def from_first(thing: Callable[[], Thing]) -> Thing:
    """What `thing` returns in process 0, in all of them: a checkpoint need only lie on the first machine."""
    if not _grouped():
        return thing()
    box = [thing() if rank() == 0 else None]
    distributed.broadcast_object_list(box)
    return box[0]  # pyright: ignore[reportReturnType]


def mean(values: Tensor) -> Tensor:
    """The mean of `values` over all processes."""
    if not _grouped():
        return values
    values = values.clone()
    distributed.all_reduce(values)
    return values / distributed.get_world_size()


def differentiated(learner: nn.Module, losses: Callable[[], dict[str, Tensor]]) -> Callable[[], dict[str, Tensor]]:
    """`losses`, such that their gradients in the weights of `learner` are the mean over all processes."""
    if not _grouped():
        return losses
    # A step of StyleBank meets few of the kernels; the others must not be waited for.
    return nn.parallel.DistributedDataParallel(_Lesson(learner, losses), find_unused_parameters=True)


class _Lesson(nn.Module):
    """Losses as a module's forward, with the learner inside: what torch asks for."""

    def __init__(self, learner: nn.Module, losses: Callable[[], dict[str, Tensor]]) -> None:
        super().__init__()
        self.learner, self.losses = learner, losses

    def forward(self) -> dict[str, Tensor]:
        return self.losses()


def _grouped() -> bool:
    return distributed.is_available() and distributed.is_initialized()
