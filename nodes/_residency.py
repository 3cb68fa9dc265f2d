"""Feature maps stay on the device that made them while all live ones fit a small budget; older ones move to the CPU."""

from __future__ import annotations

from weakref import ref

import torch

from ..models.features import FeatureMap, FeatureSpace


class KeptFeatures:
    """What a BRUSHWORK_FEATURES socket carries: a feature map, wherever its values are at the moment."""

    def __init__(self, features: FeatureMap) -> None:
        self._features = features

    @property
    def space(self) -> FeatureSpace:
        return self._features.space

    @property
    def image_size(self) -> tuple[int, int]:
        return self._features.image_size

    @property
    def batch(self) -> int:
        return self._features.values.shape[0]

    @property
    def device(self) -> torch.device:
        return self._features.values.device

    @property
    def size(self) -> int:
        """Bytes."""
        return self._features.values.nbytes

    @property
    def at_rest(self) -> FeatureMap:
        """The map, its values where they are."""
        return self._features

    def on(self, device: torch.device) -> FeatureMap:
        """The map with its values on `device`; where they are kept does not change."""
        return self._features.with_values(self._features.values.to(device))

    def park(self) -> None:
        """Move the values to the CPU."""
        self._features = self.on(torch.device("cpu"))


class Residency:
    """Books the maps that nodes have returned, oldest first, without keeping any of them alive."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        """Bytes that live maps may take off the CPU."""
        self._book: list[ref[KeptFeatures]] = []

    def keep(self, features: FeatureMap) -> KeptFeatures:
        """Book a map, and park the oldest ones until the live ones fit the budget."""
        kept = KeptFeatures(features)
        self._book.append(ref(kept))
        self._trim()
        return kept

    def _trim(self) -> None:
        live = [kept for entry in self._book if (kept := entry()) is not None and kept.device.type != "cpu"]
        over = sum(kept.size for kept in live) - self.budget
        for kept in live:
            if over <= 0:
                break
            over -= kept.size
            kept.park()
        self._book = [ref(kept) for kept in live if kept.device.type != "cpu"]
