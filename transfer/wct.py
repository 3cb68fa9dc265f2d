"""Whitening and colouring: the whole covariance takes the style's (Li et al. 2017, section 3.2)."""

from torch import Tensor

from .decompose import power, powers
from .moments import Moments, check_batches
from .operators import ChannelMap

WHITENING, TRANSPORT = "whitening-colouring", "optimal transport"
METHODS = (WHITENING, TRANSPORT)

FLOOR = 1e-5
"""Eigenvalues under this are dropped, as in the released code. Several well-known ports add the identity to the
content's covariance instead, which leaves the result short of a fifth of the style's variance."""


def wct(
    content: Moments, style: Moments, method: str = WHITENING, floor: float = FLOOR, root: Tensor | None = None
) -> ChannelMap:
    """y = A (x - mu(c)) + mu(s) with A S(c) A' = S(s) wherever S(c) has rank.

    From full moments of B contents and 1 or B styles. "whitening-colouring" is the paper's A = S(s)^(1/2) S(c)^(-1/2).
    "optimal transport" is the closed-form map between two Gaussians, which of all maps that reach the style's
    covariance moves features the least: A = S(c)^(-1/2) (S(c)^(1/2) S(s) S(c)^(1/2))^(1/2) S(c)^(-1/2). Where either
    side has no pixel the map is the identity. ValueError for batches that do not pair, for moments without full
    scatter and for an unknown method. `root` [1 or B, C, C] is S(s)^(1/2) where that is known: see `root_of`.
    """
    check_batches(content.count.shape[0], style.count.shape[0])
    if method not in METHODS:
        raise ValueError(f"unknown WCT method '{method}': use one of {', '.join(METHODS)}.")
    if method == WHITENING:
        whiten, colour = power(content.covariance, -0.5, floor), root_of(style, floor) if root is None else root
        matrix = (colour.to(whiten) @ whiten).to(content.mean)
    else:
        matrix = _transport(content.covariance, style.covariance, floor).to(content.mean)
    fitted = ChannelMap(matrix, content.mean, style.mean.expand_as(content.mean))
    return fitted.where((content.count > 0) & (style.count > 0))


def root_of(style: Moments, floor: float = FLOOR) -> Tensor:
    """S(s)^(1/2) [B, C, C], float64, all that whitening and colouring needs of a style's covariance."""
    return power(style.covariance, 0.5, floor)


def _transport(content: Tensor, style: Tensor, floor: float) -> Tensor:
    root, whiten = powers(content, [0.5, -0.5], floor)
    # The inner matrix has units of variance squared, and so has its floor.
    return whiten @ power(root @ style.to(root) @ root, 0.5, floor**2) @ whiten
