"""Our way from pictures to a picture, as the nodes go it: learn what a style is, then paint a content by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..methods import MATCHING, METHODS
from ..methods.protocol import Method, Style
from ..methods.render import learn, render
from ..models.networks.base import ADAIN, StyleNetwork
from ..models.networks.msgnet import MsgNet
from ..models.networks.stylebank import StyleBankNetwork


@dataclass(frozen=True)
class Painter:
    """One way, in the two parts between which a style can be kept."""

    learn: Callable[[Tensor], Any]
    """From the style's picture [1, 3, h, w] in 0..1 to whatever `paint` needs of it."""
    paint: Callable[[Tensor, Any], Tensor]
    """From the content [1, 3, H, W] in 0..1 and that to the picture."""

    def picture(self, content: Tensor, style: Tensor) -> Tensor:
        return self.paint(content, self.learn(style))


def ours(network: StyleNetwork, method: str) -> Painter:
    """Our painter of a method, at full strength; StyleBank's paints its first style whatever the style's picture."""
    return painter_of(
        network,
        method,
        lambda network: _rendering(network, METHODS["msgnet"]),
        lambda network: _rendering(network, METHODS["stylebank"], network.styles[0]),
        lambda network, method: _rendering(network, MATCHING[method]),
    )


def _rendering(network: StyleNetwork, method: Method, name: str | None = None) -> Painter:
    return Painter(
        lambda style: learn(network, method, Style(name or style)),
        lambda content, learnt: render(network, method, content, [Style(learnt)], strengths=1.0),
    )


def painter_of(
    network: StyleNetwork,
    method: str,
    gram: Callable[[MsgNet], Painter],
    kernel: Callable[[StyleBankNetwork], Painter],
    moments: Callable[[StyleNetwork, str], Painter],
) -> Painter:
    """The one of three ways that a network takes, without gradients."""
    if isinstance(network, MsgNet):
        painter = gram(network)
    elif isinstance(network, StyleBankNetwork):
        painter = kernel(network)
    else:
        painter = moments(network, method)
    without = torch.no_grad()
    return Painter(without(painter.learn), without(painter.paint))


def levels_of(network: StyleNetwork, method: str) -> list[str]:
    """Coarse to fine where the method is a cascade, else the deepest alone."""
    coarse_to_fine = list(network.spaces)[::-1]
    return coarse_to_fine if method != ADAIN else [_adain_level(network)]


def _adain_level(network: StyleNetwork) -> str:
    return next(level for level in network.spaces if ADAIN in network.decoders(level))
