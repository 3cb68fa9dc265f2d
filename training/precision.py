"""The fast number type of a device, for what a recipe computes."""

import torch

from ..models.precision import AUTOMATIC, compute_dtype


def fast(device: torch.device) -> torch.autocast:
    """Autocast to the half type that `device` has fast units for; does nothing where it has none."""
    dtype = compute_dtype(AUTOMATIC, device)
    return torch.autocast(device.type, dtype, enabled=dtype is not torch.float32)
