"""Auto-encoders by AdaIN and WCT, beside another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean

from ...models.networks.base import RECONSTRUCTION
from ...models.networks.vgg import VggNetwork
from ..measure import decibels
from ..painters import BY_ADAIN, BY_RECONSTRUCTION, BY_WCT, Paint, reconstructed, vgg_methods
from .judge import content_error, style_error
from .lines import AT_LEAST, AT_MOST, Line
from .scene import Scene, watched

LOST = 0.5
"""Decibels that a reconstruction may lie under the yardstick's."""
FARTHER = 1.05
"""How much farther a picture may lie from painting and photo than the yardstick's."""
SHARPENED = 0.8
"""The most of the reconstruction decoder's style distance that AdaIN's own decoder may leave."""


@dataclass(frozen=True)
class Figures:
    """Means over the photos, by level or method."""

    psnr: Mapping[str, float]
    style: Mapping[str, float]
    content: Mapping[str, float]

    @property
    def sharpened(self) -> float | None:
        """The style distance with AdaIN's decoder over that with the reconstruction decoder."""
        own, other = self.style.get(BY_ADAIN), self.style.get(BY_RECONSTRUCTION)
        return own / other if own and other else None


def vgg_lines(name: str, network: VggNetwork, yardstick: VggNetwork, scene: Scene) -> Iterator[Line]:
    """All figures of `network`, held against those of `yardstick` on the same photos and paintings."""
    own = figures(network, scene, name)
    other = own if network is yardstick else figures(yardstick, scene, "the yardstick")
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


def figures(network: VggNetwork, scene: Scene, name: str) -> Figures:
    """Every level reconstructs every photo, and every method paints every pair of photo and painting."""
    levels = [level for level in network.spaces if RECONSTRUCTION in network.decoders(level)]
    painters = _painters(network, scene)
    psnr: dict[str, list[float]] = {level: [] for level in levels}
    style: dict[str, list[float]] = {method: [] for method in painters}
    content: dict[str, list[float]] = {method: [] for method in painters}
    for path, painting in watched(list(scene.pairs()), name):
        photo = scene.photo(path)
        own = scene.look(photo)
        for level in levels:
            psnr[level].append(decibels(reconstructed(network, level, photo), photo))
        for method, learnt in painters.items():
            seen = scene.look(learnt[painting](photo))
            style[method].append(style_error(seen.grams, scene.grams[painting]))
            content[method].append(content_error(seen, own))
    return Figures(*({key: fmean(values) for key, values in each.items()} for each in (psnr, style, content)))


def _painters(network: VggNetwork, scene: Scene) -> dict[str, dict[str, Paint]]:
    """What paints, by method and painting."""
    paintings = {name: scene.painting(name) for _, name in scene.pairs()}
    methods = vgg_methods(network)
    return {method: {name: learn(image) for name, image in paintings.items()} for method, learn in methods.items()}
