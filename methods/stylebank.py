"""StyleBank as a method: the kernel that the bank has for a style's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from ..models.networks.base import RECONSTRUCTION, StyleNetwork
from ..models.networks.stylebank import LEVEL, StyleBankNetwork
from ..transfer.moments import Moments
from ..transfer.operators import ChannelMap, KernelMap
from .protocol import Step, Tensors


class StyleBank:
    """Chen et al. 2017."""

    name = "stylebank"
    network = "stylebank"
    level: str | None = LEVEL
    style_input: Literal["picture", "name"] = "name"
    strength = 1.0

    def steps(self, network: StyleNetwork, levels: Sequence[str] | None = None) -> list[Step]:
        for level in levels or ():
            network.space(level)
        return [Step(LEVEL, RECONSTRUCTION, "diagonal" if bank_of(network).on_backbone else None, None)]

    def learn(self, network: StyleNetwork, step: Step, style: object) -> Tensors:
        if not isinstance(style, str):
            raise ValueError("stylebank takes a style by its name, not a picture: name one, or learn one first.")
        return kept_of(*bank_of(network).kernel(style))

    def fit(self, network: StyleNetwork, step: Step, content: Moments | object, style: Tensors) -> KernelMap:
        kernel = KernelMap(**style)
        # The paper's encoder normalises its features, a backbone's does not: a kernel then paints a dark and a bright
        # photograph alike.
        return kernel.after(ChannelMap.normalising(content)) if isinstance(content, Moments) else kernel


def kept_of(weight: Tensor, bias: Tensor) -> Tensors:
    """What is kept of a style whose kernel [C, C, 3, 3] and bias [C] these are."""
    return {"weight": weight[None], "bias": bias[None]}


def bank_of(network: StyleNetwork) -> StyleBankNetwork:
    """The network itself; ValueError where it is of another kind."""
    if not isinstance(network, StyleBankNetwork):
        raise ValueError("this network has no bank of styles: load a StyleBank and encode the picture with it.")
    return network
