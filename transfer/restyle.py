"""Fit on whole feature maps and apply: what a graph node does in one go, and a streamed picture in two passes."""

from collections.abc import Callable

from torch import Tensor

from .adain import adain
from .moments import Moments
from .operators import ChannelMap, blend
from .wct import wct

Pooling = Callable[[Moments], Moments]
ADAIN = "adain"
"""Beside WCT's METHODS."""


def fit(
    method: str,
    content: Tensor,
    style: Tensor,
    content_weights: Tensor | None = None,
    style_weights: Tensor | None = None,
    whole_batch: bool = False,
    pooled: Pooling | None = None,
) -> ChannelMap:
    """The operator of `method` ("adain" or one of WCT's) from features [B, C, h, w] and a style's [B or 1, C, h, w].

    Weights [B or 1, 1, h, w] choose the pixels that the statistics come from. `whole_batch` takes them over all B
    pictures together; `pooled` replaces the content's, say by those smoothed over time. Where the weights leave no
    pixel the operator is the identity. ValueError as `adain` and `wct`.
    """
    full = needs_full(method)
    own = Moments.of(content, content_weights, full)
    return fit_moments(method, own, Moments.of(style, style_weights, full), whole_batch, pooled)


def fit_moments(
    method: str, content: Moments, style: Moments, whole_batch: bool = False, pooled: Pooling | None = None
) -> ChannelMap:
    """`fit` where the moments are known."""
    content = pooled(content) if pooled else content
    if whole_batch:
        content, style = content.over_batch(), style.over_batch()
    return wct(content, style, method) if needs_full(method) else adain(content, style)


def needs_full(method: str) -> bool:
    """Whether a method is fitted to the scatter between channels."""
    return method != ADAIN


def masked_blend(operator: Callable[[Tensor], Tensor], values: Tensor, weights: Tensor | None) -> Tensor:
    """`operator` on `values` [B, C, h, w], faded out where `weights` [B or 1, 1, h, w] go to 0; everywhere if None."""
    mapped = operator(values)
    return mapped if weights is None else blend(values, mapped, weights)
