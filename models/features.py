"""Where features live, and features that know it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class FeatureSpace:
    """One level of one network; two maps combine, and a decoder takes a map, only where the spaces agree."""

    network: str
    level: str
    channels: int
    stride: int
    """Pixels of the picture a cell of the map."""
    reach: int
    """How far, in pixels, encoder and decoder together look beyond a pixel."""
    body: int = 0
    """How much of that the decoder looks among the features themselves, before it enlarges them."""

    @property
    def encoder_reach(self) -> int:
        """How far, in pixels, the encoder looks beyond a cell."""
        return -(-(self.reach - self.body - self.stride + 1) // 2)

    @property
    def decoder_reach(self) -> int:
        """How far, in pixels, the decoder looks beyond a pixel: its body, the encoder's way back, the end of a cell."""
        return self.body - (-(self.reach - self.body + self.stride - 1) // 2)

    def __str__(self) -> str:
        return f"{self.network} {self.level}"


@dataclass(frozen=True)
class FeatureMap:
    """Features of B pictures, and the size that the decoder gives back."""

    values: Tensor
    """[B, C, h, w]"""
    space: FeatureSpace
    image_size: tuple[int, int]
    """(H, W) of the pictures, in pixels."""

    def with_values(self, values: Tensor) -> FeatureMap:
        """The same place with other values."""
        return replace(self, values=values)

    def expect(self, space: FeatureSpace) -> None:
        """ValueError, with both spaces and the remedy, unless these features live in `space`."""
        if self.space != space:
            raise ValueError(
                f"these features are {self.space}, {space} was expected: encode both with the same network and level."
            )
