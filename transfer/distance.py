"""How far a picture is from its content and from its style, as numbers without units."""

from torch import Tensor

from .moments import Moments


def content_distance(values: Tensor, content: Tensor) -> Tensor:
    """|F - F_c|^2 / |F_c|^2 of feature maps [B, C, h, w]: 0 for the content itself, 1 for a blank map. Returns [B]."""
    difference = (values.float() - content.float()).square().sum((1, 2, 3))
    return difference / content.float().square().sum((1, 2, 3)).clamp_min(1e-12)


def style_distance(moments: Moments, style: Moments) -> Tensor:
    """|G - G_s| / |G_s| of the Gram matrices, relative so that layers compare: 0 for the style itself. Returns [B]."""
    size = style.gram.norm(dim=(1, 2)).clamp_min(1e-12)
    return (moments.gram - style.gram).norm(dim=(1, 2)) / size
