"""MSG-Net as a method: the style's Gram matrix, or on a backbone its root, through CoMatch's learned matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from ..models.networks.base import RECONSTRUCTION, StyleNetwork
from ..models.networks.msgnet import LEVEL, MsgNet
from ..transfer.comatch import comatch, gram_root
from ..transfer.moments import Moments
from ..transfer.operators import ChannelMap
from .protocol import Step, Tensors


class MsgNetMethod:
    """Zhang & Dana 2017."""

    name = "msgnet"
    network = "msgnet"
    level: str | None = LEVEL
    style_input: Literal["picture", "name"] = "picture"
    strength = 1.0

    def steps(self, network: StyleNetwork, levels: Sequence[str] | None = None) -> list[Step]:
        for level in levels or ():
            network.space(level)
        return [Step(LEVEL, RECONSTRUCTION, "diagonal" if _msgnet(network).on_backbone else None, "full")]

    def learn(self, network: StyleNetwork, step: Step, style: Moments | object) -> Tensors:
        if not isinstance(style, Moments):
            raise ValueError(f"msgnet learns a style from a picture, not from the name '{style}': give a picture.")
        return {_kept(network): gram_of(_msgnet(network), style)}

    def fit(self, network: StyleNetwork, step: Step, content: Moments | object, style: Tensors) -> ChannelMap:
        matched = comatch(style[_kept(network)], _msgnet(network).comatch)
        if not isinstance(content, Moments):  # the released encoder normalises inside
            return matched
        normalise = ChannelMap.normalising(content)
        # The last channel is 1 everywhere, and tells Gram matrices the mean.
        scale = torch.cat([normalise.matrix[:, :-1], torch.ones_like(normalise.matrix[:, -1:])], 1)
        shift = torch.cat([normalise.shift[:, :-1], normalise.centre[:, -1:]], 1)
        return ChannelMap(scale, normalise.centre, shift).then(matched)


def gram_of(network: MsgNet, style: Moments) -> Tensor:
    """What CoMatch takes of the full moments of style features: Gram matrices [B, C, C], on a backbone their roots."""
    return gram_root(style) if network.on_backbone else style.gram


def _kept(network: StyleNetwork) -> str:
    """The name of what is kept of a style: the statistics of one are none for the other."""
    return "root" if _msgnet(network).on_backbone else "gram"


def _msgnet(network: StyleNetwork) -> MsgNet:
    if not isinstance(network, MsgNet):
        raise ValueError("this network has no CoMatch layer: load an MSG-Net and encode both pictures with it.")
    return network
