"""What is timed: methods on networks, and the ways through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..models.networks.base import ADAIN, StyleNetwork
from ..models.networks.precision import AUTOMATIC, FULL, compute_dtype
from ..models.registry import load_network
from ..transfer.wct import WHITENING
from .networks import adain_vgg19, adain_vgg19_relu3_1, published_msgnet, published_stylebank, small16x
from .painters import Painter, ours
from .plain import plain

PLAIN, CACHED = "plain", ", style cached"
WAYS = (PLAIN, FULL, FULL + CACHED, AUTOMATIC, AUTOMATIC + CACHED)


@dataclass(frozen=True)
class Case:
    """One method on one network."""

    title: str
    method: str
    build: Callable[[], StyleNetwork]


CASES: Mapping[str, Case] = {
    "adain-vgg19": Case("AdaIN, VGG-19 shape, relu4_1", ADAIN, adain_vgg19),
    "adain-vgg19-relu3_1": Case("AdaIN, VGG-19's weights, relu3_1", ADAIN, adain_vgg19_relu3_1),
    "adain-compact": Case("AdaIN, compact, relu4_1", ADAIN, lambda: load_network("compact")),
    "wct-small16x": Case("WCT, small16x, five levels", WHITENING, small16x),
    "wct-compact": Case("WCT, compact, five levels", WHITENING, lambda: load_network("compact")),
    "msgnet": Case("MSG-Net, built in", "comatch", lambda: load_network("msgnet")),
    "msgnet-published": Case("MSG-Net, published layout", "comatch", published_msgnet),
    "stylebank": Case("StyleBank, built in", "bank", lambda: load_network("stylebank")),
    "stylebank-published": Case("StyleBank, the paper's layout", "bank", published_stylebank),
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
