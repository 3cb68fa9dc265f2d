"""What is timed: methods on networks, and the ways through them.

Networks are ours with their weights, and shapes with random ones, which cost the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..models.networks.base import ADAIN, StyleNetwork
from ..models.networks.msgnet import MsgNet
from ..models.networks.precision import AUTOMATIC, FULL, compute_dtype
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import ADAIN_LEVEL, LEVELS, SMALL16X, VGG19, VggLayout, VggNetwork
from ..models.registry import load_network
from ..models.weights.manifest import WeightsError
from ..transfer.wct import WHITENING
from .painters import Painter, ours
from .plain import plain
from .scenes import CONTENT, scene

Network = TypeVar("Network", bound=StyleNetwork)

PLAIN, CACHED = "plain", ", style cached"
WAYS = (PLAIN, FULL, FULL + CACHED, AUTOMATIC, AUTOMATIC + CACHED)


@dataclass(frozen=True)
class Case:
    """One method on one network."""

    title: str
    method: str
    build: Callable[[], StyleNetwork]


def adain_vgg19() -> VggNetwork:
    """AdaIN's network with random weights that keep the size of what passes through, and a picture about 0..1."""
    network = random_vgg(VGG19, ())
    with torch.inference_mode():
        picture = network.decode(network.encode(scene(CONTENT, (128, 128)), ADAIN_LEVEL), ADAIN)
        last = network.get_submodule("adain.conv1_1")
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        last.weight.mul_(0.2 / picture.std())
        last.bias.add_(0.5 - 0.2 * picture.mean() / picture.std())
    return network


def adain_vgg19_relu3_1() -> VggNetwork:
    """VGG-19's own weights to relu3_1, with WCT's decoder in the place of AdaIN's."""
    trained = load_network("vgg19-relu3_1")
    network = VggNetwork(VGG19, (), "relu3_1")
    network.encoder.load_state_dict(trained.get_submodule("encoder").state_dict())
    network.get_submodule("adain").load_state_dict(trained.get_submodule("decoder.relu3_1").state_dict())
    return network.eval().requires_grad_(False)


def small16x() -> StyleNetwork:
    """The 16x compressed networks, all five levels, with random weights where their own are not at hand."""
    try:
        return load_network("small16x")
    except WeightsError:
        return random_vgg(SMALL16X)


def published_msgnet() -> MsgNet:
    """The layout that MSG-Net was published in, random."""
    return enlivened(MsgNet())


def published_stylebank() -> StyleBankNetwork:
    """The paper's layout of StyleBank, random."""
    return enlivened(StyleBankNetwork(("random",)))


def random_vgg(layout: VggLayout, decoders: tuple[str, ...] = LEVELS) -> VggNetwork:
    """A layout with AdaIN's decoder beside the `decoders`."""
    return enlivened(VggNetwork(layout, decoders, ADAIN_LEVEL))


def enlivened(network: Network) -> Network:
    """Random weights, always the same, that keep the size of what passes through."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return network.eval().requires_grad_(False)


CASES: Mapping[str, Case] = {
    "adain-vgg19": Case("AdaIN, VGG-19 shape, relu4_1", ADAIN, adain_vgg19),
    "adain-vgg19-relu3_1": Case("AdaIN, VGG-19's weights, relu3_1", ADAIN, adain_vgg19_relu3_1),
    "adain-compact": Case("AdaIN, compact, relu4_1", ADAIN, lambda: load_network("compact")),
    "wct-small16x": Case("WCT, small16x, five levels", WHITENING, small16x),
    "wct-compact": Case("WCT, compact, five levels", WHITENING, lambda: load_network("compact")),
    "msgnet": Case("MSG-Net, built in", "msgnet", lambda: load_network("msgnet")),
    "msgnet-published": Case("MSG-Net, published layout", "msgnet", published_msgnet),
    "stylebank": Case("StyleBank, built in", "stylebank", lambda: load_network("stylebank")),
    "stylebank-published": Case("StyleBank, the paper's layout", "stylebank", published_stylebank),
}


@dataclass(frozen=True)
class Way:
    """A painter, and the type that it computes in."""

    painter: Painter
    dtype: torch.dtype
    cached: bool
    """Whether what it learns of the style is there before."""

    def ready(self, content: Tensor, style: Tensor) -> Callable[[], Tensor]:
        """What is timed."""
        if not self.cached:
            return lambda: self.painter.picture(content, style)
        known = self.painter.learn(style)
        return lambda: self.painter.paint(content, known)


def way_through(case: Case, name: str) -> Way:
    """One of `WAYS` through a case."""
    network = case.build()
    if name == PLAIN:
        return Way(plain(network, case.method), torch.float32, cached=False)
    precision, cached, _ = name.partition(CACHED)
    ready = network.prepare(compute_dtype(precision, torch.device("cpu")))
    return Way(ours(ready, case.method), ready.dtype, bool(cached))
