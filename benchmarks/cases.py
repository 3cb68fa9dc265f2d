"""What is timed: methods on networks, the ways through them, and the pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
import typer
from torch import Tensor, nn

from ..methods import METHODS
from ..methods.protocol import Method, Style
from ..methods.render import learn, render
from ..models.networks.base import ADAIN, StyleNetwork
from ..models.networks.msgnet import MsgNet
from ..models.networks.precision import AUTOMATIC, FULL, compute_dtype
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import ADAIN_LEVEL, LEVELS, SMALL16X, VGG19, VggLayout, VggNetwork
from ..models.registry import load_network
from ..models.weights.manifest import WeightsError
from ..samples import load_sample
from ..transfer.resize import scale_strokes
from ..transfer.wct import WHITENING
from .measure import own_peak
from .plain import Learn, Paint, plain

PLAIN, CACHED = "plain", ", style cached"
WAYS = (PLAIN, FULL, FULL + CACHED, AUTOMATIC, AUTOMATIC + CACHED)
CONTENT, STYLE = "coffee", "swirling_night"
SIZES: Mapping[str, tuple[int, int]] = {
    "512": (512, 512),
    "1024": (1024, 1024),
    "1080p": (1080, 1920),
    "4K": (2160, 3840),
}
"""(H, W) in pixels."""

Network = TypeVar("Network", bound=StyleNetwork)


def scene(name: str, size: tuple[int, int]) -> Tensor:
    """The sample [1, 3, H, W], scaled until it fills `size` and cropped to its middle."""
    image = load_sample(name)
    image = scale_strokes(image, max(length / own for length, own in zip(size, image.shape[-2:], strict=True)))
    top, left = ((own - length) // 2 for own, length in zip(image.shape[-2:], size, strict=True))
    return image[..., top : top + size[0], left : left + size[1]].contiguous()


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


@dataclass(frozen=True)
class Case:
    """One method, by its name in METHODS, on one network."""

    title: str
    method: str
    build: Callable[[], StyleNetwork]


CASES: Mapping[str, Case] = {
    "adain-vgg19": Case("AdaIN, VGG-19 shape, relu4_1", "adain", adain_vgg19),
    "adain-vgg19-relu3_1": Case("AdaIN, VGG-19's weights, relu3_1", "adain", adain_vgg19_relu3_1),
    "adain-compact": Case("AdaIN, compact, relu4_1", "adain", lambda: load_network("compact")),
    "adain-compact-adain": Case("AdaIN, built in, relu4_1", "adain", lambda: load_network("compact-adain")),
    "wct-small16x": Case("WCT, small16x, five levels", WHITENING, small16x),
    "wct-compact": Case("WCT, compact, four levels", WHITENING, lambda: load_network("compact")),
    "msgnet": Case("MSG-Net, built in", "msgnet", lambda: load_network("msgnet")),
    "msgnet-published": Case("MSG-Net, published layout", "msgnet", lambda: enlivened(MsgNet())),
    "stylebank": Case("StyleBank, built in", "stylebank", lambda: load_network("stylebank")),
    "stylebank-published": Case(
        "StyleBank, the paper's layout", "stylebank", lambda: enlivened(StyleBankNetwork(("random",)))
    ),
}


def ours(network: StyleNetwork, method: Method, strength: float | None = 1.0) -> Learn:
    """The pack's way, at full strength unless told; None is the method's own.

    A bank of styles takes a name, and for a picture paints its first style.
    """

    def learnt(source: Tensor | str) -> Paint:
        if isinstance(network, StyleBankNetwork) and isinstance(source, Tensor):
            source = network.styles[0]
        style = Style(learn(network, method, Style(source)))
        return lambda content: render(network, method, content, [style], strengths=strength)

    return learnt


@dataclass(frozen=True)
class Way:
    """How a picture is made, and the type that it is computed in."""

    learn: Learn
    dtype: torch.dtype
    """The least precise of the network's."""
    cached: bool
    """Whether what is learnt of the style is there before."""

    def ready(self, content: Tensor, style: Tensor) -> Callable[[], Tensor]:
        """What is timed."""
        if not self.cached:
            return lambda: self.learn(style)(content)
        paint = self.learn(style)
        return lambda: paint(content)


def way_through(case: Case, name: str) -> Way:
    """One of `WAYS` through a case."""
    network = case.build()
    if name == PLAIN:
        return Way(plain(network, case.method), torch.float32, cached=False)
    precision, cached, _ = name.partition(CACHED)
    ready = network.prepare(compute_dtype(precision, torch.device("cpu")))
    dtype = min((weight.dtype for weight in ready.parameters()), key=lambda dtype: dtype.itemsize)
    return Way(ours(ready, METHODS[case.method]), dtype, bool(cached))


def peak_of(case: str, way: str, size: str, threads: int) -> int:
    """Bytes that a process holds at most while it makes one picture, and nothing else; 0 where nobody counts them."""
    torch.set_num_threads(threads)
    content, style = (scene(name, SIZES[size]) for name in (CONTENT, STYLE))
    way_through(CASES[case], way).learn(style)(content)
    return own_peak()


def expect_known(given: Collection[str] | None, known: Collection[str]) -> None:
    """BadParameter, which names what there is, where something else was asked for."""
    if unknown := set(given or ()) - set(known):
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}: choose of {', '.join(known)}")
