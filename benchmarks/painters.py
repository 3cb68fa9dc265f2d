"""Our way from pictures to a picture, as the nodes go it: learn what a style is, then paint a content by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..models.networks.base import ADAIN, RECONSTRUCTION, StyleNetwork
from ..models.networks.msgnet import MsgNet
from ..models.networks.stylebank import StyleBankNetwork
from ..tiling.features import decode, encode, gather
from ..tiling.runner import Host, Walk
from ..transfer.comatch import comatch
from ..transfer.moments import Moments
from ..transfer.operators import ChannelMap, KernelMap
from ..transfer.restyle import ADAIN as BY_ADAIN
from ..transfer.restyle import fit_moments, needs_full


@dataclass(frozen=True)
class Painter:
    """One way, in the two parts between which a style can be kept."""

    learn: Callable[[Tensor], Any]
    """From the style's picture [1, 3, h, w] in 0..1 to whatever `paint` needs of it."""
    paint: Callable[[Tensor, Any], Tensor]
    """From the content [1, 3, H, W] in 0..1 and that to the picture."""

    def picture(self, content: Tensor, style: Tensor) -> Tensor:
        return self.paint(content, self.learn(style))


def by_moments(network: StyleNetwork, method: str) -> Painter:
    """AdaIN at the deepest level, or WCT at all of them from coarse to fine."""
    levels = levels_of(network, method)
    purpose = ADAIN if method == BY_ADAIN else RECONSTRUCTION

    def learn(style: Tensor) -> dict[str, list[Moments]]:
        return gather(Walk(Host(), network, 0), network, style, levels, [None], needs_full(method))

    def paint(image: Tensor, styles: dict[str, list[Moments]]) -> Tensor:
        for level in levels:
            features = encode(network, image, level, Host())
            own = Moments.of(features.values, full=needs_full(method))
            restyled = fit_moments(method, own, styles[level][0])(features.values)
            image = decode(network, features.with_values(restyled), purpose, Host())
        return image

    return Painter(learn, paint)


def by_gram(network: MsgNet) -> Painter:
    """MSG-Net."""

    def learn(style: Tensor) -> ChannelMap:
        features = encode(network, style, "comatch", Host())
        return comatch(Moments.of(features.values, full=True).gram, network.comatch)

    def paint(content: Tensor, operator: ChannelMap) -> Tensor:
        features = encode(network, content, "comatch", Host())
        matched = operator(network.for_comatch(features.values))
        return decode(network, features.with_values(matched), RECONSTRUCTION, Host())

    return Painter(learn, paint)


def by_kernel(network: StyleBankNetwork) -> Painter:
    """StyleBank, in its first style whatever the style's picture."""

    def paint(content: Tensor, kernel: KernelMap) -> Tensor:
        features = encode(network, content, "bank", Host())
        painted = kernel(network.for_kernels(features.values))
        return decode(network, features.with_values(painted), RECONSTRUCTION, Host())

    return Painter(lambda style: KernelMap(*network.kernel(network.styles[0])), paint)


def ours(network: StyleNetwork, method: str) -> Painter:
    """Our painter of a method."""
    return painter_of(network, method, by_gram, by_kernel, by_moments)


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
    return coarse_to_fine if needs_full(method) else [_adain_level(network)]


def _adain_level(network: StyleNetwork) -> str:
    return next(level for level in network.spaces if ADAIN in network.decoders(level))
