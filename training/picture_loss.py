"""How good a painted picture is: its content, its style, and how near it comes to the teacher's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..transfer.moments import Moments
from .loss_network import LossNetwork
from .losses import LossWeights, gram_distance, moment_distance, relative_error, total_variation
from .trainer import Losses

STYLE_LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LEVEL = STYLE_LEVELS[-1]
PIXELS = 3.0
"""What the teacher's pixels weigh beside its features and statistics at each of these levels."""

Distance = Callable[[Moments, Moments], Tensor]


def gram_style(own: Moments, style: Moments) -> Tensor:
    """The style loss of MSG-Net and StyleBank at one level: of Gram matrices, so from full moments."""
    return gram_distance(own.gram, style.gram)


@torch.no_grad()
def content_of(loss_network: LossNetwork, image: Tensor) -> Tensor:
    """What the loss network sees of pictures [B, 3, H, W] at relu4_1."""
    return loss_network(image, (CONTENT_LEVEL,))[CONTENT_LEVEL]


def picture_losses(
    loss_network: LossNetwork,
    result: Tensor,
    weights: LossWeights,
    content: Tensor | None,
    style: Mapping[str, Moments],
    target: Tensor | None = None,
    distance: Distance = moment_distance,
) -> Losses:
    """The losses of `result` [B, 3, H, W]; what weighs nothing is not computed, nor a level that nothing needs.

    `content` is what the loss network is to see at relu4_1 (see `content_of`), `style` the moments at the levels of the
    style loss, `target` the teacher's picture.
    """
    target = target if weights.taught else None
    near = STYLE_LEVELS[: weights.taught_levels] if target is not None else ()
    styled = STYLE_LEVELS if weights.style else near
    levels = styled + (CONTENT_LEVEL,) * (weights.content > 0 and CONTENT_LEVEL not in styled)
    reached = loss_network.encode(result, levels) if levels else {}
    full = distance is not moment_distance
    moments = loss_network.moments({level: reached[level] for level in styled}, full)
    parts: Losses = {}
    if weights.content and content is not None:
        seen = loss_network.project({CONTENT_LEVEL: reached[CONTENT_LEVEL]})[CONTENT_LEVEL]
        parts["content"] = weights.content * relative_error(seen, content)
    if weights.style:
        each = [distance(moments[level], style[level]) for level in STYLE_LEVELS]
        parts["style"] = weights.style * torch.stack(each).sum()
    if weights.total_variation:
        parts["total variation"] = weights.total_variation * total_variation(result)
    if target is not None:
        with torch.no_grad():
            own = loss_network.encode(target, near) if near else {}
            wanted, statistics = loss_network.project(own), loss_network.moments(own, full)
        seen = loss_network.project({level: reached[level] for level in near})
        pixels = (result - target).abs().mean()
        each = [
            relative_error(seen[level], wanted[level]) + distance(moments[level], statistics[level]) for level in near
        ]
        parts["taught"] = weights.taught * torch.stack([PIXELS * pixels, *each]).sum()
    return parts
