"""Restyle pictures of any size: pass one adds up moments over tiles, pass two maps their features and decodes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..models.networks.base import ADAIN, RECONSTRUCTION, FeatureMap, StyleNetwork
from ..transfer.moments import Moments, check_batches
from ..transfer.operators import ChannelMap, blend, normalised
from ..transfer.restyle import Pooling, fit_moments, needs_full
from .features import Cells, Overpainted, blank, decoding_grid, encoding_grid, gather, items_of, paint, weights_of
from .plan import Box
from .runner import Host, Piece, Walk, cut


@dataclass(frozen=True)
class Style:
    """A style picture, and where it goes."""

    pictures: Tensor
    """[1 or B, 3, h, w] in 0..1: one, or one a content."""
    weight: float = 1.0
    """How much it counts among the styles that have no region."""
    region: Tensor | None = None
    """[1 or B, H, W] in 0..1: the part of the content that it is fitted to and laid over; everything if None."""
    learnt_from: Tensor | None = None
    """[1 or B, h, w] in 0..1: the part of the style that counts."""

    def over(self, items: slice) -> Style:
        """This style over some of the contents."""
        return replace(self, region=None if self.region is None else items_of(self.region, items))


@dataclass(frozen=True)
class Recipe:
    """How to restyle."""

    method: str
    """AdaIN, or one of WCT's."""
    alphas: Mapping[str, float]
    """Strength by level. Levels follow each other in this order, each on the picture that the last one painted."""
    whole_batch: bool = False
    """Whether all pictures of the batch get one operator."""
    pooled: Pooling | None = None
    """What else happens to the content's moments before each fit, say smoothing over time."""


@torch.no_grad()
def stylize(
    network: StyleNetwork,
    content: Tensor,
    styles: Sequence[Style],
    recipe: Recipe,
    host: Host,
    device: torch.device | None = None,
) -> Tensor:
    """`content` [B, 3, H, W] in 0..1 restyled: [B, 3, H, W] in 0..1, float32 on `device` (the CPU unless told).

    Styles without a region are mixed by weight; those with one lie over them in order. Where the method is AdaIN, its
    own decoder paints if there is one. Memory holds content and result, which lies there as [B, H, W, 3], and tiles.
    ValueError for batches that do not pair, unknown methods and levels, and where not even small tiles fit.
    """
    _check(network, content, styles, recipe)
    levels = list(recipe.alphas)
    total = 2 * len(levels) * _pixels(network, content) + sum(_pixels(network, style.pictures) for style in styles)
    walk, full = Walk(host, network, total), needs_full(recipe.method)
    learnt = [gather(walk, network, style.pictures, levels, [style.learnt_from], full) for style in styles]
    result = blank(content.shape[0], (content.shape[-2], content.shape[-1]), device)
    for items in _groups(walk, network, content, recipe.whole_batch or recipe.pooled is not None):
        source = content[items]
        for level in levels:
            targets = [moments[level][0].of_items(items) for moments in learnt]
            stage = _Stage(walk, network, recipe, level, [style.over(items) for style in styles])
            stage.restyle(source, targets, result[items])
            source = result[items]
    return result


@dataclass(frozen=True)
class _Operators:
    """What to do with features: one map for the whole picture, and those of regions, which lie over it in order."""

    everywhere: ChannelMap | None
    inside: Sequence[tuple[ChannelMap, Tensor]]

    def __call__(self, values: Tensor, items: slice, seen: Box, stride: int) -> Tensor:
        """Map `values` [n, C, h, w], the features of a box of some pictures."""
        mapped = values if self.everywhere is None else self.everywhere.of_items(items)(values)
        for operator, mask in self.inside:
            weights = weights_of(mask, items, seen, values, stride)
            mapped = blend(mapped, operator.of_items(items)(values), weights)
        return mapped


@dataclass(frozen=True)
class _Stage:
    """One level for some pictures of the batch."""

    walk: Walk
    network: StyleNetwork
    recipe: Recipe
    level: str
    styles: Sequence[Style]

    def restyle(self, source: Tensor, targets: Sequence[Moments], result: Tensor) -> None:
        """From `source` [B, 3, H, W] into `result`, which may be the source, by the moments of the styles."""
        size, space = (source.shape[-2], source.shape[-1]), self.network.space(self.level)
        cells = Cells(self.network, space, encoding_grid(self.network, size, [space]).size, len(source), self.walk.host)
        regions = {id(style.region): style.region for style in self.styles}  # everything is one region of many styles
        full = needs_full(self.recipe.method)
        found = gather(self.walk, self.network, source, [self.level], list(regions.values()), full, cells)[self.level]
        own, keep = dict(zip(regions, found, strict=True)), cells if cells.fits else None
        self._paint(source, self._fit([own[id(style.region)] for style in self.styles], targets), keep, result)

    def _fit(self, own: Sequence[Moments], targets: Sequence[Moments]) -> _Operators:
        how, alpha = self.recipe, self.recipe.alphas[self.level]
        pairs = zip(own, targets, strict=True)
        maps = [fit_moments(how.method, *pair, how.whole_batch, how.pooled).blend(alpha) for pair in pairs]
        fitted = list(zip(maps, self.styles, strict=True))
        everywhere = [(each, style.weight) for each, style in fitted if style.region is None]
        inside = [(each, style.region) for each, style in fitted if style.region is not None]
        return _Operators(ChannelMap.mix(*zip(*everywhere, strict=True)) if everywhere else None, inside)

    def _paint(self, source: Tensor, operators: _Operators, keep: Cells | None, result: Tensor) -> None:
        network, space = self.network, self.network.space(self.level)
        size = source.shape[-2], source.shape[-1]
        decoded, purpose = decoding_grid(network, size, space), _purpose(network, self.level, self.recipe.method)
        before = Overpainted(source)

        def work(piece: Piece) -> None:
            seen = decoded.tile(piece.tile.core).outer
            values = keep.get(piece, seen) if keep else self._encode(before.read(piece), piece, seen)
            mapped = operators(values, piece.items, seen, space.stride)
            paint(network, FeatureMap(mapped, space, size), purpose, piece, seen, result)

        self.walk.over(decoded if keep else decoding_grid(network, size, space, encoded=False), len(source), work)

    def _encode(self, pixels: Tensor, piece: Piece, seen: Box) -> Tensor:
        """The features of what is `seen` in the middle of a piece's `pixels`."""
        features = self.network.encode(pixels.to(self.walk.host.device, torch.float32), self.level)
        stride = features.space.stride
        return cut(features.values, seen.cells(stride).within(piece.tile.outer.cells(stride)))


def _check(network: StyleNetwork, content: Tensor, styles: Sequence[Style], recipe: Recipe) -> None:
    """What would fail after minutes fails before."""
    for style in styles:
        check_batches(content.shape[0], style.pictures.shape[0])
    if weights := [style.weight for style in styles if style.region is None]:
        normalised(weights)
    for level in recipe.alphas:
        network.space(level)
        network.expect_decoder(level, _purpose(network, level, recipe.method))


def _purpose(network: StyleNetwork, level: str, method: str) -> str:
    """What the decoder should have been trained for."""
    return ADAIN if method == ADAIN and ADAIN in network.decoders(level) else RECONSTRUCTION


def _groups(walk: Walk, network: StyleNetwork, content: Tensor, together: bool) -> list[slice]:
    """Pictures that go through all levels before the next ones begin: those of one piece, or all at once."""
    batch = content.shape[0]
    many = batch if together else walk.together(_pixels(network, content[:1]))
    return [slice(at, min(at + many, batch)) for at in range(0, batch, many)]


def _pixels(network: StyleNetwork, pictures: Tensor) -> int:
    """Of all pictures, as a walk counts them."""
    size = pictures.shape[-2], pictures.shape[-1]
    return pictures.shape[0] * encoding_grid(network, size, list(network.spaces.values())).picture.area
