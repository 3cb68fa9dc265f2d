"""What is timed: the networks, the pictures, and the ways through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.features import FeatureMap
from ..models.network import ADAIN, RECONSTRUCTION, StyleNetwork
from ..models.precision import AUTOMATIC, FULL, compute_dtype
from ..models.vgg import VGG19, VggDecoder, VggEncoder, VggNetwork
from ..models.zoo import load_network
from ..samples import load_sample
from ..transfer.adain import adain
from ..transfer.moments import Moments
from ..transfer.wct import wct
from .plain import PlainNetwork, plain_decoder, plain_encoder, plain_picture

Way = Callable[[], Tensor]
PLAIN, CACHED = "plain", ", style cached"
WAYS = (PLAIN, FULL, FULL + CACHED, AUTOMATIC, AUTOMATIC + CACHED)
CONTENT, STYLE = "coffee", "swirling_night"


@dataclass(frozen=True)
class Case:
    """One method on one network."""

    title: str
    method: str
    build: Callable[[], VggNetwork]


def random_vgg19() -> VggNetwork:
    """AdaIN's network with random weights that keep the size of what passes through, and a picture about 0..1."""
    torch.manual_seed(0)
    network = VggNetwork(VGG19, (), "relu4_1")
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    with torch.inference_mode():
        picture = network.decode(network.encode(_picture(CONTENT, 128), "relu4_1"), ADAIN)
        last = network.get_submodule("adain.conv1_1")
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        last.weight.mul_(0.2 / picture.std())
        last.bias.add_(0.5 - 0.2 * picture.mean() / picture.std())
    return network.eval().requires_grad_(False)


def trained_vgg19() -> VggNetwork:
    """VGG-19's own weights to relu3_1, with WCT's decoder in the place of AdaIN's."""
    trained = load_network("vgg19-relu3_1")
    network = VggNetwork(VGG19, (), "relu3_1")
    network.encoder.load_state_dict(trained.get_submodule("encoder").state_dict())
    network.get_submodule("adain").load_state_dict(trained.get_submodule("decoder.relu3_1").state_dict())
    return network.eval().requires_grad_(False)


def small16x() -> VggNetwork:
    """The 16x compressed networks, all five levels."""
    network = load_network("small16x")
    assert isinstance(network, VggNetwork)
    return network


CASES: Mapping[str, Case] = {
    "adain": Case("AdaIN, VGG-19 shape, relu4_1", "adain", random_vgg19),
    "adain3": Case("AdaIN, VGG-19's weights, relu3_1", "adain", trained_vgg19),
    "wct": Case("WCT, small16x, five levels", "wct", small16x),
}


def one_way(case: Case, way: str, size: int) -> Way:
    """From a content and a style picture of size x size to the picture, by one of `WAYS`."""
    network = case.build()
    content, style = _picture(CONTENT, size), _picture(STYLE, size)
    if way == PLAIN:
        plain = _plain(network, _levels(network, case.method))
        return lambda: plain_picture(plain, case.method, content, style)
    precision, cached, _ = way.partition(CACHED)
    ours = _Ours(network.prepare(compute_dtype(precision, torch.device("cpu"))), case.method)
    known = ours.learn_all(style) if cached else None
    return lambda: ours.picture(content, known or ours.learn_all(style))


@dataclass(frozen=True)
class _Ours:
    """The way of our nodes."""

    network: StyleNetwork
    method: str

    @torch.inference_mode()
    def learn_all(self, style: Tensor) -> dict[str, Moments]:
        """A style's moments at every level."""
        return {level: self._moments(self.network.encode(style, level)) for level in self._levels}

    @torch.inference_mode()
    def picture(self, image: Tensor, styles: Mapping[str, Moments]) -> Tensor:
        """`image` restyled at every level, coarse to fine."""
        fit, purpose = (wct, RECONSTRUCTION) if self.method == "wct" else (adain, ADAIN)
        for level, style in styles.items():
            features = self.network.encode(image, level)
            restyled = fit(self._moments(features), style)(features.values)
            image = self.network.decode(features.with_values(restyled), purpose)
        return image

    def _moments(self, features: FeatureMap) -> Moments:
        return Moments.of(features.values, full=self.method == "wct")

    @property
    def _levels(self) -> list[str]:
        return _levels(self.network, self.method)


def _levels(network: StyleNetwork, method: str) -> list[str]:
    coarse_to_fine = list(network.spaces)[::-1]
    return coarse_to_fine if method == "wct" else coarse_to_fine[:1]


def _plain(network: VggNetwork, levels: list[str]) -> PlainNetwork:
    """The same weights in plain modules."""
    encoders, decoders = {}, {}
    for level in levels:
        encoder = network.encoder if isinstance(network.encoder, VggEncoder) else network.encoder[level]
        decoder = network.get_submodule(f"decoder.{level}" if level in network.decoder else "adain")
        assert isinstance(encoder, VggEncoder) and isinstance(decoder, VggDecoder)
        encoders[level], decoders[level] = plain_encoder(encoder), plain_decoder(decoder)
    return PlainNetwork(encoders, decoders)


def _picture(name: str, size: int) -> Tensor:
    """The sample's middle, size x size."""
    image = load_sample(name)
    side = min(image.shape[-2:])
    top, left = ((length - side) // 2 for length in image.shape[-2:])
    middle = image[..., top : top + side, left : left + side]
    return F.interpolate(middle, (size, size), mode="bicubic", antialias=True).clamp(0, 1)
