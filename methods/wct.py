"""WCT as a method: a cascade over levels, coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.networks.base import RECONSTRUCTION, StyleNetwork
from ..tiling.features import Statistics
from ..transfer.moments import Moments
from ..transfer.operators import ChannelMap
from ..transfer.wct import TRANSPORT, WHITENING, root_of, wct
from .matching import Matching
from .protocol import Step, Tensors

ROOT = "root"
"""Of the style's covariance, as kept: a style is decomposed once."""


class WCT(Matching):
    """The cascade of Li et al. 2017, but that each level takes the style's covariance by optimal transport.

    That moves features least of all maps: faces and skies keep their evenness, so that more of the style can be taken
    (benchmarks/README.md has both side by side).
    """

    name = "wct"
    kind = "full"
    strength = 0.8

    def match(self, content: Moments, style: Moments) -> ChannelMap:
        return wct(content, style, TRANSPORT)

    def default_levels(self, network: StyleNetwork) -> Sequence[str]:
        return [level for level in reversed(list(network.spaces)) if RECONSTRUCTION in network.decoders(level)]

    def steps(self, network: StyleNetwork, levels: Sequence[str] | None = None) -> list[Step]:
        if levels is None:  # the paper's, but for those that take the faces from people and bring no style
            own = self.default_levels(network)
            if not own:
                raise ValueError(
                    f"{self.name} needs reconstruction decoders, and this network has none: "
                    "load compact, small16x or vgg19, or take adain."
                )
            levels = [level for level in own if level not in network.lossy] or own
        return super().steps(network, levels)


class Whitening(WCT):
    """The paper's own way and strength."""

    name = WHITENING
    strength = 0.6

    def match(self, content: Moments, style: Moments) -> ChannelMap:
        return wct(content, style, WHITENING)

    def learn(self, network: StyleNetwork, step: Step, style: Statistics | str) -> Tensors:
        kept = super().learn(network, step, style)
        return {**kept, ROOT: root_of(Moments(**kept)).to(kept["mean"])}

    def fit(self, network: StyleNetwork, step: Step, content: Statistics | None, style: Tensors) -> ChannelMap:
        assert isinstance(content, Moments)  # of this kind
        moments = Moments(**{name: value for name, value in style.items() if name != ROOT})
        return wct(content, moments, WHITENING, root=style[ROOT])
