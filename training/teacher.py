"""A teacher: a network with a published decoder for AdaIN, whose pictures are targets with an answer at each pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.networks.base import ADAIN
from ..models.networks.vgg import ADAIN_LEVEL, VggNetwork
from ..models.registry import load_network
from ..transfer.adain import adain
from ..transfer.moments import Moments
from .pairs import Measured, Paint
from .precision import training_dtype


class Teacher(nn.Module):
    """Paints by AdaIN at full strength. ValueError where the network has no decoder for it."""

    def __init__(self, network: VggNetwork, name: str = "teacher") -> None:
        super().__init__()
        network.expect_decoder(ADAIN_LEVEL, ADAIN)
        self.network, self.name = network, name

    @torch.no_grad()
    def learn(self, style: Tensor) -> Moments:
        """All that it keeps of style pictures [B, 3, H, W] in 0..1."""
        return Moments.of(self.network.encode(style, ADAIN_LEVEL).values)

    @torch.no_grad()
    def paint(self, content: Tensor, style: Moments) -> Tensor:
        """Pictures [B, 3, H, W] in 0..1 of `content` in styles of which `learn` gave the moments."""
        features = self.network.encode(content, ADAIN_LEVEL)
        operator = adain(Moments.of(features.values), style)
        return self.network.decode(features.with_values(operator(features.values)), ADAIN).clamp(0, 1)

    def painting(self, style: Callable[[int], Tensor]) -> Paint:
        """`paint` for numbered styles, of which `style` gives the pictures; each is learnt when it is first met."""
        learnt = Measured(lambda number: {"style": self.learn(style(number))})
        return lambda content, styles: self.paint(content, learnt.of(styles)["style"])

    def to_training(self, device: torch.device) -> Teacher:
        """On `device`, in the type that networks learn in there."""
        return self.to(device=device, dtype=training_dtype(device))


def load_teacher(name: str, folders: Sequence[Path] = ()) -> Teacher:
    """A network of the manifest, or a file, that has AdaIN's encoder and decoder; frozen."""
    network = load_network(name, folders)
    if not isinstance(network, VggNetwork):
        raise ValueError(f"{name} does not paint by AdaIN: name a network or a file with AdaIN's decoder as --teacher.")
    return Teacher(network, Path(name).name)
