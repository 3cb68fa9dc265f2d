"""A batch of pictures through a network, in slices that fit."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.features import FeatureMap
from . import _host

SLICE = 1 << 22
"""Pixels that go through a network at once: a longer batch goes in slices, which show progress and can be stopped."""


def encode(network: _host.HostedNetwork, image: Tensor, level: str) -> FeatureMap:
    """Features of `image` [B, 3, H, W] in 0..1."""
    ready = network.ready()
    space, size = ready.space(level), (image.shape[-2], image.shape[-1])
    parts = _host.chunked(lambda part: ready.encode(image[part], level).values, image.shape[0], _pictures(size))
    return FeatureMap(torch.cat(parts), space, size)


def decode(network: _host.HostedNetwork, features: FeatureMap, trained_for: str) -> Tensor:
    """The pictures [B, 3, H, W] of features, not clamped."""
    ready, values = network.ready(), features.values
    parts = _host.chunked(
        lambda part: ready.decode(features.with_values(values[part]), trained_for),
        values.shape[0],
        _pictures(features.image_size),
    )
    return torch.cat(parts)


def _pictures(size: tuple[int, int]) -> int:
    return max(1, SLICE // (size[0] * size[1]))
