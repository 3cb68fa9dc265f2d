"""The table of quality: what is measured of a network, what stands beside it, what is asked, and whether it holds."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import torch
from torch import Tensor

from ...methods import METHODS
from ...methods.adain import AdaIN
from ...models.networks.base import ADAIN, RECONSTRUCTION, StyleNetwork
from ...models.networks.msgnet import MsgNet
from ...models.networks.stylebank import LEVEL as BANK
from ...models.networks.stylebank import StyleBankNetwork
from ...models.networks.vgg import ADAIN_LEVEL, LEVELS, VggNetwork
from ...transfer.wct import WHITENING
from ..cases import ours
from ..measure import decibels
from ..plain import Learn, Paint
from .measures import content_error, gram_error, spectral_centroid, style_error
from .scene import Scene, some, watched

AT_LEAST, AT_MOST, UNDER = ">=", "<=", "<"
HOLDS = {AT_LEAST: operator.ge, AT_MOST: operator.le, UNDER: operator.lt}
BY_WCT, BY_ADAIN, BY_RECONSTRUCTION = "WCT, cascade", "AdaIN", "AdaIN, reconstruction decoder"
LOST = 0.5
"""Decibels that a reconstruction may lie under the yardstick's."""
FARTHER = 1.05
"""How much farther a picture may lie from painting and photo than the yardstick's."""
SHARPENED = 0.8
"""The most of the reconstruction decoder's style distance that AdaIN's own decoder may leave."""
RECONSTRUCTED = 22.5
"""Decibels of the bank's auto-encoder; published ports reach 21.9."""
LEFT_BY_BANK, LEFT_BY_MSGNET = 0.15, 0.35
"""The most of a photo's Gram distance to a painting that the painted photo may keep."""


@dataclass(frozen=True)
class Line:
    """`asked` is one of the signs above and a limit; where it is None, the figure is reported and no more."""

    network: str
    figure: str
    value: float | None = None
    asked: tuple[str, float] | None = None
    beside: float | None = None
    """The yardstick's figure."""
    unit: str = ""

    @property
    def verdict(self) -> str:
        """`holds`, `misses`, nothing where nothing is asked, or `skipped` where there is no figure."""
        if self.value is None:
            return "skipped"
        if self.asked is None:
            return ""
        sign, limit = self.asked
        return "holds" if HOLDS[sign](self.value, limit) else "misses"

    @property
    def cells(self) -> tuple[str, str, str, str, str, str]:
        """The row: network, figure, value, beside, asked, verdict."""
        asked = f"{self.asked[0]} {self._shown(self.asked[1])}" if self.asked else ""
        return self.network, self.figure, self._shown(self.value), self._shown(self.beside), asked, self.verdict

    def _shown(self, value: float | None) -> str:
        return "" if value is None else f"{value:.4g}{self.unit}"


class Reconstructed(AdaIN):
    """AdaIN with the decoder that only inverts the encoder: what its own decoder gains is measured against it."""

    def decoder(self, network: StyleNetwork, level: str) -> str:
        return RECONSTRUCTION


def vgg_methods(network: VggNetwork) -> dict[str, Learn]:
    """The ways to paint, at full strength, that the network has decoders for."""
    ways = {
        BY_WCT: (METHODS[WHITENING], LEVELS, RECONSTRUCTION),
        BY_ADAIN: (METHODS["adain"], (ADAIN_LEVEL,), ADAIN),
        BY_RECONSTRUCTION: (Reconstructed(), (ADAIN_LEVEL,), RECONSTRUCTION),
    }
    return {
        name: ours(network, method)
        for name, (method, levels, decoder) in ways.items()
        if all(decoder in network.decoders(level) for level in levels)
    }


@dataclass(frozen=True)
class Means:
    """Over the photos, by level or method."""

    psnr: Mapping[str, float]
    style: Mapping[str, float]
    content: Mapping[str, float]

    @property
    def sharpened(self) -> float | None:
        """The style distance with AdaIN's decoder over that with the reconstruction decoder."""
        own, other = self.style.get(BY_ADAIN), self.style.get(BY_RECONSTRUCTION)
        return own / other if own and other else None


def vgg_means(network: VggNetwork, scene: Scene, name: str) -> Means:
    """Every level reconstructs every photo, and every method paints every pair of photo and painting."""
    paintings = {painting: scene.painting(painting) for _, painting in scene.pairs()}
    painters = {
        method: {painting: learn(image) for painting, image in paintings.items()}
        for method, learn in vgg_methods(network).items()
    }
    levels = [level for level in network.spaces if RECONSTRUCTION in network.decoders(level)]
    psnr: dict[str, list[float]] = {level: [] for level in levels}
    style: dict[str, list[float]] = {method: [] for method in painters}
    content: dict[str, list[float]] = {method: [] for method in painters}
    for path, painting in watched(list(scene.pairs()), name):
        photo = scene.photo(path)
        own = scene.look(photo)
        for level in levels:
            psnr[level].append(decibels(network.decode(network.encode(photo, level)), photo))
        for method, paint in painters.items():
            seen = scene.look(paint[painting](photo))
            style[method].append(style_error(seen.grams, scene.grams[painting]))
            content[method].append(content_error(seen, own))
    return Means(*({key: fmean(values) for key, values in each.items()} for each in (psnr, style, content)))


def vgg_lines(name: str, network: VggNetwork, yardstick: VggNetwork, scene: Scene) -> Iterator[Line]:
    """All figures of an auto-encoder, held against those of `yardstick` on the same photos and paintings."""
    own = vgg_means(network, scene, name)
    other = own if network is yardstick else vgg_means(yardstick, scene, "the yardstick")
    for level, value in own.psnr.items():
        beside = other.psnr.get(level)
        asked = None if beside is None else (AT_LEAST, beside - LOST)
        yield Line(name, f"reconstruction of {level}", value, asked, beside, " dB")
    for method in (each for each in (BY_WCT, BY_ADAIN) if each in own.style):
        for kind, mine, others in (("style", own.style, other.style), ("content", own.content, other.content)):
            beside = others.get(method)
            asked = None if beside is None else (AT_MOST, FARTHER * beside)
            yield Line(name, f"{method}: {kind} distance", mine[method], asked, beside)
    if own.sharpened:
        figure = "AdaIN's decoder: style distance to the other's"
        yield Line(name, figure, own.sharpened, (AT_MOST, SHARPENED), other.sharpened)


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


def bank_lines(name: str, network: StyleBankNetwork, scene: Scene) -> Iterator[Line]:
    """The auto-encoder, and every style against the painting of its name."""
    photos = map(scene.photo, watched(scene.photos, name))
    psnr = fmean(decibels(network.decode(network.encode(photo, BANK)), photo) for photo in photos)
    yield Line(name, "auto-encoder", psnr, (AT_LEAST, RECONSTRUCTED), unit=" dB")
    for style in network.styles:
        if style not in scene.paintings:
            yield Line(name, f"{style}: there is no painting of that name")
    learn = ours(network, METHODS["stylebank"])
    painters = {style: learn(style) for style in network.styles if style in scene.paintings}
    if painters:
        yield from _nearness(name, trial(painters, scene, name), dict.fromkeys(painters, LEFT_BY_BANK), every_own=True)


def msgnet_lines(name: str, network: MsgNet, scene: Scene) -> Iterator[Line]:
    """Every painting, those not trained with included, and the brush size."""
    learn = ours(network, METHODS["msgnet"])
    painters = {style: learn(scene.painting(style)) for style in scene.everything}
    yield from _nearness(name, trial(painters, scene, name), dict.fromkeys(scene.paintings, LEFT_BY_MSGNET))
    fineness = centroids(network, scene, name)
    means = fineness.mean(0).tolist()
    yield Line(name, f"detail's centroid, style at {scene.brushes[0]}", means[0], unit=" c/px")
    for size, (before, mean) in zip(scene.brushes[1:], pairwise(means), strict=True):
        yield Line(name, f"detail's centroid, style at {size}", mean, (UNDER, before), unit=" c/px")
    falling = int((fineness.diff(dim=1) < 0).all(1).sum())
    yield Line(name, "pairs whose centroid falls at every step", falling, unit=f" of {len(fineness)}")


def centroids(network: MsgNet, scene: Scene, name: str) -> Tensor:
    """[pairs of photo and painting, sizes of the brush], in cycles a pixel."""
    rows, learn = [], ours(network, METHODS["msgnet"])
    for style in watched(list(scene.paintings), f"{name}, brush size"):
        painters = [learn(scene.painting(style, size)) for size in scene.brushes]
        photos = (scene.photo(path) for path in some(scene.photos, scene.few))
        rows += [[spectral_centroid(paint(photo)) for paint in painters] for photo in photos]
    return torch.tensor(rows)


def _nearness(name: str, tried: Trial, limits: Mapping[str, float], every_own: bool = False) -> Iterator[Line]:
    """What all styles left of the distance, those without a limit reported only; and whether `every_own` is nearest."""
    for style in tried.styles:
        asked, seen = ((AT_MOST, limits[style]), "") if style in limits else (None, ", not trained with")
        yield Line(name, f"Gram distance left, {style}{seen}", tried.left(style), asked)
    strayed = {style: tried.nearest(style) for style in tried.styles if tried.nearest(style) != style}
    others = "".join(f"; {style} comes nearer to {other}" for style, other in strayed.items())
    own, total = len(tried.styles) - len(strayed), len(tried.styles)
    asked = (AT_LEAST, total) if every_own else None
    yield Line(name, f"styles nearest to their own painting{others}", own, asked, unit=f" of {total}")
    yield Line(name, "content distance", tried.content)
