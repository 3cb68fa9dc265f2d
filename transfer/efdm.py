"""Exact feature distribution matching: a channel takes the style's whole histogram (Zhang et al. 2022, 2203.07740)."""

import torch
from torch import Tensor

from .moments import check_batches
from .operators import LookupMap
from .quantiles import Quantiles


def efdm(content: Quantiles, style: Quantiles) -> LookupMap:
    """The table that gives the content's value of rank r the style's value of rank r, for B contents and 1 or B styles.

    Departure from the paper, which sorts both and pairs them one by one: equal values share the mean of what their
    ranks would take. After a ReLU a third of the values are exact zeros; a stable sort would rank them in raster order,
    and the picture would drift in colour from top to bottom. Where either side has no cell the table is the identity.
    ValueError for batches that do not pair.
    """
    check_batches(len(content.values), len(style.values))
    knots, shares = content.ascending()
    target, target_shares = (each.expand(len(knots), -1, -1) for each in style.ascending())
    upper = torch.cumsum(shares.double(), -1)
    # Equal values span the ranks from before the first of them to after the last.
    knots = knots.contiguous()
    first, last = torch.searchsorted(knots, knots), torch.searchsorted(knots, knots, right=True) - 1
    start, end = (upper - shares).gather(-1, first), upper.gather(-1, last)
    ranks, sums = (torch.cumsum(each, -1) for each in (target_shares.double(), target_shares.double() * target))

    def integral(rank: Tensor) -> tuple[Tensor, Tensor]:
        """Of the style's quantile function from 0 to `rank` [B, C, N], in float64, and the function there."""
        at = torch.searchsorted(ranks, rank.contiguous()).clamp_max(ranks.shape[-1] - 1)
        value = target.gather(-1, at)
        return sums.gather(-1, at) - (ranks.gather(-1, at) - rank) * value, value

    (below, value), (through, _) = integral(start), integral(end)
    # A value without weight takes what its rank has: the table must rise, as others are looked up beside it.
    span = end - start
    mean = torch.where(span > 0, ((through - below) / span.clamp_min(1e-12)).to(value.dtype), value)
    useful = ((content.count > 0) & (style.count > 0))[:, None, None]
    return LookupMap(knots, torch.where(useful, mean.to(knots.dtype), knots))
