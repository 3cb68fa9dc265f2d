"""Loss networks by name: what recipes look at pictures with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.network import StyleNetwork
from ..models.vgg import VggNetwork
from ..models.weights import ensure_network, read_tensors
from ..models.zoo import load_network
from ..transfer.moments import Moments
from .precision import fast

EXACT, COMPRESSED = "vgg19-relu3_1", "small16x"


class Eye(nn.Module):
    """Features of pictures [B, 3, H, W] in 0..1 at the levels it knows, as plain tensors [B, C, h, w]."""

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = network
        self.levels: tuple[str, ...] = tuple(network.spaces)

    def forward(self, image: Tensor, levels: Collection[str]) -> dict[str, Tensor]:
        return self.through(self.own(image, levels))

    def own(self, image: Tensor, levels: Collection[str]) -> dict[str, Tensor]:
        """The network's own features."""
        return {level: features.values for level, features in self.network.encode_levels(image, levels).items()}

    def through(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the eye makes of the network's own features."""
        return features

    def shown(self, level: str, values: Tensor) -> Tensor:
        """`through` at one level; where the eye does not know it, the features stay as they are."""
        return self.through({level: values})[level] if level in self.levels else values

    def moments(self, features: dict[str, Tensor]) -> dict[str, Moments]:
        """The moments, with the scatter between channels, of what the eye makes of the network's own features."""
        return {level: Moments.of(values, full=True) for level, values in features.items()}

    @torch.no_grad()
    def grams(self, image: Tensor, levels: Collection[str]) -> dict[str, Tensor]:
        """The Gram matrices [B, C, C] of what is there already and learns nothing."""
        return {level: moments.gram for level, moments in self.moments(self.own(image, levels)).items()}

    @torch.no_grad()
    def look(self, image: Tensor, levels: Collection[str]) -> dict[str, Tensor]:
        """What is there already and learns nothing: the features in float32, computed in the fast type."""
        with fast(image.device):
            return {level: values.float() for level, values in self(image, levels).items()}


class Headed(Eye):
    """A network behind 1x1 heads that were made in its distillation: VGG-19's own channels."""

    def __init__(self, network: StyleNetwork, heads: nn.ModuleDict) -> None:
        super().__init__(network)
        self.heads = heads
        self.levels = tuple(heads)

    def through(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """The channels that the heads give."""
        return {level: self.heads[level](values) for level, values in features.items()}

    def moments(self, features: dict[str, Tensor]) -> dict[str, Moments]:
        """Those of the heads' channels, of which there are several times as many: so without looking at all pixels."""
        return {level: m.mapped(*self._head(level)) for level, m in super().moments(features).items()}

    def _head(self, level: str) -> tuple[Tensor, Tensor]:
        weight, bias = (self.heads.get_parameter(f"{level}.{part}") for part in ("weight", "bias"))
        return weight[:, :, 0, 0], bias


class Teachers(Eye):
    """VGG-19 itself as deep as its small published file goes, and the compressed one with its heads below that."""

    def __init__(self, exact: Eye, compressed: Eye) -> None:
        super().__init__(exact.network)
        self.exact, self.compressed = exact, compressed
        self.levels = compressed.levels

    def own(self, image: Tensor, levels: Collection[str]) -> dict[str, Tensor]:
        near = [level for level in levels if level in self.exact.levels]
        far = [level for level in levels if level not in near]
        return {**(self.exact.own(image, near) if near else {}), **(self.compressed.own(image, far) if far else {})}

    def through(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        near, far = self._split(features)
        return {**near, **self.compressed.through(far)}

    def moments(self, features: dict[str, Tensor]) -> dict[str, Moments]:
        near, far = self._split(features)
        return {**self.exact.moments(near), **self.compressed.moments(far)}

    def _split(self, features: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        near = {level: values for level, values in features.items() if level in self.exact.levels}
        return near, {level: values for level, values in features.items() if level not in near}


def load_eye(name: str, folders: Sequence[Path] = ()) -> Eye:
    """`teachers`, or any network of the manifest that encodes VGG's levels, behind its heads if it has some; frozen."""
    if name == "teachers":
        return Teachers(Eye(load_network(EXACT, folders)), _headed(folders))
    return _headed(folders) if name == COMPRESSED else eye_of(load_network(name, folders))


def eye_of(network: StyleNetwork) -> Eye:
    """Looks through `network`'s encoder, and through its heads where it has some."""
    return Headed(network, network.heads) if isinstance(network, VggNetwork) and network.heads else Eye(network)


def _headed(folders: Sequence[Path]) -> Headed:
    network, paths = load_network(COMPRESSED, folders), ensure_network(COMPRESSED, folders)
    heads = nn.ModuleDict()
    for level in network.spaces:
        tensors = read_tensors(paths[f"encoder.{level}"], "torch")
        name = f"conv{level[4]}1_aux"
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        heads[level] = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
        heads[level].load_state_dict({"weight": weight, "bias": bias})
    return Headed(network, heads.to(memory_format=torch.channels_last).requires_grad_(False))  # pyright: ignore
