"""Weighted means: of operators, of kernels, of feature maps."""

import math
from collections.abc import Sequence

from torch import Tensor


def normalised(weights: Sequence[float]) -> list[float]:
    """The weights scaled to the sum one; ValueError where they are negative, not finite or all zero."""
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or sum(weights) <= 0:
        raise ValueError(f"weights {list(weights)} cannot be mixed: each must be 0 or more, and one of them above 0.")
    total = sum(weights)
    return [weight / total for weight in weights]


def mix(values: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted mean of tensors that broadcast together, in the dtype of the first.

    Since every operator of one kind is linear in its parameters, mixing mapped features equals mixing the maps.
    """
    shares = normalised(weights)
    total = values[0] * shares[0]
    for value, share in zip(values[1:], shares[1:], strict=True):
        total = total + value.to(total) * share
    return total


def blend(content: Tensor, stylised: Tensor, alpha: float | Tensor) -> Tensor:
    """(1 - alpha) * content + alpha * stylised; exactly one of them at 0 and 1. A tensor alpha broadcasts."""
    return content.lerp(stylised.to(content), alpha.to(content) if isinstance(alpha, Tensor) else alpha)
