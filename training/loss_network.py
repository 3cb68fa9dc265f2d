"""Loss networks: what losses compare pictures with, by a name of the manifest or from a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.networks.base import StyleNetwork
from ..models.networks.vgg import VggNetwork, block_of
from ..models.registry import load_network
from ..models.weights.store import ensure_network, read_tensors
from ..transfer.moments import Moments
from .precision import training_dtype

EXACT, COMPRESSED = "vgg19-relu3_1", "small16x"
MIXED = "teachers"  # VGG-19 as deep as its small published file goes, below that the compressed one behind projections

Features = dict[str, Tensor]
"""[B, C, h, w] by level."""


class LossNetwork(nn.Module):
    """Features of pictures [B, 3, H, W] in 0..1 at the network's levels; frozen."""

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = network
        self.levels: tuple[str, ...] = tuple(network.spaces)

    def forward(self, image: Tensor, levels: Collection[str]) -> Features:
        """What losses compare: `project(encode(image, levels))`."""
        return self.project(self.encode(image, levels))

    def encode(self, image: Tensor, levels: Collection[str]) -> Features:
        """The network's own features, in one pass that ends at the deepest level. ValueError for an unknown level."""
        missing = [level for level in levels if level not in self.levels]
        if missing:
            raise ValueError(
                f"this loss network ends at {self.levels[-1]} and {missing[-1]} is asked for: choose a deeper one as "
                "--loss-network."
            )
        return {level: features.values for level, features in self.network.encode_levels(image, levels).items()}

    def project(self, features: Features) -> Features:
        """The channels that losses compare, of the network's own features: these themselves, or 1x1 projections."""
        return features

    def moments(self, features: Mapping[str, Tensor], full: bool = True) -> dict[str, Moments]:
        """The moments of `project(features)`; `full` with the scatter between channels."""
        return {level: Moments.of(values, full=full) for level, values in features.items()}

    def to_training(self, device: torch.device) -> LossNetwork:
        """On `device`, in the type that networks learn in there."""
        return self.to(device=device, dtype=training_dtype(device))


class ProjectedLossNetwork(LossNetwork):
    """A network behind the 1x1 projections of its distillation, to VGG-19's own channels."""

    def __init__(self, network: StyleNetwork, projections: nn.ModuleDict) -> None:
        super().__init__(network)
        self.projections = projections
        self.levels = tuple(projections)

    def project(self, features: Features) -> Features:
        return {level: self.projections[level](values) for level, values in features.items()}

    def moments(self, features: Mapping[str, Tensor], full: bool = True) -> dict[str, Moments]:
        """From the moments of the network's own channels, of which there are several times fewer."""
        projected = super().moments(features)
        for level, moments in projected.items():
            weight, bias = (self.projections.get_parameter(f"{level}.{part}").float() for part in ("weight", "bias"))
            projected[level] = moments.mapped(weight[:, :, 0, 0], bias)
        return projected


class MixedLossNetwork(LossNetwork):
    """One loss network for the levels that it has, another for those below."""

    def __init__(self, exact: LossNetwork, compressed: LossNetwork) -> None:
        super().__init__(exact.network)
        self.exact, self.compressed = exact, compressed
        self.levels = compressed.levels

    def encode(self, image: Tensor, levels: Collection[str]) -> Features:
        near = [level for level in levels if level in self.exact.levels]
        far = [level for level in levels if level not in near]
        features = self.exact.encode(image, near) if near else {}
        return features | (self.compressed.encode(image, far) if far else {})

    def project(self, features: Features) -> Features:
        near, far = self._split(features)
        return self.exact.project(near) | self.compressed.project(far)

    def moments(self, features: Mapping[str, Tensor], full: bool = True) -> dict[str, Moments]:
        near, far = self._split(features)
        return self.exact.moments(near, full) | self.compressed.moments(far, full)

    def _split(self, features: Mapping[str, Tensor]) -> tuple[Features, Features]:
        near = {level: values for level, values in features.items() if level in self.exact.levels}
        return near, {level: values for level, values in features.items() if level not in near}


def load_loss_network(name: str, folders: Sequence[Path] = ()) -> LossNetwork:
    """`teachers`, a network of the manifest that encodes VGG's levels, or a file of one; frozen, on the CPU.

    Errors of `load_network`.
    """
    if name not in (MIXED, COMPRESSED):
        return loss_network_of(load_network(name, folders))
    network, paths = load_network(COMPRESSED, folders), ensure_network(COMPRESSED, folders)
    projections = nn.ModuleDict()
    for level in network.spaces:
        tensors = read_tensors(paths[f"encoder.{level}"], "torch")
        weights = {part: tensors[f"conv{block_of(level)}1_aux.{part}"] for part in ("weight", "bias")}
        outputs, inputs = weights["weight"].shape[:2]
        projections[level] = nn.Conv2d(inputs, outputs, 1)
        projections[level].load_state_dict(weights)
    compressed = ProjectedLossNetwork(network, projections.requires_grad_(False))
    if name == COMPRESSED:
        return compressed
    return MixedLossNetwork(LossNetwork(load_network(EXACT, folders)), compressed)


def loss_network_of(network: StyleNetwork) -> LossNetwork:
    """`network`'s encoder, behind its 1x1 projections where it has some."""
    if isinstance(network, VggNetwork) and network.heads:
        return ProjectedLossNetwork(network, network.heads)
    return LossNetwork(network)
