"""How fast it could be: a network's operations, and how many of them this machine does a second."""

from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

CHANNELS, HEIGHT, WIDTH = 128, 64, 256
"""Of the convolution that the rate is taken from: what vectors and threads like, and no more than the cache holds."""
OPERATIONS = 2 * CHANNELS * CHANNELS * 9 * HEIGHT * WIDTH

Result = TypeVar("Result")


def convolution(dtype: torch.dtype) -> Callable[[], Tensor]:
    """A 3x3 convolution of `OPERATIONS`; what they take is the best that a network of convolutions can hope for."""
    values = torch.rand(1, CHANNELS, HEIGHT + 2, WIDTH + 2, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.rand(CHANNELS, CHANNELS, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    return torch.inference_mode()(lambda: F.conv2d(values, weight))


def counted(work: Callable[[], Result]) -> tuple[Result, int]:
    """What `work` gives, and the operations of its products (a multiplication and an addition are two)."""
    with FlopCounterMode(display=False) as counter:
        result = work()
    return result, counter.get_total_flops()
