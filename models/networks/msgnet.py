"""MSG-Net: Siamese encoder, CoMatch, residual body, decoder, as released in PyTorch (Zhang & Dana 2017)."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from .base import FeatureSpace, StyleNetwork
from .layers import ReflectConv, StripSequential
from .norm import InstanceNorm
from .vgg import BACKBONE_LEVEL, VggEncoder, VggLayout, around_body, space_of, with_body

LEVEL = "comatch"
BLOCKS = 4
"""Residual blocks on a backbone; the paper's layout has six."""


class Bottleneck(nn.Module):
    """Pre-activation residual block of `outputs` = 4 * n channels; `scale` 2 upsamples, `stride` 2 downsamples."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, scale: int = 1) -> None:
        super().__init__()
        inner = outputs // 4
        self.branch = StripSequential(
            *_normalised(inputs, ReflectConv(inputs, inner, 1)),
            *_normalised(inner, ReflectConv(inner, inner, 3, stride, scale)),
            *_normalised(inner, ReflectConv(inner, outputs, 1)),
        )
        changes = stride > 1 or scale > 1
        self.shortcut = ReflectConv(inputs, outputs, 1, stride, scale) if changes else nn.Identity()

    def forward(self, values: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h * scale / stride, w * scale / stride]."""
        return self.branch(values).add_(self.shortcut(values))


class MsgNet(StyleNetwork):
    """Content and style share one encoder; the style's Gram matrix and `comatch` make the channel map between them.

    `width` is the paper's ngf, 64 or 128; features have 4 * width channels. Inside, pictures are BGR in 0..255. With a
    `backbone`, encoder and decoder are that layout's to relu3_1, pictures RGB in 0..1, the body `BLOCKS` residuals.
    There CoMatch works in the basis `whiten`, from which `colour` leads back: channels of one size, so that W is too.
    It has one channel more, 1 everywhere, through which Gram matrices tell the mean of the style.
    """

    def __init__(self, width: int = 128, backbone: VggLayout | None = None) -> None:
        super().__init__()
        space = space_of(backbone, BACKBONE_LEVEL) if backbone else FeatureSpace("", "", 4 * width, stride=4, margin=15)
        self.on_backbone = backbone is not None
        channels = space.channels + self.on_backbone
        space = with_body(space, BLOCKS if backbone else 3)  # three stand for six of one 3x3 convolution each
        self.spaces = {LEVEL: replace(space, network="msgnet", level=LEVEL, channels=channels)}
        self.encoder, self.body, self.decoder = around_body(backbone, BLOCKS) if backbone else _as_published(4 * width)
        self.whiten, self.colour = (_basis(space.channels) if backbone else nn.Identity() for _ in range(2))
        self.comatch = nn.Parameter(torch.empty(channels, channels).uniform_(0, 0.02))

    @property
    def local(self) -> bool:
        return self.on_backbone  # the released layout normalises inside

    @property
    def bfloat16_parts(self) -> tuple[str, ...]:
        return ("body", "decoder") if self.on_backbone else ()  # 52 to 55 dB; with the encoder 40 to 48

    def _encode(self, image: Tensor, levels: tuple[str, ...]) -> dict[str, Tensor]:
        if isinstance(self.encoder, VggEncoder):
            values = self.whiten(self.encoder(image, (BACKBONE_LEVEL,))[BACKBONE_LEVEL])
            return {LEVEL: torch.cat([values, torch.ones_like(values[:, :1])], 1)}
        return {LEVEL: self.encoder(image.flip(1) * 255)}

    def _decode(self, values: Tensor, level: str, decoder: str) -> Tensor:
        if self.on_backbone:
            own = values[:, :-1].contiguous(memory_format=torch.channels_last)
            return self.decoder(self.body(self.colour(own).to(next(self.body.parameters()).dtype)))
        return self.decoder(self.body(values)).flip(1) / 255


def _basis(channels: int) -> nn.Conv2d:
    basis = nn.Conv2d(channels, channels, 1)
    nn.init.dirac_(basis.weight)
    nn.init.zeros_(basis.get_parameter("bias"))
    return basis


def _as_published(channels: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    encoder = StripSequential(
        ReflectConv(3, 64, 7),
        *_normalised(64),
        Bottleneck(64, 128, stride=2),
        Bottleneck(128, channels, stride=2),
    )
    body = nn.Sequential(*[Bottleneck(channels, channels) for _ in range(6)])
    decoder = StripSequential(
        Bottleneck(channels, 128, scale=2),
        Bottleneck(128, 64, scale=2),
        *_normalised(64),
        ReflectConv(64, 3, 7),
    )
    return encoder, body, decoder


def _normalised(channels: int, *layers: nn.Module) -> tuple[nn.Module, ...]:
    return (InstanceNorm(channels), nn.ReLU(), *layers)
