"""CoMatch: a learned matrix between content features and the style's Gram matrix (Zhang & Dana 2017, eq. 5)."""

from torch import Tensor

from .moments import exact_products
from .operators import ChannelMap


def comatch(gram: Tensor, weight: Tensor) -> ChannelMap:
    """y = (W G)' x, for the style's `gram` [B, C, C] and the learned `weight` W [C, C].

    The map is linear in G, so mixing the Gram matrices of several styles equals mixing their results. Departure from
    the paper's text, as in its released code: no mean is subtracted and no root of the content's covariance taken.
    """
    if weight.shape[-1] != gram.shape[-1]:
        raise ValueError(
            f"this network matches {weight.shape[-1]} channels and the style has {gram.shape[-1]}: "
            "encode it with the same network."
        )
    with exact_products(gram):
        matrix = (weight.to(gram) @ gram).mT
    zero = gram.new_zeros(gram.shape[:2])
    return ChannelMap(matrix, zero, zero)
