"""The plain way, as the published ports do it: the yardstick that ours is timed against."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..models.vgg import VggDecoder, VggEncoder

DROPPED = 1e-5
"""Eigenvalues of a covariance under this are left out."""


@dataclass(frozen=True)
class PlainNetwork:
    """Sequences of plain modules, float32 and NCHW, an encoder and a decoder a level."""

    encoders: Mapping[str, nn.Sequential]
    decoders: Mapping[str, nn.Sequential]


def plain_encoder(encoder: VggEncoder) -> nn.Sequential:
    """The layers of `encoder` with their weights, and in front a 1x1 convolution as in the published files.

    There it brings the picture into VGG's range; here it leaves it, since `encoder` has that in its own weights.
    """
    first = nn.Conv2d(3, 3, 1)
    nn.init.dirac_(first.weight)
    nn.init.zeros_(first.get_parameter("bias"))
    layers: list[nn.Module] = [first]
    for name, conv in encoder.items():
        if name.endswith("_1") and name != "conv1_1":
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
        layers += [*_padded(conv), nn.ReLU()]
    return nn.Sequential(*layers)


def plain_decoder(decoder: VggDecoder) -> nn.Sequential:
    """The layers of `decoder` with their weights."""
    layers: list[nn.Module] = []
    for name, conv in decoder.items():
        if getattr(conv, "scale", 1) == 2:
            layers.append(nn.Upsample(scale_factor=2))
        layers += [*_padded(conv), *([nn.ReLU()] if name != "conv1_1" or decoder.rectified else [])]
    return nn.Sequential(*layers)


def plain_picture(network: PlainNetwork, method: str, content: Tensor, style: Tensor) -> Tensor:
    """The content [1, 3, H, W] restyled at every level of `network`, coarse to fine."""
    transform = {"adain": plain_adain, "wct": plain_wct}[method]
    height, width = content.shape[-2:]
    with torch.no_grad():
        for level, encode in network.encoders.items():
            restyled = transform(encode(content), encode(style))
            content = network.decoders[level](restyled)[..., :height, :width]
    return content


def plain_adain(content: Tensor, style: Tensor) -> Tensor:
    """Features [1, C, h, w] with the style's mean and deviation."""
    mean, deviation = _statistics(content)
    style_mean, style_deviation = _statistics(style)
    return (content - mean) / deviation * style_deviation + style_mean


def plain_wct(content: Tensor, style: Tensor) -> Tensor:
    """Features [1, C, h, w] with the style's covariance, on float64 copies as PytorchWCT and its descendants do it."""
    values, vectors, _, centred = _decomposed(content)
    style_values, style_vectors, style_mean, _ = _decomposed(style)
    whitened = vectors @ torch.diag(values**-0.5) @ vectors.T @ centred
    coloured = style_vectors @ torch.diag(style_values**0.5) @ style_vectors.T @ whitened
    return (coloured + style_mean).float().view_as(content)


def _padded(conv: nn.Module) -> list[nn.Module]:
    assert isinstance(conv, nn.Conv2d)
    copy = nn.Conv2d(conv.in_channels, conv.out_channels, 3)
    copy.load_state_dict(conv.state_dict())
    return [nn.ReflectionPad2d(1), copy]


def _statistics(values: Tensor) -> tuple[Tensor, Tensor]:
    return values.mean((2, 3), keepdim=True), (values.var((2, 3), keepdim=True) + 1e-5).sqrt()


def _decomposed(values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Eigenvalues [K], eigenvectors [C, K], the mean [C, 1] and the centred features [C, N]."""
    pixels = values[0].flatten(1).double()
    mean = pixels.mean(1, keepdim=True)
    centred = pixels - mean
    vectors, eigenvalues, _ = torch.linalg.svd(centred @ centred.T / (pixels.shape[1] - 1))
    kept = int((eigenvalues > DROPPED).sum())
    return eigenvalues[:kept], vectors[:, :kept], mean, centred
