"""What the property tests share: how many examples, which shapes, and features that a seed decides."""

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

law = settings(deadline=None, max_examples=25, derandomize=True, database=None)
"""The same examples in every run: a failure on one machine is a failure on all."""

seeds = st.integers(0, 2**16)
batches = st.integers(1, 3)
channels = st.integers(1, 6)
sides = st.integers(1, 7)
shapes = st.tuples(batches, channels, sides, sides)
weightings = st.lists(st.floats(0, 1), min_size=1, max_size=4).filter(lambda weights: sum(weights) > 0.1)
alphas = st.floats(0, 1)


def noise(shape: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Independent standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def features(shape: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """[B, C, h, w] with a mean, spread and correlation of channels that differ from item to item."""
    batch, width = shape[:2]
    directions = torch.linalg.qr(noise((batch, width, width), seed + 1)).Q
    spreads = noise((batch, 1, width), seed + 2).sigmoid() * 3 + 0.5
    means = noise((batch, width, 1, 1), seed + 3) * 4
    return (torch.einsum("bij,bjhw->bihw", directions * spreads, noise(shape, seed)) + means).to(dtype)


def steep(seed: int = 0, low: float = -2.5) -> Tensor:
    """Features [1, 12, 20, 20], float32, with deviations from 10 down to 10 * 10^low along fixed directions, as deep
    layers have them."""
    directions = torch.linalg.qr(noise((12, 12))).Q * torch.logspace(1, 1 + low, 12, dtype=torch.float64)
    return torch.einsum("ij,bjhw->bihw", directions, noise((1, 12, 20, 20), seed)).float()


def picture(height: int, width: int, batch: int = 1, seed: int = 0) -> Tensor:
    """[B, 3, H, W] uniform in 0..1, float32."""
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


def soft_mask(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """[B, 1, h, w] in 0..1 with a share of exact zeros and ones; the first pixel is always one."""
    mask = (noise((shape[0], 1, *shape[2:]), seed) + 0.5).clamp(0, 1)
    mask[..., 0, 0] = 1
    return mask


def covariance(values: Tensor) -> Tensor:
    """[C, C] of one item `values` [C, h, w] by torch's own formula, unbiased, float64."""
    return torch.cov(values.flatten(1).double()).reshape(values.shape[0], values.shape[0])
