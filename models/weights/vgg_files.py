"""A VGG-19 out of one file whose layout its keys tell: for a loss, to teach from, or to paint with.

All but ours come out as the normalised VGG-19 of AdaIN and WCT: every filter divided by the mean of its
activations over images and positions, so that each channel's mean is about 1, and RGB in 0..1 at the input.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor

from ..networks.vgg import ADAIN_LEVEL, COMPACT, COMPACT_ADAIN, DEPTHS, LEVELS, VGG19, VggNetwork
from .keymaps import Tensors, sequential
from .learnt_styles import fingerprint
from .manifest import WeightsError
from .store import BUILTIN, read_tensors

MEANS = BUILTIN / "vgg19_means.safetensors"
CONVOLUTION = re.compile(r"conv([1-5])_\d\.")
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
    format = "safetensors" if path.name.removesuffix(".gz").endswith(".safetensors") else "torch"
    with torch.inference_mode(False):  # weights born in inference mode could never serve in a loss
        tensors = {key: value.float() for key, value in read_tensors(path, format).items()}
        layout = next((layout for layout in FILE_LAYOUTS if layout.fits(tensors)), None)
        if layout is None:
            known = ", or ".join(layout.title for layout in FILE_LAYOUTS)
            raise WeightsError(f"{path} is no file of a VGG-19 that is known here: give one with {known}.")
        if broken := next((key for key, value in tensors.items() if not value.isfinite().all()), None):
            raise WeightsError(f"{path} has values in {broken} that are no numbers: get the file anew.")
        try:
            network = layout.fill(tensors)
        except KeyError as error:
            raise WeightsError(f"{path} has {layout.title}, but lacks {error.args[0]}: get the whole file.") from error
        except (LookupError, RuntimeError) as error:
            raise WeightsError(f"{path} has {layout.title}, but other shapes: get the published file.") from error
        network.fingerprint = fingerprint(network)
        network.prepare(dtype).eval().requires_grad_(False)
        return network


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


def _imagenet(tensors: Tensors) -> VggNetwork:
    """VGG-19 as trained on ImageNet: each filter divided by its mean, and the next layer's weights times it."""
    blocks = max(int(match[1]) for key in tensors if (match := CONVOLUTION.match(key)))
    network = VggNetwork(VGG19, (), deepest=LEVELS[blocks - 1])
    layers, before = [], torch.ones(3)
    for name in network.encoder:
        (weight, bias), means = _layer(tensors, name), mean_activations()[name]
        layers.append((weight * before[:, None, None] / means[:, None, None, None], bias / means))
        before = means
    return _with_encoder(network, [_input(), *layers])


def _adain(tensors: Tensors) -> VggNetwork:
    """AdaIN's published network: a normalised encoder without the first 1x1 convolution, and its decoder."""
    network = VggNetwork(VGG19, (), ADAIN_LEVEL)
    decoder = [_layer(tensors, f"decoder.{position}") for position in ADAIN_DECODER]
    assert network.adain is not None
    network.adain.load_state_dict(sequential(_in_sequence(decoder), network.adain))
    return _with_encoder(network, [_input(), *(_layer(tensors, f"encoder.{name}") for name in network.encoder)])


def _sequential(tensors: Tensors) -> VggNetwork:
    """A published encoder by itself. One without the 1x1 convolution at its start takes RGB in 0..1 as it is."""
    layers = [_layer(tensors, position) for position in _positions(tensors)]
    count = sum(weight.shape[-1] == 3 for weight, _ in layers)
    taps = accumulate(DEPTHS, initial=0)  # the convolution, counted from 0, that each level taps
    deepest = [level for level, tap in zip(LEVELS, taps, strict=False) if tap < count][-1]
    return _with_encoder(VggNetwork(VGG19, (), deepest=deepest), layers)


def _compact(tensors: Tensors) -> VggNetwork:
    projected = any(key.startswith("appended.") for key in tensors)
    network = VggNetwork(COMPACT_ADAIN, (), ADAIN_LEVEL) if projected else VggNetwork(COMPACT, adain=ADAIN_LEVEL)
    network.load_state_dict({key: tensors[key] for key in network.state_dict()})
    return network


def _with_encoder(network: VggNetwork, layers: Sequence[Layer]) -> VggNetwork:
    network.encoder.load_state_dict(sequential(_in_sequence(layers), network.encoder))
    return network


def _layer(tensors: Tensors, name: str) -> Layer:
    return tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _input() -> Layer:
    """RGB in 0..1 to BGR in 0..255 less the means, as a 1x1 convolution; `sequential` folds it into the next layer."""
    return torch.eye(3).flip(0)[:, :, None, None] * 255, -torch.tensor(BGR_MEANS)


def _in_sequence(layers: Sequence[Layer]) -> Tensors:
    """The layers under the keys of an nn.Sequential."""
    weights = {f"{position}.weight": weight for position, (weight, _) in enumerate(layers)}
    return weights | {f"{position}.bias": bias for position, (_, bias) in enumerate(layers)}


def _positions(tensors: Tensors) -> list[str]:
    """In an nn.Sequential; ValueError for other keys."""
    return sorted({key.split(".")[0] for key in tensors}, key=int)


def _is_sequential(tensors: Tensors) -> bool:
    """Whether the keys are positions, and the first convolution takes a picture; decoders have the same keys."""
    if not all(key.split(".")[0].isdecimal() for key in tensors):
        return False
    first = tensors.get(f"{_positions(tensors)[0]}.weight")
    return first is not None and first.dim() == 4 and first.shape[1] == 3


FILE_LAYOUTS = (
    FileLayout(
        "the keys of compact.safetensors or compact-adain.safetensors",
        lambda tensors: any(key.startswith(("heads.", "adain.")) for key in tensors),
        _compact,
    ),
    FileLayout(
        "the keys encoder.conv1_1.weight and decoder.1.weight of AdaIN's network",
        lambda tensors: all(any(key.startswith(part) for key in tensors) for part in ("encoder.conv", "decoder.")),
        _adain,
    ),
    FileLayout(
        "the keys conv1_1.weight and so on of VGG-19",
        lambda tensors: any(CONVOLUTION.match(key) for key in tensors),
        _imagenet,
    ),
    FileLayout("the keys 0.weight, 2.weight and so on of a published encoder", _is_sequential, _sequential),
)
"""In the order they are tried in."""
