"""Methods that match statistics of features, whatever network gives them: AdaIN, WCT and EFDM are of this kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal

from torch import Tensor

from ..models.networks.base import RECONSTRUCTION, StyleNetwork
from ..tiling.features import Kind, Statistics, statistics_of_map
from ..transfer.moments import Moments
from ..transfer.quantiles import Quantiles
from ..transfer.temporal import PER_IMAGE, pooled_content, pooled_style
from .protocol import Operator, Step, Tensors


class Matching(ABC):
    """Fits content statistics to the style's of the same kind."""

    name: str
    kind: Kind
    network: str = "compact"
    level: str | None = None
    style_input: Literal["picture", "name"] = "picture"
    strength: float = 1.0

    @abstractmethod
    def match(self, content: Any, style: Any) -> Operator:  # noqa: ANN401 - statistics of `kind`
        """The operator from B contents to 1 or B styles; the identity where either has no pixel."""

    @abstractmethod
    def default_levels(self, network: StyleNetwork) -> Sequence[str]:
        """Where it works in the paper, coarse to fine."""

    def decoder(self, network: StyleNetwork, level: str) -> str:
        """The decoder that paints its features."""
        return RECONSTRUCTION

    def steps(self, network: StyleNetwork, levels: Sequence[str] | None = None) -> list[Step]:
        chosen = self.default_levels(network) if levels is None else levels
        steps = [Step(level, self.decoder(network, level), self.kind, self.kind) for level in chosen]
        for step in steps:
            network.space(step.level)
            network.expect_decoder(step.level, step.decoder)
        return steps

    def learn(self, network: StyleNetwork, step: Step, style: Statistics | str) -> Tensors:
        if isinstance(style, str):
            raise ValueError(f"{self.name} learns a style from a picture, not from the name '{style}': give a picture.")
        return {field.name: getattr(style, field.name) for field in fields(style)}

    def fit(self, network: StyleNetwork, step: Step, content: Statistics | None, style: Tensors) -> Operator:
        return self.match(content, (Quantiles if self.kind == "quantiles" else Moments)(**style))

    def fit_values(
        self,
        content: Tensor,
        style: Tensor,
        content_weights: Tensor | None = None,
        style_weights: Tensor | None = None,
        statistics: str = PER_IMAGE,
    ) -> Operator:
        """The operator of whole maps [B, C, h, w] and [1 or B, C, h, w], weighted [1 or B, 1, h, w]."""
        own = statistics_of_map(self.kind, content, content_weights)
        target = statistics_of_map(self.kind, style, style_weights)
        return self.match(pooled_content(own, statistics), pooled_style(target, statistics))
