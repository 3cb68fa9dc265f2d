"""Borders around maps, on a GPU made of slices.

Torch's own are there for NCHW alone, and add atomically on the way back.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def reflected(values: Tensor, margin: int) -> Tensor:
    """`values` [B, C, h, w] in a border of `margin` cells that mirrors them: [B, C, h + 2 margin, w + 2 margin].

    The memory format stays; gradients are the same in every run. RuntimeError unless both sides exceed the margin.
    """
    if not slices(values):
        return F.pad(values, (margin,) * 4, mode="reflect")
    bordered: Tensor = _Bordered.apply(values, margin, 1)  # pyright: ignore[reportAssignmentType]
    return bordered


def repeated(values: Tensor) -> Tensor:
    """`values` [B, C, h, w] in a border of one cell that repeats theirs: [B, C, h + 2, w + 2]. Else as `reflected`."""
    if not slices(values):
        return F.pad(values, (1,) * 4, mode="replicate")
    bordered: Tensor = _Bordered.apply(values, 1, 0)  # pyright: ignore[reportAssignmentType]
    return bordered


def slices(values: Tensor) -> bool:
    """Whether slices are the better way; on a CPU torch's is twice as fast and keeps both format and order."""
    return values.device.type != "cpu"


class _Bordered(torch.autograd.Function):
    """The border's cell number n, counted outwards from 0, shows cell n + `first`, counted inwards."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, margin: int, first: int) -> Tensor:  # noqa: ANN401 - torch's own type
        ctx.margin, ctx.first = margin, first
        for axis in (2, 3):
            cells = [values.narrow(axis, first + number, 1) for number in range(margin)]
            last = values.shape[axis] - 1 - first
            others = [values.narrow(axis, last - number, 1) for number in range(margin)]
            values = torch.cat([*reversed(cells), values, *others], axis)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        margin, first = ctx.margin, ctx.first
        width = gradient.shape[3] - 2 * margin
        inner = gradient.narrow(3, margin, width).clone()
        for number in range(margin):
            inner.narrow(3, first + number, 1).add_(gradient.narrow(3, margin - 1 - number, 1))
            inner.narrow(3, width - 1 - first - number, 1).add_(gradient.narrow(3, margin + width + number, 1))
        height = inner.shape[2] - 2 * margin
        found = inner.narrow(2, margin, height)
        for number in range(margin):
            found.narrow(2, first + number, 1).add_(inner.narrow(2, margin - 1 - number, 1))
            found.narrow(2, height - 1 - first - number, 1).add_(inner.narrow(2, margin + height + number, 1))
        return found, None, None
