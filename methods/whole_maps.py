"""A step between encoder and decoder on whole feature maps, as graphs wire it: in parts of the batch that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..models.networks.base import FeatureMap, StyleNetwork
from ..tiling.features import Kind, Statistics, items_of, statistics_of_map
from ..transfer.operators import masked_blend
from ..transfer.temporal import PER_IMAGE, pooled_content
from .protocol import Method, Operator, Tensors

MAPPED_BYTES = 1 << 28
"""Of a batch in float32 that is measured, mapped or mixed at once."""


def transform(
    network: StyleNetwork,
    method: Method,
    content: FeatureMap,
    learnt: Sequence[Tensors],
    weights: Sequence[float],
    within: Tensor | None = None,
    statistics: str = PER_IMAGE,
    limit: int = MAPPED_BYTES,
) -> FeatureMap:
    """A step between encoder and decoder on a whole map: styles mixed by weight, `within` [1 or B, 1, h, w] in 0..1.

    It is worked on where the network is, in parts as `restyled` has them, and comes back where it lay.
    """
    (step,) = method.steps(network, [content.space.level])

    def fit(own: Statistics | None, items: slice) -> Operator:
        kept = [{name: items_of(value, items) for name, value in each.items()} for each in learnt]
        fitted = [method.fit(network, step, own, each) for each in kept]
        return type(fitted[0]).mix(fitted, weights)

    device = next(network.parameters()).device
    return content.with_values(restyled(content.values, step.content, fit, device, within, statistics, limit))


def restyled(
    values: Tensor,
    kind: Kind,
    fit: Callable[[Any, slice], Operator],
    device: torch.device,
    within: Tensor | None = None,
    statistics: str = PER_IMAGE,
    limit: int = MAPPED_BYTES,
) -> Tensor:
    """`values` [B, C, h, w] through what `fit` makes of their statistics of a `kind` and of the styles of some items.

    The device has parts of the batch of at most `limit` bytes in float32 (one picture if that is more); the result lies
    where `values` do.
    """
    parts = parts_of(values, limit)

    def part(items: slice) -> tuple[Tensor, Tensor | None]:
        return values[items].to(device), None if within is None else items_of(within, items).to(device)

    alone, shared = kind is None or statistics == PER_IMAGE, None
    if not alone:
        own = measured(kind, values, within, device, limit)
        shared = fit(pooled_content(own, statistics), slice(None))
    mapped = torch.empty_like(values) if len(parts) > 1 else None
    for items in parts:
        own, share = part(items)
        if shared is None:
            operator = fit(statistics_of_map(kind, own, share) if kind else None, items)
        else:
            operator = shared.of_items(items)
        if mapped is None:
            return masked_blend(operator, own, share).to(values.device)
        mapped[items] = masked_blend(operator, own, share)  # what is mapped passes through float32
    assert mapped is not None
    return mapped


def measured(
    kind: Kind, values: Tensor, weights: Tensor | None, device: torch.device, limit: int = MAPPED_BYTES
) -> Statistics:
    """Statistics of a whole map [B, C, h, w], weighted [1 or B, 1, h, w], taken and kept on `device`, as `restyled`."""
    found = [
        statistics_of_map(
            kind, values[items].to(device), None if weights is None else items_of(weights, items).to(device)
        )
        for items in parts_of(values, limit)
    ]
    return found[0] if len(found) == 1 else type(found[0]).joined(found)  # pyright: ignore[reportArgumentType]


def parts_of(values: Tensor, limit: int = MAPPED_BYTES) -> list[slice]:
    """Parts of a batch [B, ...] of at most `limit` bytes, and MAPPED_BYTES, in float32; items by themselves if more."""
    many = max(1, min(limit, MAPPED_BYTES) // (4 * values[0].numel()))
    return [slice(start, min(start + many, len(values))) for start in range(0, len(values), many)]
