"""Pictures through a network, in tiles and slices of a batch that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from ..methods.protocol import Method, Style
from ..methods.render import render
from ..models.networks.base import FeatureMap
from ..tiling import features as codec
from . import _host
from ._checks import picture_painted


def encode(network: _host.HostedNetwork, image: Tensor, level: str) -> FeatureMap:
    """Features of `image` [B, 3, H, W] in 0..1, wherever that lies."""
    return codec.encode(network.ready(), image, level, _host.tiling_host())


def decode(network: _host.HostedNetwork, features: FeatureMap, trained_for: str) -> Tensor:
    """The IMAGE of features, wherever those lie."""
    ready = network.ready()
    return picture_painted(codec.decode(ready, features, trained_for, _host.tiling_host(), _host.result_device()))


def restyle(
    network: _host.HostedNetwork,
    method: Method,
    content: Tensor,
    styles: Sequence[Style],
    strengths: Mapping[str, float],
    statistics: str,
) -> Tensor:
    """The IMAGE that `content` [B, 3, H, W] in 0..1 becomes, wherever pictures lie: see `render`."""
    painted = render(
        network.ready(),
        method,
        content,
        styles,
        strengths=strengths,
        statistics=statistics,
        host=_host.tiling_host(),
        device=_host.result_device(),
    )
    return picture_painted(painted)
