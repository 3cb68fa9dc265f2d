"""Weights to start from."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def seeded(make: Callable[[], Module], seed: int) -> Module:
    """What `make` builds with random weights; the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def kaiming_initialised(module: Module, seed: int) -> Module:
    """Random convolutions of the size that ReLUs keep (He et al. 2015), and no biases; the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias) if layer.bias is not None else None
    return module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def last_layer(network: nn.Module) -> nn.Conv2d:
    """The convolution that gives the picture: the last one of the network's decoder."""
    return [layer for layer in network.get_submodule("decoder").modules() if isinstance(layer, nn.Conv2d)][-1]


@torch.no_grad()
def centre_output(last: nn.Conv2d, mean: float, deviation: float) -> None:
    """Let the layer that gives the picture start at this mean and deviation, where its inputs are normalised."""
    last.weight.mul_(deviation)
    last.get_parameter("bias").fill_(mean)
