"""VGG-shaped auto-encoders: the normalised VGG-19 of AdaIN and WCT, its 16x compressed sisters, and `compact`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import ADAIN, RECONSTRUCTION, FeatureSpace, StyleNetwork
from .cpu_fast import conv_of_subpixels, in_row_strips, reflect_subpixels, subpixel_conv
from .gpu_fast import bordered, fewer_kernels, large_map
from .layers import ReflectConv, Residual

LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
ADAIN_LEVEL = "relu4_1"
"""Where AdaIN's own decoders start, in the paper and in every port."""
BACKBONE_LEVEL = "relu3_1"
"""Where other networks stand on one of these: deep enough for strokes, fine enough for edges."""
DEPTHS = (2, 2, 4, 4, 1)
"""Convolutions in each block; a level taps the first of its block, so the fifth block needs no more than one."""


@dataclass(frozen=True)
class VggLayout:
    """What sets one VGG-shaped network apart from another."""

    name: str
    widths: tuple[int, ...]
    """Channels of the five blocks."""
    shared_encoder: bool = True
    """One encoder with five taps, or an encoder a level."""
    first_width: int | None = None
    """Channels of level 1 where its encoder is one by itself and wider."""
    final_relu: bool = False
    """Whether the decoders end in a ReLU."""
    projections: tuple[int, ...] = ()
    """Channels that 1x1 projections give at each level, for loss networks: see `VggNetwork.heads`."""
    appended: int = 0
    """Channels of a 1x1 projection that go along with the deepest level's own as its features."""
    lossy: tuple[str, ...] = ()
    """Levels whose decoder gives back so little of a picture that a cascade passes them only where it is asked to."""

    def stage(self, level: str) -> tuple[int, ...]:
        """Channels of the blocks up to `level`."""
        number = block_of(level)
        return (self.first_width,) if number == 1 and self.first_width else self.widths[:number]


def block_of(level: str) -> int:
    """The number of the block that a level begins, from 1: its layers are called conv<number>_<layer>."""
    return LEVELS.index(level) + 1


VGG19 = VggLayout("vgg19", (64, 128, 256, 512, 512))
SMALL16X = VggLayout("small16x", (16, 32, 64, 128, 128), shared_encoder=False, first_width=24, final_relu=True)
COMPACT = VggLayout("compact", (24, 40, 80, 144, 144), projections=VGG19.widths[:4], lossy=("relu5_1",))
# AdaIN moves each channel by itself: in 144 channels of our own that says less of a style than in VGG-19's 512. Both
# together say as much, and the decoder keeps the features that it can paint edges from.
COMPACT_ADAIN = VggLayout("compact-adain", COMPACT.widths[:4], appended=VGG19.widths[3])
LAYOUTS = {layout.name: layout for layout in (VGG19, SMALL16X, COMPACT, COMPACT_ADAIN)}


class VggEncoder(nn.ModuleDict):
    """3x3 convolutions, ReLU and 2x2 pooling.

    Pools round up, so that no pixel of an odd side is lost; ports of WCT that round down cut up to 15 pixels off.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        channels = 3
        for block, width in enumerate(widths, 1):
            for index in range(1, 2 if block == len(widths) else DEPTHS[block - 1] + 1):
                self[f"conv{block}_{index}"] = ReflectConv(channels, width)
                channels = width

    def forward(self, image: Tensor, levels: Collection[str]) -> dict[str, Tensor]:
        """The maps [B, C, h, w] of the levels asked for, in one pass that ends at the deepest."""
        values, maps = image, {}
        # On a GPU a pool is written in the border of the convolution after it.
        late, first = fewer_kernels(image), False
        for level, block in zip(LEVELS, _blocks(self), strict=False):
            if level in levels:
                values = maps[level] = _run(block[:1], values, first)
                block, first = block[1:], False
            if len(maps) == len(levels):
                break
            values, first = _run(block, values, first, pool=not late), late
        return maps


class VggDecoder(nn.ModuleDict):
    """The encoder mirrored: nearest upsampling in place of pooling, no ReLU at the picture but a `final_relu`.

    `inputs` are the channels of what it decodes, where they are not the deepest block's own.
    """

    def __init__(self, widths: Sequence[int], final_relu: bool = False, inputs: int | None = None) -> None:
        super().__init__()
        self.final_relu = final_relu
        deepest = len(widths)
        for block in range(deepest, 0, -1):
            width, below = widths[block - 1], widths[block - 2] if block > 1 else 3
            last = 1 if block == deepest else DEPTHS[block - 1]
            for index in range(last, 0, -1):
                scale = 2 if index == last and block < deepest else 1
                entering = inputs if inputs and block == deepest else width
                self[f"conv{block}_{index}"] = ReflectConv(entering, below if index == 1 else width, scale=scale)

    def forward(self, values: Tensor) -> Tensor:
        """The picture [B, 3, h * stride, w * stride] of `values` [B, C, h, w]."""
        for block in _blocks(self):
            values = _run(block, values)
        return values.relu_() if self.final_relu else values


class VggNetwork(StyleNetwork):
    """An encoder, a reconstruction decoder a level, and AdaIN's decoder where there is one.

    `decoders` are the levels that can be reconstructed; `adain` the level that AdaIN's own decoder starts from;
    `deepest` a level that is encoded though nothing may decode it, as loss networks need.
    """

    def __init__(
        self,
        layout: VggLayout,
        decoders: Collection[str] = LEVELS,
        adain: str | None = None,
        deepest: str | None = None,
    ) -> None:
        super().__init__()
        self.layout = layout
        levels = [level for level in LEVELS if level in decoders or level in (adain, deepest)]
        if layout.shared_encoder:
            levels = LEVELS[: LEVELS.index(levels[-1]) + 1]  # what the encoder passes on its way can be tapped
            self.encoder = VggEncoder(layout.stage(levels[-1]))
        else:
            self.encoder = nn.ModuleDict({level: VggEncoder(layout.stage(level)) for level in levels})
        self.spaces = {level: space_of(layout, level) for level in levels}
        self.decoder = nn.ModuleDict(
            {level: VggDecoder(layout.stage(level), layout.final_relu) for level in levels if level in decoders}
        )
        # 1x1 projections to VGG-19's channels. Losses compare those: statistics of the network's own channels, whose
        # means are large beside their deviations, say little of colours.
        self.heads = nn.ModuleDict(
            {
                level: nn.Conv2d(self.spaces[level].channels, width, 1)
                for level, width in zip(LEVELS, layout.projections, strict=False)
                if level in levels
            }
        )
        self.appended = None
        if layout.appended:
            own = self.spaces[levels[-1]]
            self.appended = nn.Conv2d(own.channels, layout.appended, 1)
            self.spaces[levels[-1]] = replace(own, channels=own.channels + layout.appended)
        self.adain = VggDecoder(layout.stage(adain), inputs=self.spaces[adain].channels) if adain else None
        self.adain_level = adain

    @property
    def lossy(self) -> tuple[str, ...]:
        return self.layout.lossy

    @property
    def style_parts(self) -> tuple[str, ...]:
        return ("encoder", "appended") if self.appended else ("encoder",)

    @property
    def bfloat16_parts(self) -> tuple[str, ...]:
        # Whitening divides by small deviations, and five levels in a row raise what rounding leaves there: 25 to 35 dB.
        # With the decoders of the finest three alone 49 to 51 dB at 0.91 of the time, but in a drawn sky 27 to 30.
        return () if self.decoder else ("",)

    def _encode(self, image: Tensor, levels: tuple[str, ...]) -> dict[str, Tensor]:
        if isinstance(self.encoder, VggEncoder):
            maps = self.encoder(image, levels)
            if self.appended is not None and (deepest := list(self.spaces)[-1]) in maps:
                maps[deepest] = torch.cat([maps[deepest], self.appended(maps[deepest])], 1)
            return maps
        return {level: self.encoder[level](image, (level,))[level] for level in levels}

    def decoders(self, level: str) -> tuple[str, ...]:
        return (RECONSTRUCTION,) * (level in self.decoder) + (ADAIN,) * (level == self.adain_level)

    def _decode(self, values: Tensor, level: str, decoder: str) -> Tensor:
        layers = self.adain if decoder == ADAIN else self.decoder[level]
        assert layers is not None  # `decoders` says so
        return layers(values)


def _blocks(convolutions: nn.ModuleDict) -> list[list[ReflectConv]]:
    """The convolutions of one resolution after the other."""
    groups = groupby(convolutions.items(), key=lambda item: item[0].split("_")[0])
    return [[conv for _, conv in group if isinstance(conv, ReflectConv)] for _, group in groups]


def _run(block: list[ReflectConv], values: Tensor, first: bool = False, pool: bool = False) -> Tensor:
    """Convolutions with ReLU, none at the picture, and a pool if told: first, or in the end."""

    def stage(values: Tensor) -> Tensor:
        if picture and len(block) == 2:
            return conv_of_subpixels(reflect_subpixels(subpixel_conv(values, block[0])).relu_(), block[1])
        for conv in block:
            values = conv(values)
            if conv is not block[-1]:
                values = values.relu_()
        values = _pool(values) if pool else values  # before the ReLU, which then has a quarter of the work
        return values if picture else values.relu_()

    picture = bool(block) and block[-1].out_channels == 3
    if fewer_kernels(values) and not any(conv.observed for conv in block):
        return _run_on_gpu(block, values, picture, first, pool)
    values = _pool(values) if first else values
    scale = 2 if block and block[0].scale == 2 else 0.5 if pool else 1
    halo = 1 + math.ceil((len(block) - 1) / 2) if scale == 2 else len(block) + len(block) % 2
    widest = max([values.shape[1], *(conv.out_channels for conv in block)])  # what goes in is padded: a map of its own
    return in_row_strips(stage, values, widest, halo, scale)


def _run_on_gpu(block: list[ReflectConv], values: Tensor, picture: bool, first: bool, pool: bool) -> Tensor:
    """The same, where a map that is enlarged is written once, in the border that the next convolution needs."""
    enlarged = False
    for conv in block:
        if enlarged and conv is block[-1] and picture:
            return conv_of_subpixels(reflect_subpixels(values), conv)
        padded = large_map(conv, values, margin=1) if enlarged else bordered(conv, values, first and conv is block[0])
        values, enlarged = conv.kernel_convolved(padded, relu=conv is not block[-1] or not picture), conv.scale == 2
    values = large_map(block[-1], values) if enlarged else values
    return F.max_pool2d(values, 2, ceil_mode=True) if pool else values


def _pool(values: Tensor) -> Tensor:
    """The maxima of 2x2 cells, sizes rounded up."""
    odd = values.shape[-2] % 2 or values.shape[-1] % 2
    if values.device.type != "cpu" or values.requires_grad or odd:
        return F.max_pool2d(values, 2, ceil_mode=True)
    # A third of the time of max_pool2d on a CPU, but the way back takes thirteen times as long.
    rows = torch.maximum(values[:, :, ::2], values[:, :, 1::2])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])


def space_of(layout: VggLayout, level: str) -> FeatureSpace:
    """Where a layout's features at `level` live."""
    widths, margin = layout.stage(level), 0
    for block in range(len(widths)):
        cell, convolutions = 2**block, 1 if block == len(widths) - 1 else DEPTHS[block]
        margin += 2 * convolutions * cell  # each looks one cell further, in the encoder and in the decoder
        margin += 0 if block == len(widths) - 1 else cell  # and a pool one more
    return FeatureSpace(layout.name, level, widths[-1], 2 ** (len(widths) - 1), margin)


def with_body(space: FeatureSpace, blocks: int) -> FeatureSpace:
    """The same where a decoder has so many residual blocks before it enlarges anything."""
    body = 2 * blocks * space.stride  # two 3x3 convolutions each
    return replace(space, margin=space.margin + body, body=space.body + body)


def around_body(layout: VggLayout, blocks: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """A layout's encoder to `BACKBONE_LEVEL`, so many residual blocks, and its decoder from there."""
    widths = layout.stage(BACKBONE_LEVEL)
    body = nn.Sequential(*[Residual(widths[-1]) for _ in range(blocks)])
    return VggEncoder(widths), body, VggDecoder(widths, layout.final_relu)
