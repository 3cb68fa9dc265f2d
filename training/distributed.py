"""Training on many devices at once: one process a device, started by torchrun, on one machine or on several.

    torchrun --nproc_per_node 4 -m brushwork train RECIPE ...

Every process draws crops of its own, and gradients are their mean: N processes take the steps that one would take with
N times the batch. Outside of torchrun all this is one process, and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
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


def share(values: Iterable[Tensor]) -> None:
    """Overwrite `values`, weights to start from, by those of process 0."""
    for value in values if _grouped() else ():
        distributed.broadcast(value, 0)


def mean(values: Tensor) -> Tensor:
    """The mean of `values` over all processes."""
    if not _grouped():
        return values
    values = values.clone()
    distributed.all_reduce(values)
    return values / distributed.get_world_size()


def average_gradients(weights: Sequence[nn.Parameter]) -> None:
    """Give each of `weights` the mean of its gradients over all processes; none at all counts as zero."""
    if not _grouped():
        return
    gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
    flat = mean(torch.cat([gradient.flatten() for gradient in gradients]))
    for weight, gradient, part in zip(weights, gradients, flat.split([w.numel() for w in weights]), strict=True):
        weight.grad = gradient.copy_(part.view_as(gradient))


def _grouped() -> bool:
    return distributed.is_available() and distributed.is_initialized()
