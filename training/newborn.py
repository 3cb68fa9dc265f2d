"""Weights to start from."""

from typing import TypeVar

import torch
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def give_birth(module: Net, seed: int) -> Net:
    """Random convolutions of the size that ReLUs keep (He et al. 2015), and no biases; the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias) if layer.bias is not None else None
    return module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
