"""The networks that recipes train on, by name or file."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from ..models.networks.base import StyleNetwork
from ..models.networks.vgg import BACKBONE_LEVEL, VggNetwork
from ..models.registry import load_network

Network = TypeVar("Network", bound=StyleNetwork)


def check_side(side: int, stride: int) -> None:
    """ValueError where crops of `side` pixels do not divide into cells of `stride`, two at least."""
    if side % stride or side < 2 * stride:
        raise ValueError(
            f"crops of {side} pixels do not divide into cells of {stride}: choose a larger multiple of {stride}."
        )


def vgg_network(name: str, decoder: str = "") -> VggNetwork:
    """The network `name`, of VGG's shape, with a decoder at the level `decoder` if told; ValueError for another."""
    network = load_network(name)
    if not isinstance(network, VggNetwork):
        raise ValueError(f"{name} is no network of VGG's shape: choose compact, small16x or vgg19.")
    if decoder and decoder not in network.decoder:
        raise ValueError(f"{name} has no decoder at {decoder} to start from: choose compact, small16x or vgg19.")
    return network


def backbone_or(kind: type[Network], name: str) -> VggNetwork | Network | None:
    """A network of that kind as it is, one of VGG's shape to stand on, or nothing for the paper's own layout."""
    if not name:
        return None
    network = load_network(name)
    return network if isinstance(network, kind) else vgg_network(name, BACKBONE_LEVEL)


def backbone_encoder(backbone: VggNetwork) -> dict[str, Tensor]:
    """The weights of `backbone`'s encoder down to relu3_1 and no deeper."""
    encoder = backbone.encoder if backbone.layout.shared_encoder else backbone.encoder[BACKBONE_LEVEL]
    last = f"conv{BACKBONE_LEVEL[4]}_1"
    names = [name for name, _ in encoder.named_children()]
    wanted = names[: names.index(last) + 1]
    return {key: value for key, value in encoder.state_dict().items() if key.split(".")[0] in wanted}
