"""A method with its network ready, and what it keeps of its styles, for one picture after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_map_only

from ..media.images import Picture, check_suffix, load_picture
from ..media.video_read import Part
from ..methods.api import prepared, strengths_at
from ..methods.protocol import Learnt, Style
from ..methods.render import learn, render
from ..methods.stylebank import bank_of
from ..models.weights.download import Progress as Download
from ..transfer.colour import keep_colours, match_colours
from ..transfer.masks import fill_hidden, resize_mask
from ..transfer.resize import to_longer_side
from ..transfer.temporal import PER_IMAGE, SMOOTHED, TemporalWindow
from .contents import file_of
from .order import Stylization, matches_styles, weights_of


class Painter:
    """A method with its network ready, and what it keeps of the styles, for one picture after the other."""

    def __init__(self, order: Stylization, download: Download | None = None, ready: Painter | None = None) -> None:
        """ValueError, FileNotFoundError or WeightsError, before anything is loaded where that can be.

        `ready` is a painter of the same method whose network is taken.
        """
        bank = order.method == "stylebank"
        self.order, self.weights = order, weights_of(order)
        styles = [] if bank else [_style_picture(name, order) for name in order.style or []]
        self.mask = None
        if order.mask is not None:
            mask = load_picture(order.mask, max_pixels=order.max_pixels)
            self.mask = mask.image[..., 0] if mask.alpha is None else mask.image[..., 0] * mask.alpha
        self.network, self.method, self.host = (
            (ready.network, ready.method, ready.host)
            if ready
            else prepared(order.method, order.network, progress=download)
        )
        sources: list[Style] = (
            [Style(name) for name in order.style_name or bank_of(self.network).styles[:1]] if bank else styles
        )
        levels = [level.strip() for level in order.levels.split(",")] if order.levels else None
        self.strengths = strengths_at(self.method, order.alpha, levels)
        self.matches_styles, self.smooths = matches_styles(order), order.statistics == "smoothed"
        self.styles: list[Style] = [
            source if self.matches_styles else Style(learn(self.network, self.method, source, levels, self.host))
            for source in sources
        ]

    def paint(
        self,
        content: Tensor,
        window: TemporalWindow | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
        alpha: Tensor | None = None,
    ) -> Tensor:
        """The pictures [B, 3, H, W] in 0..1 that `content` [B, 3, H, W] becomes; `window` is a video's.

        What lies where `alpha` [B, H, W] is 0 is replaced by the colours around, and counts for no statistics.
        """
        order = self.order
        if alpha is not None and alpha.any():
            content = fill_hidden(content, alpha)
        else:
            alpha = None
        if order.max_size is not None:
            content = to_longer_side(content, order.max_size, shrink=True)
        size = content.shape[-2], content.shape[-1]
        region = None if self.mask is None else resize_mask(self.mask, size)
        counted = None if alpha is None else resize_mask(alpha, size)
        styles = [
            replace(each, source=self._matched(each, content, counted), weight=weight, region=region)
            for each, weight in zip(self.styles, self.weights, strict=True)
        ]
        painted = render(
            self.network,
            self.method,
            content,
            styles,
            strengths=self.strengths,
            statistics=SMOOTHED if window is not None and self.smooths else PER_IMAGE,
            window=window,
            host=replace(self.host, progress=progress),
            counted=counted,
        )
        if order.preserve_color == "none" or self.matches_styles:
            return painted.clamp(0, 1)
        return keep_colours(painted.clamp(0, 1), content, order.preserve_color == "luminance", region, counted)

    def video(
        self, parts: Iterable[Part], seen: Mapping[Any, Any] | None = None
    ) -> Iterator[tuple[Part, Tensor, Mapping[Any, Any]]]:
        """What the frames of each part of a video become, [n, 3, H, W], and the state of its statistics over time.

        They begin with the state `seen`. A part that comes without pixels goes without.
        """
        window = TemporalWindow()
        if seen:
            window.load_state_dict(tree_map_only(Tensor, lambda own: own.to(self.host.device), seen))
        for part in parts:
            frames = part.frames.movedim(-1, 1)
            yield part, self.paint(frames, window) if frames.numel() else frames, window.state_dict()

    def _matched(self, style: Style, content: Tensor, counted: Tensor | None) -> Tensor | str | Learnt:
        """What is kept of a style, or its picture in the content's colours."""
        if not isinstance(style.source, Tensor):
            return style.source
        return match_colours(style.source, content, style.mask, counted).clamp(0, 1)

    def picture(
        self, picture: Picture, progress: Callable[[int, int], None], suffix: str = ".png"
    ) -> tuple[Tensor, Tensor | None]:
        """What one picture becomes, [H, W, 3], and its alpha [H, W].

        ValueError, before anything is painted, where no file that ends in `suffix` can hold it.
        """
        check_suffix(suffix, min(max(picture.image.shape[1:3]), self.order.max_size or sys.maxsize))
        painted = self.paint(picture.image.movedim(-1, 1), progress=progress, alpha=picture.alpha)
        alpha = None if picture.alpha is None else resize_mask(picture.alpha, (painted.shape[-2], painted.shape[-1]))[0]
        return painted[0].movedim(0, -1), alpha


def _style_picture(name: str, order: Stylization) -> Style:
    """A style from a file; of a cut-out, what shows counts."""
    picture = load_picture(file_of(name), max_pixels=order.max_pixels)
    image, alpha = picture.image.movedim(-1, 1), picture.alpha
    if alpha is not None:
        if not alpha.any():
            raise ValueError(f"the style {name} is transparent all over: give one that shows something")
        image = fill_hidden(image, alpha)
    if order.style_size is not None:
        image = to_longer_side(image, order.style_size)
    return Style(image, mask=None if alpha is None else resize_mask(alpha, (image.shape[-2], image.shape[-1])))
