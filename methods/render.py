"""The one function that makes a picture with any method: whole or in tiles, of several styles, by region, over time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import mul

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..models.networks.base import FeatureMap, StyleNetwork
from ..models.networks.graphs import Graphs
from ..tiling.features import (
    FeatureBuffer,
    Kind,
    Overpainted,
    accumulate_statistics,
    blank,
    decoding_grid,
    encoding_grid,
    glimpse,
    items_of,
    paint,
    statistics_of_map,
    weights_of,
)
from ..tiling.instance_norm import over_tiles
from ..tiling.plan import Box
from ..tiling.policy import Host
from ..tiling.runner import TileBatch, TileLoop, cut
from ..tiling.transfers import Transfers
from ..transfer.masks import inner_feather
from ..transfer.moments import check_batches
from ..transfer.operators import blend, normalised
from ..transfer.temporal import PER_IMAGE, STATISTICS, TemporalWindow, pooled_content, pooled_style
from .protocol import Learnt, Method, Operator, Step, Style, Tensors

FEATHER = 4
"""Pixels: half the width of the edge between paint and the content's own pixels."""


@torch.no_grad()
def render(
    network: StyleNetwork,
    method: Method,
    content: Tensor,
    styles: Sequence[Style],
    *,
    strengths: float | Mapping[str, float] | None = None,
    statistics: str = PER_IMAGE,
    window: TemporalWindow | None = None,
    host: Host | None = None,
    device: torch.device | None = None,
    counted: Tensor | None = None,
) -> Tensor:
    """`content` [B, 3, H, W] in 0..1 restyled: [B, 3, H, W] in 0..1, float32 on `device` (the CPU unless told).

    `strengths` is one for every step, or one by level; then the steps are those levels in that order, each on the
    picture that the last one painted. A step of strength 0 is left out. Styles without a region are mixed by weight, as
    are those of one region (one tensor); regions lie over the rest in order. Where no style goes, the content's own
    pixels stay. The content's statistics are those of its pixels that are `counted` [1 or B, H, W] in 0..1, all unless
    given. `statistics` is one of temporal.STATISTICS; a `window` carries those over time from one part of a
    video to the next. Memory holds content and result, which lies there as [B, H, W, 3], and tiles. ValueError for
    batches that do not pair, a network, levels or statistics that the method does not take, a strength outside 0..1,
    and where not even small tiles fit.
    """
    host = host or Host()
    if isinstance(strengths, Mapping):
        alphas = {step: strengths[step.level] for step in _steps(method, network, list(strengths))}
    else:
        alphas = dict.fromkeys(_steps(method, network), method.strength if strengths is None else strengths)
    if statistics not in STATISTICS:
        raise ValueError(f"there are no statistics '{statistics}': choose one of {', '.join(STATISTICS)}.")
    steps = [step for step, alpha in alphas.items() if alpha]
    for style in styles:
        _check(method, network, style, content.shape[0])
    for alpha in alphas.values():
        if not 0 <= alpha <= 1:
            raise ValueError(f"the strength is {alpha}: give one from 0 to 1.")
    groups = _by_region(styles)
    size = content.shape[-2], content.shape[-1]
    result = blank(content.shape[0], size, device, host.device)
    if host.show or not (steps and styles):
        result.copy_(content)
    if not (steps and styles):
        return result
    pictures = [style.source for style in styles if isinstance(style.source, Tensor)]
    total = 2 * len(steps) * _pixels(network, content) + sum(_pixels(network, picture) for picture in pictures)
    loop = TileLoop(host, network, total)
    layers = [
        _Layer(
            _on_device(region, host),
            [_learn(loop, network, method, steps, style, statistics) for style in own],
            weights,
        )
        for region, own, weights in groups
    ]
    transfers = Transfers(host.device)
    many = len(content) if statistics != PER_IMAGE else loop.together(_pixels(network, content[:1]))
    for start in range(0, len(content), many):  # through all steps before the next ones begin
        items = slice(start, min(start + many, len(content)))
        source, own = content[items], [layer.of_items(items) for layer in layers]
        seen = None if counted is None else items_of(counted, items)
        stays = result.device != host.device and 2 * source.numel() * result.itemsize <= host.policy.feature_bytes
        painted = result[items]
        if stays:  # between the steps
            try:
                source, painted = transfers.upload(source), blank(len(source), size, host.device)
                if host.show:
                    painted.copy_(source)
            except (RuntimeError, MemoryError) as error:
                if not host.is_full(error):
                    raise
                source, stays = content[items], False

        def through(source: Tensor, painted: Tensor, layers: Sequence[_Layer], seen: Tensor | None = seen) -> Tensor:
            for step in steps:
                part = _Pass(loop, network, method, step, alphas[step], layers, statistics, window, seen)
                part.restyle(source, painted)
                source = painted
            return painted

        # Nothing waits between encoder and decoder of such a method, so all of it can be one CUDA graph.
        kinds, alone = {step.content for step in steps}, seen is None and host.show is None
        always_alike = kinds <= {None} or (statistics == PER_IMAGE and kinds <= {None, "diagonal"})
        if stays and network.graphs is not None and always_alike and alone and loop.at_once(_pixels(network, source)):
            area, key = 2 * len(steps) * _pixels(network, source), (method.name, *alphas.items())
            painted = _repeated(network.graphs, loop, key, through, source, painted, own, area)
        else:
            through(source, painted, own)
        if stays:
            transfers.download(painted, result[items])
    transfers.finish()
    return result


@torch.no_grad()
def learn(
    network: StyleNetwork,
    method: Method,
    style: Style,
    levels: Sequence[str] | None = None,
    host: Host | None = None,
) -> Learnt:
    """What `method` keeps of a style at its levels, or at some; ValueError as `render`."""
    if isinstance(style.source, Learnt):
        return style.source
    steps = _steps(method, network, levels)
    _check(method, network, style, len(style.source) if isinstance(style.source, Tensor) else 1)
    loop = TileLoop(host or Host(), network, 0)
    tensors = _learn(loop, network, method, steps, style, PER_IMAGE)
    name = network.space(steps[0].level).network
    return Learnt(method.name, name, tensors, network.fingerprint, {*tensors})


@dataclass(frozen=True)
class _Layer:
    """Styles that share a region, or go everywhere: they are mixed by weight."""

    region: Tensor | None
    learnt: Sequence[Mapping[str, Tensors]]
    """By level."""
    weights: Sequence[float]

    def of_items(self, items: slice) -> _Layer:
        """For some pictures of the batch."""
        kept = [
            {at: {n: items_of(v, items) for n, v in own.items()} for at, own in each.items()} for each in self.learnt
        ]
        return _Layer(None if self.region is None else items_of(self.region, items), kept, self.weights)


def _repeated(
    graphs: Graphs,
    loop: TileLoop,
    alphas: Hashable,
    through: Callable[[Tensor, Tensor, Sequence[_Layer]], Tensor],
    source: Tensor,
    painted: Tensor,
    layers: Sequence[_Layer],
    area: int,
) -> Tensor:
    """What `through` paints of `source`, by a CUDA graph where it is known; `area` pixels of the loop.

    `painted` is room for it, where there is none for a graph.
    """
    parts = [(layer.region, layer.learnt, layer.weights) for layer in layers]
    leaves, spec = tree_flatten((source, parts))
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    places = [number for number, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

    def work(*given: Tensor) -> Tensor:
        filled = [*leaves]
        for number, tensor in zip(places, given, strict=True):
            filled[number] = tensor
        own, others = tree_unflatten(filled, spec)
        return through(own, blank(len(own), (own.shape[-2], own.shape[-1]), own.device), [_Layer(*o) for o in others])

    others = tuple(leaf for leaf in leaves if not isinstance(leaf, Tensor))
    loop.host.progress(loop.done, loop.total)
    loop.host.interrupt()
    before = loop.done
    try:
        painted = graphs.run((alphas, others, str(spec)), work, tensors)
        full = False
    except (RuntimeError, MemoryError) as error:
        if not loop.host.is_full(error):
            raise
        full = True
    if full:
        graphs.clear()
        loop.host.empty_cache()
        loop.done = before
        painted = through(source, painted, layers)
    loop.done = before + area  # work that is recorded counts itself, and what repeats it does not
    return painted


def _on_device(region: Tensor | None, host: Host) -> Tensor | None:
    """A region where it is pooled to weights, at every step, if there is room."""
    fits = region is not None and host.device.type != "cpu" and region.numel() * 4 <= host.policy.feature_bytes
    return region.to(host.device, torch.float32, non_blocking=True) if region is not None and fits else region


def _by_region(styles: Sequence[Style]) -> list[tuple[Tensor | None, list[Style], list[float]]]:
    """Styles and weights in the order that regions are painted: what goes everywhere first, None.

    ValueError for weights that cannot be mixed.
    """
    regions = {id(style.region): style.region for style in sorted(styles, key=lambda style: style.region is not None)}
    groups: list[tuple[Tensor | None, list[Style], list[float]]] = []
    for region in regions.values():
        own = [style for style in styles if style.region is region]
        weights = [style.weight for style in own] if region is None or len(own) > 1 else [1.0]
        normalised(weights)
        groups.append((region, own, weights))
    return groups


@dataclass(frozen=True)
class _Operators:
    """One operator for the whole picture, and those of regions, which lie over it in order."""

    everywhere: Operator | None
    inside: Sequence[tuple[Operator, Tensor]]

    @property
    def halo(self) -> int:
        return max(each.halo for each in ([self.everywhere] if self.everywhere else []) + [o for o, _ in self.inside])

    def __call__(self, values: Tensor, items: slice, seen: Box, stride: int) -> Tensor:
        """Map `values` [n, C, h, w], the features of a box of some pictures."""
        mapped = values if self.everywhere is None else self.everywhere.of_items(items)(values)
        for operator, mask in self.inside:
            mapped = blend(mapped, operator.of_items(items)(values), weights_of(mask, items, seen, values, stride))
        return mapped

    def coverage(self, items: slice, box: Box) -> Tensor | None:
        """How far paint covers each pixel of a box [1 or n, h, w]; None where a style goes everywhere.

        Features fade from style to content with the masks themselves. What a decoder makes of the content's features is
        not the content, so its own pixels come in where the masks are lightest: fully where all are 0, and with a
        feathered edge where a mask has none.
        """
        if self.everywhere is not None:
            return None
        seen = Box(
            max(0, box.top - 2 * FEATHER),
            max(0, box.left - 2 * FEATHER),
            box.bottom + 2 * FEATHER,
            box.right + 2 * FEATHER,
        )
        bare = reduce(mul, (1 - cut(items_of(mask, items), seen).float() for _, mask in self.inside))
        return cut(inner_feather(1 - bare**4, FEATHER), box.within(seen))


@dataclass(frozen=True)
class _Pass:
    """One step for some pictures of the batch."""

    loop: TileLoop
    network: StyleNetwork
    method: Method
    step: Step
    alpha: float
    layers: Sequence[_Layer]
    statistics: str
    window: TemporalWindow | None
    counted: Tensor | None

    def restyle(self, source: Tensor, result: Tensor) -> None:
        """From `source` [B, 3, H, W] into `result`, which may be the source."""
        network, step, host = self.network, self.step, self.loop.host
        size, space = (source.shape[-2], source.shape[-1]), network.space(step.level)
        buffer = FeatureBuffer(network, space, encoding_grid(network, size, [space]).size, len(source), host)
        regions = [layer.region for layer in self.layers]
        if (counted := self.counted) is not None:
            regions = [counted if region is None else region.to(counted.device) * counted for region in regions]
        found = accumulate_statistics(self.loop, network, source, {step.level: step.content}, regions, buffer)
        contents = found.get(step.level) or [None] * len(regions)
        fitted: list[tuple[Operator, Tensor | None]] = []
        for number, (layer, content) in enumerate(zip(self.layers, contents, strict=True)):
            own = (
                None if content is None else pooled_content(content, self.statistics, self.window, (step.level, number))
            )
            each = [self.method.fit(network, step, own, kept[step.level]).blend(self.alpha) for kept in layer.learnt]
            fitted.append((type(each[0]).mix(each, layer.weights), layer.region))
        everywhere = next((operator for operator, region in fitted if region is None), None)
        inside = [(operator, region) for operator, region in fitted if region is not None]
        self._paint(source, _Operators(everywhere, inside), buffer, result)

    def _paint(self, source: Tensor, operators: _Operators, buffer: FeatureBuffer, result: Tensor) -> None:
        network, space, decoder = self.network, self.network.space(self.step.level), self.step.decoder
        size, halo = (source.shape[-2], source.shape[-1]), operators.halo
        kept = buffer.fits or not network.local
        decoded = decoding_grid(network, size, space, halo=halo)
        before, stride = Overpainted(source), space.stride

        def work(part: TileBatch) -> None:
            seen = decoded.tile(part.tile.core).outer
            if kept:
                values = buffer.get(part, seen)
            else:
                pixels = before.read(part).to(self.loop.host.device, torch.float32)
                features = network.encode(pixels, space.level)
                values = cut(features.values, seen.cells(stride).within(part.tile.outer.cells(stride)))
            mapped = operators(values, part.items, seen, stride)
            coverage = operators.coverage(part.items, part.tile.core)
            paint(network, FeatureMap(mapped, space, size), decoder, part, seen, result, source, coverage)
            if self.loop.host.show:
                self.loop.host.show(partial(glimpse, result, part))

        grid = decoded if kept else decoding_grid(network, size, space, encoded=False, halo=halo)
        over_tiles(self.loop, network, grid, len(source), work, encoding=False)


def _learn(
    loop: TileLoop, network: StyleNetwork, method: Method, steps: Sequence[Step], style: Style, statistics: str
) -> Mapping[str, Tensors]:
    """What is kept of a style, by level."""
    source = style.source
    if isinstance(source, Learnt):
        if missing := [step.level for step in steps if step.level not in source.levels]:
            raise ValueError(f"this style was not learnt at {', '.join(missing)}: learn it again with these levels.")
        for step in (step for step in steps if step.level not in source.valid):
            exact = torch.promote_types(next(network.parameters()).dtype, torch.float32)
            nothing = torch.zeros(1, network.space(step.level).channels, 2, 2, dtype=exact)
            named = getattr(network, "styles", ("",))[0]
            like = statistics_of_map(step.style, nothing, None) if step.style else named
            source.expect(step.level, method.learn(network, step, like))
        first = next(network.parameters())
        return {at: {n: v.to(first.device) for n, v in tensors.items()} for at, tensors in source.levels.items()}
    if isinstance(source, str):
        return {step.level: method.learn(network, step, source) for step in steps}
    kinds: dict[str, Kind] = {step.level: step.style for step in steps}
    found = accumulate_statistics(loop, network, source, kinds, [style.mask])
    return {step.level: method.learn(network, step, pooled_style(found[step.level][0], statistics)) for step in steps}


def _steps(method: Method, network: StyleNetwork, levels: Sequence[str] | None = None) -> list[Step]:
    if levels is not None and not levels:  # which methods of one level would take for all
        raise ValueError("there is no level to restyle: name at least one.")
    return method.steps(network, levels)


def _check(method: Method, network: StyleNetwork, style: Style, batch: int) -> None:
    """What would fail after minutes fails before."""
    source = style.source
    if isinstance(source, Tensor):
        check_batches(batch, source.shape[0])
    names = {space.network for space in network.spaces.values()}
    if isinstance(source, Learnt):
        for tensors in source.levels.values():
            for value in tensors.values():
                check_batches(batch, value.shape[0] if value.dim() else 1)
    if isinstance(source, Learnt) and (source.method != method.name or source.network not in names):
        raise ValueError(
            f"this style was learnt by {source.method} with {source.network}, and {method.name} with "
            f"{', '.join(sorted(names))} was asked: learn it again."
        )
    if isinstance(source, Learnt) and source.fingerprint not in ("", network.fingerprint or source.fingerprint):
        raise ValueError(f"this style was learnt with other weights of {source.network}: learn it again.")
    if isinstance(source, str) != (method.style_input == "name") and not isinstance(source, Learnt):
        asked = "a style by its name" if method.style_input == "name" else "a style picture"
        raise ValueError(f"{method.name} takes {asked}: give one.")


def _pixels(network: StyleNetwork, pictures: Tensor) -> int:
    """Of all pictures, as a loop counts them."""
    size = pictures.shape[-2], pictures.shape[-1]
    return pictures.shape[0] * encoding_grid(network, size, list(network.spaces.values())).picture.area
