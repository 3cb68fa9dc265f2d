"""Adaptive instance normalisation: each channel takes the style's mean and deviation (Huang & Belongie 2017, eq. 8)."""

from .moments import Moments, check_batches
from .operators import ChannelMap

EPSILON = 1e-5
"""Added to both variances (the released code adds it to the content's): equal statistics give exactly the identity."""


def adain(content: Moments, style: Moments) -> ChannelMap:
    """y = sigma(s) (x - mu(c)) / sigma(c) + mu(s), from moments of B contents and of 1 or B styles.

    Where either side has no pixel (an empty mask) the map is the identity. ValueError for batches that do not pair.
    """
    check_batches(content.count.shape[0], style.count.shape[0])
    scale = ((style.variance + EPSILON) / (content.variance + EPSILON)).sqrt()
    fitted = ChannelMap(scale, content.mean, style.mean.expand_as(scale))
    return fitted.where((content.count > 0) & (style.count > 0))
