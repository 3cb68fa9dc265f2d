"""The plain way, as the published ports do it: the yardstick that ours is timed against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..methods import METHODS
from ..models.networks.base import StyleNetwork
from ..models.networks.layers import ReflectConv
from ..models.networks.msgnet import MsgNet
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import LEVELS, VggDecoder, VggEncoder, VggNetwork
from ..transfer.wct import WHITENING

Paint = Callable[[Tensor], Tensor]
"""From a content [1, 3, H, W] in 0..1 to a picture of its size."""
Learn = Callable[[Any], Paint]
"""From a style, a picture [1, 3, h, w] in 0..1 or a name, to what paints like it."""

DROPPED = 1e-5
"""Eigenvalues of a covariance under this are left out."""


def plain(network: StyleNetwork, method: str) -> Learn:
    """The same weights in plain modules, float32 and NCHW, by AdaIN, by whitening or by the network's own method."""
    if isinstance(network, MsgNet):
        return _by_gram(network)
    if isinstance(network, StyleBankNetwork):
        return _by_kernel(network)
    assert isinstance(network, VggNetwork)
    return _by_moments(network, cascade=method != "adain")


def plainly(module: nn.Module) -> nn.Module:
    """A copy of `module` with a padding module before each convolution, and an upsampling one where it has to be."""
    if isinstance(module, VggEncoder):
        return _encoder(module, LEVELS[-1])
    if isinstance(module, VggDecoder):
        return _decoder(module)
    if isinstance(module, ReflectConv):
        return nn.Sequential(*_padded(module))
    copy = deepcopy(module)
    for name, child in module.named_children():
        setattr(copy, name, plainly(child))
    return copy


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


def _by_moments(network: VggNetwork, cascade: bool) -> Learn:
    """From coarse to fine by WCT at the levels where ours does it, or by AdaIN where its decoder is."""
    encoders, decoders = {}, {}
    for level in [step.level for step in METHODS[WHITENING if cascade else "adain"].steps(network)]:
        encoder = network.encoder if isinstance(network.encoder, VggEncoder) else network.encoder[level]
        assert isinstance(encoder, VggEncoder)
        encoders[level] = _encoder(encoder, level)
        if network.appended is not None and level == list(network.spaces)[-1]:
            encoders[level].append(_Appended(deepcopy(network.appended)))
        decoders[level] = plainly(network.get_submodule(f"decoder.{level}" if cascade else "adain"))
    transform = plain_wct if cascade else plain_adain

    @torch.no_grad()
    def learn(style: Tensor) -> Paint:
        styles = {level: encode(style) for level, encode in encoders.items()}

        @torch.no_grad()
        def paint(content: Tensor) -> Tensor:
            size = content.shape[-2:]
            for level, values in styles.items():
                content = _cropped(decoders[level](transform(encoders[level](content), values)), size)
            return content

        return paint

    return learn


def _by_gram(network: MsgNet) -> Learn:
    encode, body, decode = (plainly(part) for part in (network.encoder, network.body, network.decoder))

    def features(image: Tensor) -> Tensor:
        if not network.on_backbone:
            return encode(image.flip(1) * 255)
        values = network.whiten(encode(image))
        return torch.cat([values, torch.ones_like(values[:, :1])], 1)

    @torch.no_grad()
    def learn(style: Tensor) -> Paint:
        target = features(style)
        pixels = target.flatten(2)
        gram = pixels @ pixels.mT / (pixels.shape[1] * pixels.shape[2])
        if network.on_backbone:  # a root of it: of the covariance, with the means in the last column
            values, vectors, mean, _ = _decomposed(target)
            gram = (vectors @ torch.diag(values**0.5) @ vectors.T).float()[None]
            gram[0, :, -1] = mean.float()[:, 0]

        @torch.no_grad()
        def paint(content: Tensor) -> Tensor:
            values = features(content)
            if network.on_backbone:  # whose encoder does not normalise; its last channel is 1 everywhere
                values = torch.cat([F.instance_norm(values[:, :-1]), values[:, -1:]], 1)
            matched = (gram @ network.comatch.mT @ values.flatten(2)).view_as(values)
            if network.on_backbone:
                return _cropped(decode(body(network.colour(matched[:, :-1]))), content.shape[-2:])
            return _cropped(decode(body(matched)).flip(1) / 255, content.shape[-2:])

        return paint

    return learn


def _by_kernel(network: StyleBankNetwork) -> Learn:
    """By the first of the bank, whatever the style."""
    parts = network.encoder, network.bank[0], network.body, network.decoder
    encode, kernel, body, decode = (plainly(part) for part in parts)

    @torch.no_grad()
    def paint(content: Tensor) -> Tensor:
        values = encode(content)
        values = F.instance_norm(values) if network.on_backbone else values
        return _cropped(decode(body(kernel(values))), content.shape[-2:])

    return lambda style: paint


def _encoder(encoder: VggEncoder, level: str) -> nn.Sequential:
    """Its layers to `level`, and in front a 1x1 convolution as in the published files.

    There it brings the picture into VGG's range; here it leaves it, since `encoder` has that in its own weights.
    """
    first = nn.Conv2d(3, 3, 1)
    nn.init.dirac_(first.weight)
    nn.init.zeros_(first.get_parameter("bias"))
    layers: list[nn.Module] = [first.to(next(encoder.parameters()))]
    for name, conv in encoder.items():
        if name.endswith("_1") and name != "conv1_1":
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
        layers += [*_padded(conv), nn.ReLU()]
        if name == f"conv{LEVELS.index(level) + 1}_1":
            break
    return nn.Sequential(*layers)


class _Appended(nn.Module):
    """Features, and beside them their projection."""

    def __init__(self, projection: nn.Module) -> None:
        super().__init__()
        self.projection = projection

    def forward(self, values: Tensor) -> Tensor:
        return torch.cat([values, self.projection(values)], 1)


def _decoder(decoder: VggDecoder) -> nn.Sequential:
    layers: list[nn.Module] = []
    for name, conv in decoder.items():
        layers += [*_padded(conv), *([nn.ReLU()] if name != "conv1_1" or decoder.final_relu else [])]
    return nn.Sequential(*layers)


def _padded(conv: nn.Module) -> list[nn.Module]:
    assert isinstance(conv, ReflectConv)
    copy = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size[0], conv.stride[0])
    copy.to(conv.weight).load_state_dict(conv.state_dict())
    before: list[nn.Module] = [nn.Upsample(scale_factor=2)] if conv.scale == 2 else []
    return [*before, nn.ReflectionPad2d(conv.kernel_size[0] // 2), copy]


def _cropped(picture: Tensor, size: Sequence[int]) -> Tensor:
    return picture[..., : size[0], : size[1]]


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
