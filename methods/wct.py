"""WCT as a method: a cascade over all levels, coarse to fine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..models.networks.base import RECONSTRUCTION, StyleNetwork
from ..transfer.moments import Moments
from ..transfer.operators import ChannelMap
from ..transfer.wct import METHODS, WHITENING, wct
from .matching import Matching


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

    def default_levels(self, network: StyleNetwork) -> Sequence[str]:
        return [level for level in reversed(list(network.spaces)) if RECONSTRUCTION in network.decoders(level)]
