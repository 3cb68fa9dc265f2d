"""Times of several ways side by side, operations and memory of one, and how far pictures are apart."""

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

STATUS = Path("/proc/self/status")
CHANNELS, HEIGHT, WIDTH = 128, 64, 256
"""Of the convolution that the rate is taken from: what vectors and threads like, and no more than the cache holds."""
OPERATIONS = 2 * CHANNELS * CHANNELS * 9 * HEIGHT * WIDTH

Result = TypeVar("Result")


def interleaved(ways: Mapping[str, Callable[[], Tensor]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every way, `repeats` times each in turn, so that whatever slows the machine slows all of them.

    Each has to have run once before.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = perf_counter()
            way()
            seconds[name].append(perf_counter() - start)
    return seconds


def ratio(ours: list[float], plain: list[float]) -> float:
    """The median of what ours took over what the plain way took in the same turn."""
    return median(own / other for own, other in zip(ours, plain, strict=True))


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


def in_fresh_process(work: Callable[..., Result], *arguments: Any) -> Result:  # noqa: ANN401 - the function's own
    """What a function of a module gives in a process of its own, which holds no memory of other work."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def own_peak() -> int:
    """Bytes that this process has held at most; 0 where the system does not say.

    Not `getrusage`, whose figure a process inherits from the one that started it.
    """
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def decibels(picture: Tensor, reference: Tensor) -> float:
    """PSNR of two pictures as a person gets them, clamped to 0..1; infinite for the same picture."""
    error = (picture.clamp(0, 1) - reference.clamp(0, 1)).square().mean()
    return float(-10 * error.log10())
