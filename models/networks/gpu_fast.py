"""The layers' work in fewer kernels on a GPU, where nothing learns: a border and sub-pixels are one gather, bias and
ReLU are part of the convolution; with Triton, norm, ReLU, pool and border are one kernel. Every function gives what the
plain layers give, up to rounding."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from .cpu_fast import reflect_pad, replicate_pad
from .kept import SIZES, KeepingConv

WIDE = 16
"""Bytes that a thread of the gather moves at once."""
FUSED_TYPES = (torch.float16, torch.bfloat16)
TRITON_TYPES = (*FUSED_TYPES, torch.float32)
TRITON = "BRUSHWORK_TRITON"
"""Environment variable: `0` leaves Triton alone."""

log = logging.getLogger(__name__)


def fewer_kernels(values: Tensor) -> bool:
    """Whether these ways are for `values` [B, C, h, w]: on CUDA, in NHWC, without gradients or autocast."""
    return (
        values.device.type == "cuda"
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cuda")
        and values.is_contiguous(memory_format=torch.channels_last)
    )


def in_one(
    values: Tensor,
    conv: KeepingConv | None = None,
    *,
    eps: float | None = None,
    moments: tuple[Tensor, Tensor] | None = None,
    relu: bool = False,
    pool: bool = False,
) -> Tensor | None:
    """`values` [B, C, h, w] in the border that `conv` sees, by one kernel of Triton; before that, as far as asked:

    - where there is an `eps`, normalised by the mean and variance [C] of `moments`, or by each picture's own, which
      take two kernels more;
    - after a ReLU, or the maxima of 2x2 cells, sizes rounded up.

    None where there is no such kernel, and the plain layers have to do it.
    """
    margin = conv.kernel_size[0] // 2 if conv else 0
    mirror = getattr(conv, "scale", 1) == 1
    least = min(values.shape[-2:])
    if (
        not fewer_kernels(values)
        or values.dtype not in TRITON_TYPES
        or values.shape[1] % 8  # which the kernels move together
        or (mirror and (-(-least // 2) if pool else least) <= margin)
        or not (own := kernels_of(values.device)).work
    ):
        return None
    try:
        from . import triton_kernels

        mean, variance = moments or (triton_kernels.statistics(values) if eps is not None else (None, None))
        return triton_kernels.finished(values, mean, variance, eps or 0.0, relu, pool, margin, mirror)
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a compiler for a card that nobody has tried may say
        log.debug("Triton's kernels failed, the plain layers serve: %s", error)
        own.work = False
        return None


@dataclass
class Kernels:
    """Of Triton, on one device."""

    work: bool
    """Until one of them fails."""


@cache
def kernels_of(device: torch.device) -> Kernels:
    """Whether Triton is there, compiles for the device, and means what we mean."""
    if os.environ.get(TRITON) == "0" or find_spec("triton") is None:
        return Kernels(False)
    try:
        from . import triton_kernels

        values = (torch.arange(2 * 5 * 7 * 16, device=device) % 13).half().view(2, 5, 7, 16).movedim(-1, 1)
        exact, moments = values.float(), triton_kernels.statistics(values)
        pairs = (
            (
                triton_kernels.finished(values, *moments, relu=True, margin=1),
                F.pad(F.instance_norm(exact).relu_(), (1,) * 4, mode="reflect"),
            ),
            (triton_kernels.finished(values, pool=True), F.max_pool2d(exact, 2, ceil_mode=True)),
        )
        return Kernels(all(bool(torch.isclose(found.float(), plain, 1e-2, 1e-2).all()) for found, plain in pairs))
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:
        log.debug("no kernels of Triton: %s", error)
        return Kernels(False)


def bordered(conv: KeepingConv, values: Tensor, pool: bool = False) -> Tensor:
    """`values` [B, C, h, w] in the border that `conv` sees: reflected, or repeated where it enlarges first.

    If told, the maxima of their 2x2 cells, sizes rounded up.
    """
    margin = conv.kernel_size[0] // 2
    if pool:
        if (pooled := in_one(values, conv, pool=True)) is not None:
            return pooled
        values = F.max_pool2d(values, 2, ceil_mode=True)
    height, width = values.shape[-2:]
    if not margin:
        return values
    if getattr(conv, "scale", 1) == 2:
        pad, mirror = replicate_pad, _repeated
    else:
        pad, mirror = (lambda cells: reflect_pad(cells, margin)), _reflected
    if not fewer_kernels(values) or min(height, width) <= margin:
        return pad(values)

    def places() -> tuple[Tensor, ...]:
        rows, columns = (mirror(length, margin, values.device) for length in (height, width))
        return rows[:, None], columns

    return _gathered(values.movedim(1, -1), conv.keep("border", (height, width, mirror), places, SIZES))


def large_map(conv: KeepingConv, subpixels: Tensor, margin: int = 0) -> Tensor:
    """The large map of sub-pixels [B, 4 C, h + 1, w + 1], in a border of `margin` cells that mirrors it.

    [B, C, 2 h + 2 margin, 2 w + 2 margin]. `conv` keeps where cells are.
    """
    height, width = (2 * (length - 1) for length in subpixels.shape[-2:])

    def places() -> tuple[Tensor, ...]:
        rows, columns = (_reflected(length, margin, subpixels.device) for length in (height, width))
        # Row r of the large map is row (r + 1) // 2 of the even or the odd sub-pixels.
        cells = (rows + 1) // 2, (columns + 1) // 2
        return cells[0][:, None], cells[1], (rows % 2)[:, None], columns % 2

    kept = conv.keep("large map", (height, width, margin), places, SIZES)
    return _gathered(subpixels.movedim(1, -1).unflatten(3, (2, 2, -1)), kept)


def convolved(conv: KeepingConv, values: Tensor, weight: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
    """`F.conv2d(values, weight, bias)` with the stride of `conv`, and a ReLU if told, in one kernel where cuDNN can."""
    may_fuse = conv.fuses and values.dtype in FUSED_TYPES and fewer_kernels(values)
    if relu and bias is not None and may_fuse and _fuses(values.device):
        try:
            return _fused(values, weight, bias, conv.stride)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError:
            conv.fuses = False
    result = F.conv2d(values, weight, bias, conv.stride)
    return result.relu_() if relu else result


def _fused(values: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, ...]) -> Tensor:
    return torch.ops.aten.cudnn_convolution_relu(values, weight, bias, stride, (0, 0), (1, 1), 1)


@cache
def _fuses(device: torch.device) -> bool:
    """Whether cuDNN is there, has convolution, bias and ReLU in one, and means what we mean."""
    values = (torch.arange(16 * 64, device=device) % 7 - 3).half().view(1, 16, 8, 8)
    weight = (torch.arange(16 * 144, device=device) % 5 - 2).half().view(16, 16, 3, 3)
    bias = weight[0, :, 0, 0].contiguous()
    try:
        values, weight = (one.contiguous(memory_format=torch.channels_last) for one in (values, weight))
        found, expected = _fused(values, weight, bias, (1, 1)), F.conv2d(values, weight, bias).relu_()
        return bool(torch.isclose(found.float(), expected.float(), rtol=1e-2, atol=1e-1).all())
    except (RuntimeError, NotImplementedError):
        return False


def _reflected(length: int, margin: int, device: torch.device) -> Tensor:
    """The cells that a row of `length` and its border show."""
    place = torch.arange(-margin, length + margin, device=device)
    return (length - 1) - ((length - 1) - place.abs()).abs()


def _repeated(length: int, margin: int, device: torch.device) -> Tensor:
    return torch.arange(-margin, length + margin, device=device).clamp_(0, length - 1)


def _gathered(cells: Tensor, places: tuple[Tensor, ...]) -> Tensor:
    """`cells` [B, h, w, ..., C] at places along all axes but the first and the last, as [B, C, H, W]; one kernel.

    A thread moves `WIDE` bytes where channels can be taken together so.
    """
    together = WIDE // cells.element_size()
    if cells.shape[-1] % together or cells.storage_offset() % together:
        return cells[(slice(None), *places)].movedim(-1, 1)
    return cells.view(torch.complex128)[(slice(None), *places)].view(cells.dtype).movedim(-1, 1)
