"""The number type that networks learn in: bfloat16 where the hardware is faster in it, else float32.

bfloat16 has the range of float32, so that no gradient vanishes and no loss has to be scaled. What losses sum over
pixels is float32 everywhere: `Moments` and the functions of losses.py see to that.
"""

from __future__ import annotations

import os
import time
from functools import cache

import torch
import torch.nn.functional as F

OVERRIDE = "BRUSHWORK_TRAINING_DTYPE"  # environment variable: `float32` or `bfloat16` in place of a measurement
LARGEST_TIME = 0.85  # of bfloat16, over that in float32: a measurement that wavers shall not choose another type


def autocast(device: torch.device) -> torch.autocast:
    """Inside, convolutions and matrix products compute in the `training_dtype` of `device`.

    Weights are cast at each use: torch's own cache would hand a weight that was first used without gradients to a
    later use that wants them.
    """
    dtype = training_dtype(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype is torch.bfloat16, cache_enabled=False)


def training_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on graphics cards of compute capability 8.0 and more, and on CPUs that were measured to gain by it.

    ValueError where the environment variable asks for another type.
    """
    asked = os.environ.get(OVERRIDE, "")
    if asked not in ("", "float32", "bfloat16"):
        raise ValueError(f"{OVERRIDE} is '{asked}': set it to float32 or bfloat16, or leave it out.")
    if asked:
        return getattr(torch, asked)
    cuda = device.type == "cuda"
    fast = torch.cuda.get_device_capability(device) >= (8, 0) if cuda else device.type == "cpu" and _cpu_gains()
    return torch.bfloat16 if fast else torch.float32


@cache
def _cpu_gains() -> bool:
    """Whether a convolution and its way back take clearly less time in bfloat16. Some CPUs only emulate it."""
    times = {dtype: min(_timed(dtype) for _ in range(3)) for dtype in (torch.float32, torch.bfloat16)}
    return times[torch.bfloat16] < LARGEST_TIME * times[torch.float32]


def _timed(dtype: torch.dtype) -> float:
    """Seconds of the kind of layer that loss networks spend most of their time in."""
    with torch.inference_mode(False), torch.enable_grad():
        values = torch.ones(2, 128, 64, 64, dtype=dtype).contiguous(memory_format=torch.channels_last)
        weight = torch.ones(128, 128, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
        started = time.perf_counter()
        output = F.conv2d(values.requires_grad_(), weight)
        torch.autograd.grad(output, values, output)
        return time.perf_counter() - started
