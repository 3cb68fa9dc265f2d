"""A VGG-19 out of one file whose layout its keys tell: to see with in a loss, to teach from, or to paint with.

All but our own come out as the normalised VGG-19 of AdaIN and WCT: every filter divided by the mean of its activations
over images and positions, so that each channel's mean is about 1, and RGB in 0..1 at the input.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor

from ..networks.vgg import ADAIN_LEVEL, COMPACT, DEPTHS, LEVELS, VGG19, VggNetwork
from .keymaps import Tensors, sequential
from .manifest import WeightsError
from .store import BUILTIN, read_tensors

MEANS = BUILTIN / "vgg19_means.safetensors"
PLAIN = re.compile(r"conv([1-5])_\d\.")
"""Keys of VGG-19, with their block."""
ADAIN_DECODER = (1, 5, 8, 11, 14, 18, 21, 25, 28)
"""Positions of the convolutions in the published decoder."""
BGR_MEANS = (103.939, 116.779, 123.68)
"""Of ImageNet, in 0..255: what VGG-19 was trained with its pictures less."""

Layer = tuple[Tensor, Tensor]
"""Weight [out, in, k, k] and bias [out] of a convolution."""


@dataclass(frozen=True)
class FileLayout:
    """One way that files name their tensors."""

    title: str
    """For who has to find such a file."""
    fits: Callable[[Tensors], bool]
    """Whether these are the keys of such a file, be it whole or not."""
    fill: Callable[[Tensors], VggNetwork]
    """The network of the file; KeyError with the first key missing, another LookupError or RuntimeError for shapes."""


def load_vgg_file(path: Path, dtype: torch.dtype = torch.float32) -> VggNetwork:
    """The network of a file in one of `FILE_LAYOUTS`, on the CPU, set to compute in `dtype`, evaluation only.

    Safetensors or a checkpoint of torch, either also gzipped (`.gz`); weights of any floating type. Encoders are as
    deep as their file. WeightsError, one sentence, where there is no such file, or it is not whole.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is not there: give the path of a file of VGG-19, or the name of a network.")
    with torch.inference_mode(False):  # weights born in inference mode could never serve in a loss
        network = _network(path, {key: value.float() for key, value in read_tensors(path, format_of(path)).items()})
        network.prepare(dtype).eval().requires_grad_(False)
        return network


def format_of(path: Path) -> str:
    """The format for `read_tensors` that a file's name tells."""
    return "safetensors" if path.name.removesuffix(".gz").endswith(".safetensors") else "torch"


@cache
def mean_activations() -> dict[str, Tensor]:
    """By convolution, conv1_1 to conv5_1: the mean activation of each filter [C] of VGG-19, pictures in 0..255.

    To conv3_1 they are the ratio of VGG-19 (8 bits a weight) to the published normalised network, by least squares over
    a filter's weights and bias: good to 0.3 %. To conv4_1 the ratio to AdaIN's published network in 8 bits, with the
    noise of its weights taken out of the squares: good to 1 %. The four layers beyond are means over 350 photographs
    (shorter side 256, the middle square), divided by 0.86: at conv3_3 to conv4_1 such means come to 0.85 to 0.86 of the
    known ones, as the photographs are others and 8 bits lose faint activations. A single filter's is 6 to 25 % off.
    """
    return {name: means.float() for name, means in read_tensors(MEANS, "safetensors").items()}


def _network(path: Path, tensors: Tensors) -> VggNetwork:
    layout = next((layout for layout in FILE_LAYOUTS if layout.fits(tensors)), None)
    if layout is None:
        known = ", or ".join(layout.title for layout in FILE_LAYOUTS)
        raise WeightsError(f"{path} is no file of a VGG-19 that is known here: give one with {known}.")
    if broken := next((key for key, value in tensors.items() if not value.isfinite().all()), None):
        raise WeightsError(f"{path} has values in {broken} that are no numbers: get the file anew.")
    try:
        return layout.fill(tensors)
    except KeyError as error:
        raise WeightsError(f"{path} has {layout.title}, but lacks {error.args[0]}: get the whole file.") from error
    except (LookupError, RuntimeError) as error:
        raise WeightsError(f"{path} has {layout.title}, but other shapes: get the published file.") from error


def _plain(tensors: Tensors) -> VggNetwork:
    """VGG-19 as trained on ImageNet: each filter divided by its mean, and the next layer's weights times it."""
    blocks = max(int(match[1]) for key in tensors if (match := PLAIN.match(key)))
    network = VggNetwork(VGG19, (), deepest=LEVELS[blocks - 1])
    layers, before = [], torch.ones(3)
    for name, (weight, bias) in _named(tensors, network, ""):
        means = mean_activations()[name]
        layers.append((weight * before[:, None, None] / means[:, None, None, None], bias / means))
        before = means
    return _filled(network, [_input(), *layers])


def _adain(tensors: Tensors) -> VggNetwork:
    """AdaIN's published network: a normalised encoder without the first 1x1 convolution, and its decoder."""
    network = VggNetwork(VGG19, (), ADAIN_LEVEL)
    decoder = [_layer(tensors, f"decoder.{position}") for position in ADAIN_DECODER]
    assert network.adain is not None
    network.adain.load_state_dict(sequential(_in_sequence(decoder), network.adain))
    return _filled(network, [_input(), *(layer for _, layer in _named(tensors, network, "encoder."))])


def _sequential(tensors: Tensors) -> VggNetwork:
    """A published encoder by itself. One without the 1x1 convolution at its start takes RGB in 0..1 as it is."""
    layers = [_layer(tensors, str(position)) for position in _positions(tensors)]
    count = sum(weight.shape[-1] == 3 for weight, _ in layers)
    taps = accumulate(DEPTHS, initial=0)  # the convolution, counted from 0, that each level taps
    deepest = [level for level, tap in zip(LEVELS, taps, strict=False) if tap < count][-1]
    return _filled(VggNetwork(VGG19, (), deepest=deepest), layers)


def _own(tensors: Tensors) -> VggNetwork:
    """Our own compact network."""
    network = VggNetwork(COMPACT, adain=ADAIN_LEVEL)
    network.load_state_dict({key: tensors[key] for key in network.state_dict()})
    return network


def _filled(network: VggNetwork, layers: list[Layer]) -> VggNetwork:
    network.encoder.load_state_dict(sequential(_in_sequence(layers), network.encoder))
    return network


def _named(tensors: Tensors, network: VggNetwork, prefix: str) -> Iterator[tuple[str, Layer]]:
    """The encoder's convolutions by name, out of a file that has them under the same names behind `prefix`."""
    return ((name, _layer(tensors, f"{prefix}{name}")) for name in network.encoder)


def _layer(tensors: Tensors, name: str) -> Layer:
    return tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _input() -> Layer:
    """RGB in 0..1 to BGR in 0..255 less the means, as a 1x1 convolution; `sequential` folds it into the next layer."""
    return torch.eye(3).flip(0)[:, :, None, None] * 255, -torch.tensor(BGR_MEANS)


def _in_sequence(layers: list[Layer]) -> Tensors:
    """The layers under the keys of an nn.Sequential."""
    named = ((f"{place}.weight", f"{place}.bias") for place in range(len(layers)))
    return {
        key: value for keys, layer in zip(named, layers, strict=True) for key, value in zip(keys, layer, strict=True)
    }


def _positions(tensors: Tensors) -> list[int]:
    return sorted({int(key.split(".")[0]) for key in tensors})


def _is_adain(tensors: Tensors) -> bool:
    return all(any(key.startswith(part) for key in tensors) for part in ("encoder.conv", "decoder."))


def _is_own(tensors: Tensors) -> bool:
    return any(key.startswith(("heads.", "adain.")) for key in tensors)


def _is_plain(tensors: Tensors) -> bool:
    return any(PLAIN.match(key) for key in tensors)


def _is_sequential(tensors: Tensors) -> bool:
    """Whether the keys are positions, and the first convolution takes a picture; decoders have the same keys."""
    if not all(key.split(".")[0].isdecimal() for key in tensors):
        return False
    first = tensors.get(f"{_positions(tensors)[0]}.weight")
    return first is not None and first.dim() == 4 and first.shape[1] == 3


FILE_LAYOUTS = (
    FileLayout("the keys of compact.safetensors", _is_own, _own),
    FileLayout("the keys encoder.conv1_1.weight and decoder.1.weight of AdaIN's network", _is_adain, _adain),
    FileLayout("the keys conv1_1.weight and so on of VGG-19", _is_plain, _plain),
    FileLayout("the keys 0.weight, 2.weight and so on of a published encoder", _is_sequential, _sequential),
)
"""In the order they are tried in."""
