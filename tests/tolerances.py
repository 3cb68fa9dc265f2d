"""The one table of tolerances: how far results of each dtype may lie from the exact ones."""

import torch
from torch import Tensor

RELATIVE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 6e-2}
ABSOLUTE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 6e-2}

COVARIANCE = 0.01
"""How far, relative to the style's, a covariance may lie that whitening and colouring reached."""
VISIBLE = 45.0
"""Decibels of PSNR above which a person sees no difference between two pictures."""
SAME_PICTURE = 40.0
"""Decibels of PSNR above which two machines painted the same picture, be it in half precision."""

FROZEN = {"adain": 60.0, "wct": 60.0, "whitening-colouring": 60.0, "efdm": 60.0, "msgnet": 60.0, "stylebank": 50.0}
"""Decibels of PSNR, by method, above which a picture of eight bits is the one that was frozen."""
SEAM = 1e-3 / 255
"""A thousandth of a level, between tiles and the whole in float64, where no seam hides in rounding: float32's leaves as
much as this, and ten times as much after five levels."""


def assert_close(actual: Tensor, expected: Tensor, dtype: torch.dtype | None = None) -> None:
    """Compare in float64 with the tolerances of `dtype` (the actual tensor's own, unless told)."""
    dtype = dtype or actual.dtype
    torch.testing.assert_close(actual.double(), expected.double(), rtol=RELATIVE[dtype], atol=ABSOLUTE[dtype])
