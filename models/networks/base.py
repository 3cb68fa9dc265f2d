"""The face that every network shows: named levels, encode, decode, and features that know where they live."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .graphs import Graphs


@dataclass(frozen=True)
class FeatureSpace:
    """One level of one network; two maps combine, and a decoder takes a map, only where the spaces agree."""

    network: str
    level: str
    channels: int
    stride: int
    """Pixels of the picture a cell of the map."""
    margin: int
    """The receptive-field margin: how far, in pixels, encoder and decoder together look beyond a pixel."""
    body: int = 0
    """How much of that the decoder looks among the features themselves, before it enlarges them."""

    @property
    def encoder_margin(self) -> int:
        """How far, in pixels, the encoder looks beyond a cell."""
        return -(-(self.margin - self.body - self.stride + 1) // 2)

    @property
    def decoder_margin(self) -> int:
        """How far, in pixels, the decoder looks beyond a pixel: its body, the encoder's way back, the end of a cell."""
        return self.body - (-(self.margin - self.body + self.stride - 1) // 2)

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
    method: str = ""
    """The one that restyled them, by its name; '' for what an encoder gave."""

    def with_values(self, values: Tensor) -> FeatureMap:
        """The same place with other values."""
        return replace(self, values=values)

    def expect(self, space: FeatureSpace, said: str = "these features are") -> None:
        """ValueError, with both spaces and the remedy, unless these features live in `space`."""
        if self.space != space:
            raise ValueError(f"{said} {self.space}, {space} was expected: encode both with the same network and level.")


RECONSTRUCTION, ADAIN = "reconstruction", "adain"
DECODERS = (RECONSTRUCTION, ADAIN)
"""Decoders by what they were trained for: to invert the encoder (WCT), or to render AdaIN's targets."""


class StyleNetwork(nn.Module, ABC):
    """An encoder with taps, and decoders for them. Pictures are RGB in 0..1, whatever the network wants inside."""

    spaces: Mapping[str, FeatureSpace]
    """Its levels, from fine to coarse."""
    fingerprint: str = ""
    """Of the weights of its `style_parts`, before any cast, where that is known: see `learnt_styles.fingerprint`."""
    graphs: Graphs | None = None
    """Where CUDA graphs of its work are kept; None where its weights are moved about, as in ComfyUI."""

    def encode(self, image: Tensor, level: str) -> FeatureMap:
        """Features of `image` [B, 3, H, W] in 0..1 at one level, in the dtype of the weights; any size from 1 x 1."""
        return self.encode_levels(image, (level,))[level]

    def encode_levels(self, image: Tensor, levels: Collection[str]) -> dict[str, FeatureMap]:
        """Features at several levels, in one pass where one encoder serves them. ValueError for an unknown level."""
        spaces = {level: self.space(level) for level in levels}
        size = (image.shape[-2], image.shape[-1])
        padded = _at_least(image, self.minimum_side)
        with exact_float32(self.dtype, image.device):
            maps = self._encode(padded.to(self.dtype, memory_format=torch.channels_last), tuple(spaces))
        return {level: FeatureMap(maps[level], space, size) for level, space in spaces.items()}

    def decode(self, features: FeatureMap, decoder: str = RECONSTRUCTION) -> Tensor:
        """The picture of `features`: float32 [B, 3, H, W], exactly the encoded size, about 0..1 and not clamped.

        ValueError for features of another network or level, or where the level has no such decoder.
        """
        level = features.space.level
        features.expect(self.spaces.get(level) or next(iter(self.spaces.values())))
        self.expect_decoder(level, decoder)
        with exact_float32(self.dtype, features.values.device):
            image = self._decode(features.values.to(self.dtype), level, decoder)
        height, width = features.image_size
        return image[..., :height, :width].float()

    def space(self, level: str) -> FeatureSpace:
        """The level's space; ValueError naming the levels there are."""
        if level not in self.spaces:
            raise ValueError(f"this network has no level '{level}': choose one of {', '.join(self.spaces)}.")
        return self.spaces[level]

    def expect_decoder(self, level: str, decoder: str) -> None:
        """ValueError, with the decoders there are, unless there is such a one at `level`."""
        if decoder not in self.decoders(level):
            places = {each: [level for level in self.spaces if each in self.decoders(level)] for each in DECODERS}
            there = [f"{each} at {', '.join(levels)}" for each, levels in places.items() if levels]
            remedy = f"it has {' and '.join(there)}" if there else "it only encodes, choose another network"
            raise ValueError(f"this network has no {decoder} decoder at {level}: {remedy}.")

    def decoders(self, level: str) -> tuple[str, ...]:
        """Those of `DECODERS` that start at `level`."""
        return (RECONSTRUCTION,)

    def prepare(self, dtype: torch.dtype) -> StyleNetwork:
        """This network, set to compute in `dtype` and in the layout that convolutions are fastest in.

        bfloat16 is that of its `bfloat16_parts`; all else is float32 then.
        """
        exact = torch.float32 if dtype is torch.bfloat16 else dtype
        self.to(dtype=exact, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        for part in self.bfloat16_parts if dtype is torch.bfloat16 else ():
            self.get_submodule(part).to(dtype)
        return self

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> StyleNetwork:
        super()._apply(fn, recurse)
        if self.graphs is not None:
            self.graphs.drop_stale()
        return self

    @property
    def lossy(self) -> tuple[str, ...]:
        """Levels that a cascade passes only where it is asked to: their decoders blur."""
        return ()

    @property
    def bfloat16_parts(self) -> tuple[str, ...]:
        """Submodules, "" for the whole, that in bfloat16 were measured to leave pictures over 45 dB from float32's."""
        return ()

    @property
    def style_parts(self) -> tuple[str, ...]:
        """Submodules whose weights say what is learnt of a style."""
        return ("encoder",)

    @property
    def local(self) -> bool:
        """Whether encoder and decoder look no further than the spaces' `margin`; instance norms look everywhere."""
        return True

    @property
    def minimum_side(self) -> int:
        """The side in pixels that smaller pictures are padded to: reflection needs two cells at every scale.

        All levels pad alike, so that none depends on the others asked.
        """
        return max(space.stride for space in self.spaces.values()) + 1

    @property
    def peak_channels(self) -> int:
        """Channels of the widest map that is as large as the picture: what a pixel costs in memory goes by it."""
        layers = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]
        return max(layer.out_channels for layer in layers if layer.in_channels == 3)

    @property
    def dtype(self) -> torch.dtype:
        """The compute type, of the encoder where parts differ."""
        return next(self.parameters()).dtype

    @abstractmethod
    def _encode(self, image: Tensor, levels: tuple[str, ...]) -> dict[str, Tensor]: ...

    @abstractmethod
    def _decode(self, values: Tensor, level: str, decoder: str) -> Tensor: ...


def _at_least(image: Tensor, side: int) -> Tensor:
    """Small pictures grow to the right and below by repeating their last pixels; the decoder crops that off again."""
    missing = [max(0, side - length) for length in image.shape[-2:]]
    return F.pad(image, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else image


@contextmanager
def exact_float32(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    """Inside, float32 convolutions on a graphics card are float32, and not TF32 with the ten bits of float16."""
    before = torch.backends.cudnn.allow_tf32
    if device.type != "cuda" or dtype is not torch.float32 or not before:
        yield
        return
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
