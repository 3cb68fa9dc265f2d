"""WCT as a method: a cascade over levels, coarse to fine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..models.networks.base import RECONSTRUCTION, StyleNetwork
from ..tiling.features import Statistics
from ..transfer.moments import Moments
from ..transfer.operators import ChannelMap
from ..transfer.wct import METHODS, WHITENING, root_of, wct
from .matching import Matching
from .protocol import Step, Tensors

ROOT = "root"
"""Of the style's covariance, as kept: a style is decomposed once."""


@dataclass(frozen=True)
class WCT(Matching):
    """Li et al. 2017; its strength is the paper's."""

    solver: str = WHITENING
    """One of transfer.wct.METHODS."""
    name = "wct"
    kind = "full"
    strength = 0.6

    def variants(self) -> Mapping[str, Matching]:
        return {solver: WCT(solver) for solver in METHODS}

    def match(self, content: Moments, style: Moments) -> ChannelMap:
        return wct(content, style, self.solver)

    def learn(self, network: StyleNetwork, step: Step, style: Statistics | str) -> Tensors:
        kept = super().learn(network, step, style)
        if self.solver != WHITENING:
            return kept
        return {**kept, ROOT: root_of(Moments(**kept)).to(kept["mean"])}

    def fit(self, network: StyleNetwork, step: Step, content: Statistics | None, style: Tensors) -> ChannelMap:
        assert isinstance(content, Moments)  # of this kind
        moments = Moments(**{name: value for name, value in style.items() if name != ROOT})
        return wct(content, moments, self.solver, root=style.get(ROOT))

    def default_levels(self, network: StyleNetwork) -> Sequence[str]:
        return [level for level in reversed(list(network.spaces)) if RECONSTRUCTION in network.decoders(level)]

    def steps(self, network: StyleNetwork, levels: Sequence[str] | None = None) -> list[Step]:
        if levels is None:  # the paper's, but for those that take the faces from people and bring no style
            own = self.default_levels(network)
            levels = [level for level in own if level not in network.lossy] or own
        return super().steps(network, levels)
