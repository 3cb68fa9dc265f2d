"""EFDM as a method: AdaIN's level and decoder, the whole histogram in place of mean and deviation."""

from __future__ import annotations

from ..transfer.efdm import efdm
from ..transfer.operators import LookupMap
from ..transfer.quantiles import Quantiles
from .adain import AdaIN


class EFDM(AdaIN):
    """Zhang et al. 2022."""

    name = "efdm"
    kind = "quantiles"
    network = "compact"

    def match(self, content: Quantiles, style: Quantiles) -> LookupMap:  # pyright: ignore[reportIncompatibleMethodOverride]
        return efdm(content, style)
