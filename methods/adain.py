"""AdaIN as a method: one level, and the decoder that was trained to paint its features."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.networks.base import ADAIN, RECONSTRUCTION, StyleNetwork
from ..models.networks.vgg import ADAIN_LEVEL
from ..transfer.adain import adain
from ..transfer.moments import Moments
from ..transfer.operators import ChannelMap
from .matching import Matching


class AdaIN(Matching):
    """Huang & Belongie 2017."""

    name = "adain"
    kind = "diagonal"
    network = "compact-adain"

    def match(self, content: Moments, style: Moments) -> ChannelMap:
        return adain(content, style)

    def default_levels(self, network: StyleNetwork) -> Sequence[str]:
        own = [level for level in network.spaces if ADAIN in network.decoders(level)]
        return own or [ADAIN_LEVEL if ADAIN_LEVEL in network.spaces else list(network.spaces)[-1]]

    def decoder(self, network: StyleNetwork, level: str) -> str:
        return ADAIN if ADAIN in network.decoders(level) else RECONSTRUCTION
