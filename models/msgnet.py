"""MSG-Net as released in PyTorch: Siamese encoder, CoMatch, residual body, decoder (Zhang & Dana 2017)."""

import torch
from torch import Tensor, nn

from .features import FeatureSpace
from .layers import ReflectConv
from .network import StyleNetwork

LEVEL = "comatch"


class Bottleneck(nn.Module):
    """Pre-activation residual block of `outputs` = 4 * n channels; `scale` 2 upsamples, `stride` 2 downsamples."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, scale: int = 1) -> None:
        super().__init__()
        inner = outputs // 4
        self.branch = nn.Sequential(
            *_normalised(inputs, ReflectConv(inputs, inner, 1)),
            *_normalised(inner, ReflectConv(inner, inner, 3, stride, scale)),
            *_normalised(inner, ReflectConv(inner, outputs, 1)),
        )
        changes = stride > 1 or scale > 1
        self.shortcut = ReflectConv(inputs, outputs, 1, stride, scale) if changes else nn.Identity()

    def forward(self, values: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h * scale / stride, w * scale / stride]."""
        return self.shortcut(values) + self.branch(values)


class MsgNet(StyleNetwork):
    """Content and style share one encoder; the style's Gram matrix and `comatch` make the channel map between them.

    `width` is the paper's ngf, 64 or 128; features have 4 * width channels. Inside, pictures are BGR in 0..255.
    """

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        channels = 4 * width
        self.spaces = {LEVEL: FeatureSpace("msgnet", LEVEL, channels, stride=4, reach=39)}
        self.encoder = nn.Sequential(
            ReflectConv(3, 64, 7),
            *_normalised(64),
            Bottleneck(64, 128, stride=2),
            Bottleneck(128, channels, stride=2),
        )
        self.comatch = nn.Parameter(torch.empty(channels, channels).uniform_(0, 0.02))
        self.body = nn.Sequential(*[Bottleneck(channels, channels) for _ in range(6)])
        self.decoder = nn.Sequential(
            Bottleneck(channels, 128, scale=2),
            Bottleneck(128, 64, scale=2),
            *_normalised(64),
            ReflectConv(64, 3, 7),
        )

    def _encode(self, image: Tensor, levels: tuple[str, ...]) -> dict[str, Tensor]:
        return {LEVEL: self.encoder(image.flip(1) * 255)}

    def _decode(self, values: Tensor, level: str, trained_for: str) -> Tensor:
        return self.decoder(self.body(values)).flip(1) / 255


def _normalised(channels: int, *layers: nn.Module) -> tuple[nn.Module, ...]:
    return (nn.InstanceNorm2d(channels), nn.ReLU(), *layers)
