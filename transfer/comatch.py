"""CoMatch: a learned matrix between content features and the style's Gram matrix (Zhang & Dana 2017, eq. 5)."""

from torch import Tensor

from .moments import Moments, exact_products
from .operators import ChannelMap
from .wct import root_of


def comatch(gram: Tensor, weight: Tensor) -> ChannelMap:
    """y = G W' x, the paper's (W G)' x, for the style's `gram` [B, C, C] or its `gram_root`, and a learned W [C, C].

    The map is linear in G, so mixing the Gram matrices of several styles equals mixing their results. Departure from
    the paper's text, as in its released code: no mean is subtracted and no root of the content's covariance taken.
    """
    if weight.shape[-1] != gram.shape[-1]:
        raise ValueError(
            f"this network matches {weight.shape[-1]} channels and the style has {gram.shape[-1]}: "
            "encode it with the same network."
        )
    with exact_products(gram):
        matrix = gram @ weight.to(gram).mT
    zero = gram.new_zeros(gram.shape[:2])
    return ChannelMap(matrix, zero, zero)


def gram_root(style: Moments) -> Tensor:
    """R [B, C, C] with R R' / C = G, from full moments of features whose last channel is 1 everywhere.

    It is the root of the covariance, with the means as its last column. Departure from the paper: the features that W
    gives have, whatever W is, a covariance that is quadratic in G, which leaves of a style its strongest direction, two
    colours; the released network's instance norms take that back. By R they can have the style's own covariance and
    mean, of every style by the same W.
    """
    root = root_of(style).to(style.mean)
    root[:, :, -1] = style.mean
    return root
