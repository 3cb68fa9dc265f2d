"""Powers of symmetric matrices: the one place where anything is decomposed."""

import torch
from torch import Tensor

ROUNDINGS = 8
"""Eigenvalues under this many roundings of the largest are errors of the sums, nothing of the picture."""


def eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Ascending eigenvalues [B, C] and eigenvectors [B, C, C] of the symmetric part of `matrix` [B, C, C], in float64.

    A matrix on which the solver does not converge is tried again with jitter, 1e-12 of its size and growing. The result
    is on the CPU where the device has no float64 (MPS). ValueError for NaN or infinite entries; never returns NaN.
    """
    exact = (matrix.cpu() if matrix.device.type == "mps" else matrix).double()
    exact = (exact + exact.mT) / 2
    if not exact.isfinite().all():
        raise ValueError("these features hold NaN or infinite values: encode the picture again in float32.")
    size = exact.diagonal(dim1=1, dim2=2).abs().amax(1).clamp_min(1e-30)
    identity = torch.eye(exact.shape[-1], dtype=exact.dtype, device=exact.device)
    for jitter in (0.0, 1e-12, 1e-9, 1e-6):
        try:
            values, vectors = torch.linalg.eigh(exact + identity * (jitter * size)[:, None, None])
        except torch.linalg.LinAlgError:  # pyright: ignore[reportPrivateImportUsage]
            continue
        if values.isfinite().all() and vectors.isfinite().all():
            return values, vectors
    raise ValueError("the covariance of these features cannot be decomposed: use another level, or AdaIN.")


def power(matrix: Tensor, exponent: float, floor: float) -> Tensor:
    """V f(D) V' of a symmetric `matrix` [B, C, C], float64: f(d) = d^exponent above `floor` and rounding, else 0."""
    values, vectors = eigen(matrix)
    rounding = ROUNDINGS * torch.finfo(matrix.dtype).eps * values[:, -1:]
    kept = values > rounding.clamp_min(floor)
    scaled = torch.where(kept, values, torch.ones_like(values)).pow(exponent) * kept
    return (vectors * scaled[:, None, :]) @ vectors.mT
