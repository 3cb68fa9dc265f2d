"""Our way from pictures to a picture: a style is learnt, and `render` paints by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..methods import MATCHING, METHODS
from ..methods.adain import AdaIN
from ..methods.protocol import Method, Style
from ..methods.render import learn, render
from ..models.networks.base import ADAIN, RECONSTRUCTION, StyleNetwork
from ..models.networks.msgnet import MsgNet
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import ADAIN_LEVEL, LEVELS, VggNetwork

Paint = Callable[[Tensor], Tensor]
"""From a content [1, 3, H, W] to a picture of its size, both in 0..1."""
BY_WCT, BY_ADAIN, BY_RECONSTRUCTION = "WCT, five levels", "AdaIN", "AdaIN, reconstruction decoder"


class AdaINByReconstruction(AdaIN):
    """With the decoder that inverts the encoder."""

    def decoder(self, network: StyleNetwork, level: str) -> str:
        return RECONSTRUCTION


@dataclass(frozen=True)
class Painter:
    """One way, in the two parts between which a style can be kept."""

    learn: Callable[[Tensor], Any]
    """From the style's picture [1, 3, h, w] in 0..1 to whatever `paint` needs of it."""
    paint: Callable[[Tensor, Any], Tensor]
    """From the content [1, 3, H, W] in 0..1 and that to the picture."""

    def picture(self, content: Tensor, style: Tensor) -> Tensor:
        return self.paint(content, self.learn(style))


def ours(network: StyleNetwork, method: str, strength: float = 1.0) -> Painter:
    """By a method of METHODS or MATCHING; StyleBank's paints its first style whatever the style's picture."""
    name = network.styles[0] if isinstance(network, StyleBankNetwork) else None
    chosen = METHODS.get(method) or MATCHING[method]
    return Painter(
        lambda style: learn(network, chosen, Style(name or style)),
        lambda content, learnt: render(network, chosen, content, [Style(learnt)], strengths=strength),
    )


def by(network: StyleNetwork, method: Method, source: Tensor | str, levels: Sequence[str] | None = None) -> Paint:
    """Paints in one style at full strength."""
    learnt = Style(learn(network, method, Style(source), levels))
    strengths = dict.fromkeys(levels, 1.0) if levels else 1.0
    return lambda photo: render(network, method, photo, [learnt], strengths=strengths)


def by_kernel(network: StyleBankNetwork, style: str) -> Paint:
    """Paints in a style of the bank."""
    return by(network, METHODS["stylebank"], style)


def by_gram(network: MsgNet, painting: Tensor) -> Paint:
    """Paints like a painting, in strokes of its size."""
    return by(network, METHODS["msgnet"], painting)


def vgg_methods(network: VggNetwork) -> dict[str, Callable[[Tensor], Paint]]:
    """From a painting to what paints like it, by every method that the network has decoders for."""
    ways: dict[str, tuple[Method, Sequence[str], str]] = {
        BY_WCT: (METHODS["wct"], LEVELS[::-1], RECONSTRUCTION),
        BY_ADAIN: (METHODS["adain"], (ADAIN_LEVEL,), ADAIN),
        BY_RECONSTRUCTION: (AdaINByReconstruction(), (ADAIN_LEVEL,), RECONSTRUCTION),
    }
    return {
        name: lambda painting, method=method, levels=levels: by(network, method, painting, levels)
        for name, (method, levels, decoder) in ways.items()
        if all(decoder in network.decoders(level) for level in levels)
    }


@torch.no_grad()
def reconstructed(network: StyleNetwork, level: str, photo: Tensor) -> Tensor:
    """The photo back, as far as the network can."""
    return network.decode(network.encode(photo, level)).clamp(0, 1)
