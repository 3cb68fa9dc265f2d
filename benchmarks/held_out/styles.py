"""Networks of learnt styles: how near every style comes to its painting, and how wide its strokes are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import torch
from torch import Tensor

from ...models.networks.msgnet import MsgNet
from ...models.networks.stylebank import LEVEL as BANK
from ...models.networks.stylebank import StyleBankNetwork
from ..measure import decibels
from ..painters import Paint, by_gram, by_kernel, reconstructed
from .judge import content_error, gram_error, spectral_centroid
from .lines import AT_LEAST, AT_MOST, UNDER, Line
from .scene import Scene, some, watched

RECONSTRUCTED = 22.5
"""Decibels of the bank's auto-encoder; published ports reach 21.9."""
LEFT_BY_BANK, LEFT_BY_MSGNET = 0.15, 0.35
"""The most of a photo's Gram distance to a painting that the painted photo may keep."""


@dataclass(frozen=True)
class Trial:
    """S styles on N photos, against P paintings."""

    styles: tuple[str, ...]
    paintings: tuple[str, ...]
    before: Tensor
    """[N, P], Gram distances of the photos."""
    after: Tensor
    """[N, S, P], those of the results."""
    content: float
    """The mean content distance of the results."""

    def left(self, style: str) -> float:
        """The share of a photo's distance to the style's painting that is left after painting; the median of photos."""
        own = self.paintings.index(style)
        return float((self.after[:, self.styles.index(style), own] / self.before[:, own]).quantile(0.5))

    def nearest(self, style: str) -> str:
        """The style to whose painting this one's results come nearest, by the median of the photos."""
        distances = self.after[:, self.styles.index(style)].quantile(0.5, dim=0)
        return min(self.styles, key=lambda other: float(distances[self.paintings.index(other)]))


def bank_lines(name: str, network: StyleBankNetwork, scene: Scene) -> Iterator[Line]:
    """The auto-encoder, and every style against the painting of its name."""
    psnr = fmean(
        decibels(reconstructed(network, BANK, photo), photo) for photo in map(scene.photo, watched(scene.photos, name))
    )
    yield Line(name, "auto-encoder", psnr, (AT_LEAST, RECONSTRUCTED), unit=" dB")
    yield from (
        Line(name, f"{each}: there is no painting of that name")
        for each in network.styles
        if each not in scene.paintings
    )
    painters = {style: by_kernel(network, style) for style in network.styles if style in scene.paintings}
    if painters:
        yield from _nearness(name, trial(painters, scene, name), dict.fromkeys(painters, LEFT_BY_BANK), every_own=True)


def msgnet_lines(name: str, network: MsgNet, scene: Scene) -> Iterator[Line]:
    """Every painting, those not trained with included, and the brush size."""
    painters = {style: by_gram(network, scene.painting(style)) for style in scene.everything}
    yield from _nearness(name, trial(painters, scene, name), dict.fromkeys(scene.paintings, LEFT_BY_MSGNET))
    fineness = centroids(network, scene, name)
    means = fineness.mean(0).tolist()
    yield Line(name, f"detail's centroid, style at {scene.brushes[0]}", means[0], unit=" c/px")
    for size, (before, mean) in zip(scene.brushes[1:], pairwise(means), strict=True):
        yield Line(name, f"detail's centroid, style at {size}", mean, (UNDER, before), unit=" c/px")
    falling = int((fineness.diff(dim=1) < 0).all(1).sum())
    yield Line(name, "pairs whose centroid falls at every step", falling, unit=f" of {len(fineness)}")


def trial(painters: Mapping[str, Paint], scene: Scene, name: str) -> Trial:
    """Every painter on some of the photos."""
    before, after, content = [], [], []
    for path in watched(some(scene.photos, scene.few), name):
        photo = scene.photo(path)
        own = scene.look(photo)
        seen = [scene.look(paint(photo)) for paint in painters.values()]
        before.append([gram_error(own.grams, painting) for painting in scene.grams.values()])
        after.append([[gram_error(each.grams, painting) for painting in scene.grams.values()] for each in seen])
        content += [content_error(each, own) for each in seen]
    return Trial(tuple(painters), tuple(scene.grams), torch.tensor(before), torch.tensor(after), fmean(content))


def centroids(network: MsgNet, scene: Scene, name: str) -> Tensor:
    """[pairs of photo and painting, sizes of the brush], in cycles a pixel."""
    rows = []
    for style in watched(list(scene.paintings), f"{name}, brush size"):
        painters = [by_gram(network, scene.painting(style, size)) for size in scene.brushes]
        photos = (scene.photo(path) for path in some(scene.photos, scene.few))
        rows += [[spectral_centroid(paint(photo)) for paint in painters] for photo in photos]
    return torch.tensor(rows)


def _nearness(name: str, tried: Trial, limits: Mapping[str, float], every_own: bool = False) -> Iterator[Line]:
    """What all styles left of the distance, those without a limit reported only; and whether `every_own` is nearest."""
    for style in tried.styles:
        asked, seen = ((AT_MOST, limits[style]), "") if style in limits else (None, ", not trained with")
        yield Line(name, f"Gram distance left, {style}{seen}", tried.left(style), asked)
    strayed = {style: tried.nearest(style) for style in tried.styles if tried.nearest(style) != style}
    told = "".join(f"; {style} comes nearer to {other}" for style, other in strayed.items())
    own, total = len(tried.styles) - len(strayed), len(tried.styles)
    asked = (AT_LEAST, total) if every_own else None
    yield Line(name, f"styles nearest to their own painting{told}", own, asked, unit=f" of {total}")
    yield Line(name, "content distance", tried.content)
