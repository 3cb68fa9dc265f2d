"""The networks that recipes train on: by name or file, with their first weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from ..models.networks.msgnet import MsgNet
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import BACKBONE_LEVEL, VggNetwork
from ..models.registry import load_network

ENCODER_RATE = 0.25
"""Of all else's, for a trained encoder that learns along: at the whole rate it forgets within a hundred steps."""

Module = TypeVar("Module", bound=nn.Module)
PaperNetwork = TypeVar("PaperNetwork", MsgNet, StyleBankNetwork)


def check_side(side: int, stride: int) -> None:
    """ValueError where crops of `side` pixels do not divide into cells of `stride` pixels, two at least."""
    if side % stride or side < 2 * stride:
        fault = f"crops of {side} pixels do not divide into cells of {stride}"
        raise ValueError(f"{fault}: choose a larger multiple of {stride}.")


def vgg_network(name: str, decoder: str = "") -> VggNetwork:
    """The network `name`, of VGG's shape, with a decoder at the level `decoder` if given; ValueError for another."""
    network = load_network(name)
    if not isinstance(network, VggNetwork):
        raise ValueError(f"{name} is no network of VGG's shape: choose compact, small16x or vgg19.")
    if decoder and decoder not in network.decoder:
        raise ValueError(f"{name} has no decoder at {decoder} to start from: choose compact, small16x or vgg19.")
    return network


def backbone_or(kind: type[PaperNetwork], name: str) -> VggNetwork | PaperNetwork | None:
    """A network of that kind as it is, a backbone of VGG's shape for one, or None for the paper's own layout."""
    if not name:
        return None
    network = load_network(name)
    return network if isinstance(network, kind) else vgg_network(name, BACKBONE_LEVEL)


def on_backbone(network: PaperNetwork, backbone: VggNetwork) -> PaperNetwork:
    """`network`, ready to learn, with `backbone`'s encoder down to relu3_1, frozen, and its decoder from there."""
    encoder = backbone.encoder if backbone.layout.shared_encoder else backbone.encoder[BACKBONE_LEVEL]
    weights = encoder.state_dict()
    network.encoder.load_state_dict({name: weights[name] for name in network.encoder.state_dict()})
    network.decoder.load_state_dict(backbone.decoder[BACKBONE_LEVEL].state_dict())
    network.train().encoder.requires_grad_(False)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def seeded(build: Callable[[], Module], seed: int) -> Module:
    """What `build` makes with random weights; the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def kaiming_initialised(module: Module, seed: int) -> Module:
    """Random convolutions of the size that ReLUs keep (He et al. 2015), and no biases; the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias) if layer.bias is not None else None
    return module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def learning_along(encoder: nn.Module) -> list[tuple[nn.Parameter, float]]:
    """A trained encoder's weights, ready to learn, each with its share of the rate."""
    return [(weight, ENCODER_RATE) for weight in encoder.requires_grad_(True).parameters()]


def last_layer(network: nn.Module) -> nn.Conv2d:
    """The convolution that gives the picture: the last one of the network's decoder."""
    return [layer for layer in network.get_submodule("decoder").modules() if isinstance(layer, nn.Conv2d)][-1]


@torch.no_grad()
def centre_output(network: nn.Module, mean: float, deviation: float) -> None:
    """Let the first pictures have this mean and deviation, where the last layer's inputs are normalised."""
    last = last_layer(network)
    last.weight.mul_(deviation)
    last.get_parameter("bias").fill_(mean)
