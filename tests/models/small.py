"""One small network of each kind, with random weights through which signals live."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.layers import Residual
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.norm import InstanceNorm, MissingStatistics, NormStatistics, fixed_statistics
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import LEVELS, VggLayout, VggNetwork

Network = TypeVar("Network", bound=nn.Module)

TINY = VggLayout("tiny", (4, 6, 8, 8, 8))
APART = VggLayout("apart", (4, 6, 8, 8, 8), shared_encoder=False, first_width=5, final_relu=True)
KINDS = ("shared encoder", "an encoder a level", "MSG-Net", "StyleBank")


def small_network(kind: str) -> StyleNetwork:
    """In evaluation mode, without gradients."""
    if kind == "MSG-Net":
        network = MsgNet(4)
    elif kind == "StyleBank":
        network = StyleBankNetwork(("waves", "leaves"), (4, 6, 8))
    else:
        network = VggNetwork(TINY if kind == KINDS[0] else APART, LEVELS, adain="relu4_1")
    return enlivened(network).eval().requires_grad_(False)


def enlivened(network: Network) -> Network:
    """Narrow layers with torch's own first weights are silent after a few ReLUs; these mostly add, and are not."""
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.uniform_(layer.weight, -2 / layer.weight[0].numel(), 4 / layer.weight[0].numel(), generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -0.1, 0.1, generator)
    for block in network.modules():
        if isinstance(block, Residual):  # each adds to what it gets: after four of them pictures are white
            block.get_parameter("2.weight").data.mul_(0.1)
    return network


def measured(network: StyleNetwork, run: Callable[[], object]) -> dict[InstanceNorm, NormStatistics]:
    """Statistics of every norm on the way of one picture, found one after the other."""
    known: dict[InstanceNorm, NormStatistics] = {}
    while True:
        try:
            with fixed_statistics(network, known):
                run()
            return known
        except MissingStatistics as met:
            variance, mean = torch.var_mean(met.values, (0, 2, 3), correction=0)
            known[met.norm] = NormStatistics(mean, variance)
