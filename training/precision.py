"""The fast number type of a device, for what a recipe computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..models.precision import AUTOMATIC, compute_dtype

CONVOLUTIONS = (F.conv2d, F.conv_transpose2d)


def fast(device: torch.device) -> torch.autocast:
    """Autocast to the half type that `device` has fast units for; does nothing where it has none."""
    dtype = compute_dtype(AUTOMATIC, device)
    return torch.autocast(device.type, dtype, enabled=dtype is not torch.float32)


def learning(device: torch.device) -> AbstractContextManager[object]:
    """Convolutions in the fast type on a graphics card; nothing on a CPU, where it gains little on the way back."""
    dtype = compute_dtype(AUTOMATIC, device)
    return FastConvolutions(dtype) if device.type == "cuda" and dtype is not torch.float32 else nullcontext()


def scaler(device: torch.device) -> torch.amp.GradScaler:
    """What keeps small gradients from vanishing in float16; does nothing where `learning` computes in another type."""
    enabled = device.type == "cuda" and compute_dtype(AUTOMATIC, device) is torch.float16
    return torch.amp.GradScaler(device.type, enabled=enabled)


class FastConvolutions(TorchFunctionMode):
    """Inside, convolutions take and compute `dtype` and give float32; all else stays as it is.

    Autocast would take the products of Gram matrices in float16 too, and squares of features: both overflow.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> Any:  # noqa: ANN401 - the function's own
        kwargs = kwargs or {}
        if func not in CONVOLUTIONS:
            return func(*args, **kwargs)
        return func(*map(self._cast, args), **{name: self._cast(value) for name, value in kwargs.items()}).float()

    def _cast(self, value: object) -> object:
        return value.to(self.dtype) if isinstance(value, Tensor) else value
