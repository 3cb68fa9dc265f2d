"""Networks as painters: functions from a photo to a picture, both [1, 3, H, W] in 0..1, by the way of our nodes."""

from collections.abc import Callable, Iterable
from functools import partial

from torch import Tensor

from ...models.networks.base import ADAIN, RECONSTRUCTION, FeatureMap, StyleNetwork
from ...models.networks.msgnet import LEVEL as COMATCH
from ...models.networks.msgnet import MsgNet
from ...models.networks.stylebank import LEVEL as BANK
from ...models.networks.stylebank import StyleBankNetwork
from ...models.networks.vgg import ADAIN_LEVEL, LEVELS, VggNetwork
from ...transfer.adain import adain
from ...transfer.comatch import comatch
from ...transfer.moments import Moments
from ...transfer.operators import ChannelMap, KernelMap
from ...transfer.wct import wct

Paint = Callable[[Tensor], Tensor]
BY_WCT, BY_ADAIN, BY_RECONSTRUCTION = "WCT, five levels", "AdaIN", "AdaIN, reconstruction decoder"


def reconstructing(network: StyleNetwork, level: str) -> Paint:
    """Gives the photo back, as far as the network can."""
    return lambda photo: _picture(network, network.encode(photo, level))


def vgg_methods(network: VggNetwork) -> dict[str, Callable[[Tensor], Paint]]:
    """From a painting to what paints like it, by every method that the network has decoders for."""
    ways = {
        BY_WCT: (wct, LEVELS[::-1], RECONSTRUCTION),
        BY_ADAIN: (adain, (ADAIN_LEVEL,), ADAIN),
        BY_RECONSTRUCTION: (adain, (ADAIN_LEVEL,), RECONSTRUCTION),
    }
    able = {name: way for name, way in ways.items() if all(way[2] in network.decoders(level) for level in way[1])}
    return {name: partial(_by_statistics, network, *way) for name, way in able.items()}


def by_kernel(network: StyleBankNetwork, style: str) -> Paint:
    """Paints in a style of the bank."""
    kernel = KernelMap.of(*network.kernel(style))
    return _restyling(network, BANK, lambda values: kernel(network.for_kernels(values)))


def by_gram(network: MsgNet, painting: Tensor) -> Paint:
    """Paints like a painting, in strokes of its size."""
    gram = Moments.of(network.encode(painting, COMATCH).values, full=True).gram
    operator = comatch(gram, network.comatch)
    return _restyling(network, COMATCH, lambda values: operator(network.for_comatch(values)))


def _by_statistics(
    network: StyleNetwork,
    fit: Callable[[Moments, Moments], ChannelMap],
    levels: Iterable[str],
    decoder: str,
    painting: Tensor,
) -> Paint:
    def moments(features: FeatureMap) -> Moments:
        return Moments.of(features.values, full=fit is wct)

    styles = {level: moments(network.encode(painting, level)) for level in levels}

    def paint(photo: Tensor) -> Tensor:
        for level, style in styles.items():
            own = network.encode(photo, level)
            photo = _picture(network, own.with_values(fit(moments(own), style)(own.values)), decoder)
        return photo

    return paint


def _restyling(network: StyleNetwork, level: str, operator: Callable[[Tensor], Tensor]) -> Paint:
    def paint(photo: Tensor) -> Tensor:
        own = network.encode(photo, level)
        return _picture(network, own.with_values(operator(own.values)))

    return paint


def _picture(network: StyleNetwork, features: FeatureMap, decoder: str = RECONSTRUCTION) -> Tensor:
    return network.decode(features, decoder).clamp(0, 1)
