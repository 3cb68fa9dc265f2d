"""Powers of symmetric matrices: the one place where anything is decomposed."""

from collections.abc import Sequence

import torch
from torch import Tensor

ROUNDINGS = 8
"""Eigenvalues under this many roundings of the largest are errors of the sums, nothing of the picture."""
SMALL = 256
"""Channels up to which a CPU's thread decomposes a matrix sooner than a GPU, which takes hundreds of small steps."""


def eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Ascending eigenvalues [B, C] and eigenvectors [B, C, C] of the symmetric part of `matrix` [B, C, C], in float64.

    A matrix on which the solver does not converge is tried again with jitter, 1e-12 of its size and growing. The result
    is on the CPU where the device has no float64 (MPS). ValueError for NaN or infinite entries; never returns NaN.
    """
    return tuple(_back(part, matrix) for part in _decomposed(matrix))  # pyright: ignore[reportReturnType]


def power(matrix: Tensor, exponent: float, floor: float) -> Tensor:
    """V f(D) V' of a symmetric `matrix` [B, C, C], float64: f(d) = d^exponent above `floor` and rounding, else 0."""
    return powers(matrix, [exponent], floor)[0]


def powers(matrix: Tensor, exponents: Sequence[float], floor: float) -> list[Tensor]:
    """`power` for several exponents, by one decomposition."""
    values, vectors = _decomposed(matrix)
    rounding = ROUNDINGS * torch.finfo(matrix.dtype).eps * values[:, -1:]
    kept = values > rounding.clamp_min(floor)
    positive = torch.where(kept, values, 1.0)
    scales = torch.stack([positive.pow(exponent) * kept for exponent in exponents])
    vectors, scales = _back(vectors, matrix), _back(scales, matrix)
    return [(vectors * scale[:, None, :]) @ vectors.mT for scale in scales]


def _decomposed(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """As `eigen`, on the CPU or on the device, whichever is sooner. On a device the host waits for one value: whether
    all went well.
    """
    device = matrix.device.type
    on_cpu = device == "mps" or (device != "cpu" and matrix.shape[-1] <= SMALL)
    exact = (matrix.cpu() if on_cpu else matrix).double()
    exact = (exact + exact.mT) / 2
    for jitter in (0.0, 1e-12, 1e-9, 1e-6):
        if jitter:
            size = exact.diagonal(dim1=1, dim2=2).abs().amax(1).clamp_min(1e-30)
            exact = exact + torch.eye(exact.shape[-1]).to(exact) * (jitter * size)[:, None, None]
        try:
            values, vectors = torch.linalg.eigh(exact)
            if torch.stack([part.isfinite().all() for part in (values, vectors)]).all():
                return values, vectors
        except torch.linalg.LinAlgError:  # pyright: ignore[reportPrivateImportUsage]
            pass
        if not exact.isfinite().all():
            raise ValueError("these features hold NaN or infinite values: encode the picture again in float32.")
    raise ValueError("the covariance of these features cannot be decomposed: use another level, or AdaIN.")


def _back(values: Tensor, matrix: Tensor) -> Tensor:
    """Where the matrix is; the CPU does not wait for the copy, which takes what it has to send along."""
    return values if matrix.device.type == "mps" else values.to(matrix.device, non_blocking=True)
