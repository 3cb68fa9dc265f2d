"""Paint that stays on what it was painted on: frames of a video held still along the motion of their content.

A network paints neighbouring frames unlike even where their content only moved: strokes hang on the grid of its cells,
and on noise. Here the paint of one frame is carried through the next ones, along the optical flow of the *content* (DIS,
Kroeger et al. 2016, arXiv 1603.03590, as OpenCV has it). From frame to frame only places add up: each picture is taken
from the paint of long ago by one interpolation, so that nothing blurs. What is carried ends where forward and backward
flow disagree, and where the content that the paint was made for is no longer the frame's; there it is painted anew.
And it ends by age: patch by patch, never all at once, newer paint takes over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

STABILITY = 0.8
"""The default: paint stays for a second or two."""
LONGEST = 64
"""Frames from one fresh picture to the next at stability 1; a quarter of the stability less halves them."""
FADE = 0.2
"""Of that time, in which a patch goes over from old paint to newer."""
PATCH = 24
"""Pixels of motion's grid, about the size of such patches."""
SIDE, LEAST_SIDE = 640, 16
"""Pixels of the longer side that motion is looked for at, and of the shorter side that it can be seen in at all."""
ROWS = 128
"""Of a frame that are put together at once."""
DISAGREEMENT = 0.5, 0.1
"""Forward and backward flow may differ by so many pixels and by so much of the motion; at 1 more nothing holds."""
CHANGE = 0.06, 0.12
"""Of a channel in 0..1, about a pixel: paint holds up to the first, and not at all from the second on."""
SLACK = 0.25
"""Of the range of a pixel's neighbours, which a change is less by: flow is right to half a pixel."""
MARGIN = 4
"""Pixels around what is painted anew that are, too: a network paints what is next to a thing with it in sight."""
LEAST_HELD = 0.4
"""The part of a frame; where less holds the shot is another."""
BARE = 1 / 512
"""Where paint differs by less from the content there is none: outside of a mask, and at strength 0."""


@dataclass
class _Layer:
    """The paint of one frame on its way through the next ones. All but itself lies on motion's grid [h, w]."""

    paint: Array
    """[H, W, 3], bytes."""
    made_for: Array
    """The content [h, w, 3] in 0..1, and 1 where it was painted as a fourth channel."""
    order: Array
    """When in the course of fading in each pixel's turn is, 0..1."""
    places: Array
    """Where each pixel of the present frame lies in this one [h, w, 2], x first."""
    holds: Array
    """How far each pixel of the present frame can be taken from this one, 0..1."""
    age: int = 0

    def carry(self, back: Array, agreed: Array, content: Array) -> None:
        """On to the next frame."""
        self.age += 1
        self.places = _taken(self.places, back)
        before = np.clip(1.5 * _taken(self.holds, back) - 0.25, 0, 1)  # what interpolation softens stays sharp
        self.holds = np.minimum(before, np.minimum(agreed, _unchanged(content, self.made_for, self.places)))


class Steady:
    """The frames of one video in order, each held still by those before it; memory is that of some frames.

    ModuleNotFoundError, with the remedy, where OpenCV is missing.
    """

    def __init__(self, stability: float = STABILITY) -> None:
        """`stability` in 0..1: 0 leaves frames as they are, 1 keeps paint for seconds."""
        if not 0 <= stability <= 1:
            raise ValueError(f"the stability is {stability}: give one from 0 to 1.")
        self._period = LONGEST * 2 ** (4 * (stability - 1)) if stability else 0
        self._grey: Array | None = None
        self._old: _Layer | None = None
        self._new: _Layer | None = None
        self._last: _Layer | None = None
        if stability:
            _opencv()

    @torch.no_grad()
    def __call__(self, content: Tensor, painted: Tensor) -> Tensor:
        """The next frames [B, 3, H, W] of `painted`, made from `content` [B, 3, h, w] (both in 0..1), held still.

        The first of a shot is `painted` itself. ValueError where the two hold different numbers of frames.
        """
        if len(content) != len(painted):
            raise ValueError(f"there are {len(content)} frames and {len(painted)} painted ones: give one for each.")
        if not self._period:
            return painted
        size = [*painted.shape[-2:]]
        if [*content.shape[-2:]] != size:
            content = F.interpolate(content.float(), size, mode="bicubic", antialias=True).clamp(0, 1)
        held = torch.empty_like(painted.movedim(1, -1), memory_format=torch.contiguous_format)
        for target, seen, paint in zip(held, content.movedim(1, -1), painted.movedim(1, -1), strict=True):
            target.copy_(torch.from_numpy(self._next(_array(seen), _array(paint))))
        return held.movedim(-1, 1)

    def _next(self, content: Array, paint: Array) -> Array:
        """One frame [H, W, 3], float32, of two such."""
        cv2, (height, width) = _opencv(), paint.shape[:2]
        bare = (np.abs(paint - content).max(-1) < BARE).astype(np.uint8)
        bare = cv2.morphologyEx(bare, cv2.MORPH_OPEN, np.ones((5, 5)))
        scale = min(1.0, SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(content, size, interpolation=cv2.INTER_AREA)
        painted = cv2.resize((1 - bare).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(np.rint(small * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
        before, self._grey = self._grey, grey
        known = before is not None and before.shape == grey.shape and min(grey.shape) >= LEAST_SIDE
        result = paint
        if known and self._last is not None:
            back, agreed = _flow(before, grey)
            layers = [layer for layer in (self._last, self._old, self._new) if layer is not None]
            for layer in layers:
                layer.carry(back, agreed, small)
            known = float(self._last.holds.mean()) >= LEAST_HELD and self._last.paint.shape == paint.shape
            if known:
                result = self._composed(paint, layers, bare)
        if not known:
            self._old = self._new = None
        fresh = _Layer(
            np.rint(paint * 255).astype(np.uint8),
            np.dstack([small, painted]),
            _order(grey.shape),
            _grid(grey.shape),
            np.ones(grey.shape, np.float32),
        )
        if self._new is None or self._new.age >= self._period:
            self._old, self._new = self._new, fresh
        self._last = replace(fresh, paint=np.rint(result * 255).astype(np.uint8))
        return result

    def _composed(self, paint: Array, layers: list[_Layer], bare: Array) -> Array:
        """The frame of its own paint, the last frame over it, then the old layer, then the new one."""
        cv2, (height, width) = _opencv(), paint.shape[:2]
        shown = []
        for layer in layers:
            share = layer.holds
            if layer is self._new and self._old is not None:
                turn = _taken(layer.order, layer.places - _grid(share.shape))
                share = share * np.clip((layer.age / self._period * (1 + FADE) - turn) / FADE, 0, 1)
            shift = cv2.resize(layer.places - _grid(share.shape), (width, height))
            shift *= np.float32([width / share.shape[1], height / share.shape[0]])
            shown.append((layer.paint, shift, cv2.resize(share, (width, height))))
        result = np.empty_like(paint)
        for top in range(0, height, ROWS):
            rows = slice(top, min(height, top + ROWS))
            band = paint[rows].copy()
            for source, shift, share in shown:
                places = shift[rows] + _grid(paint.shape[:2], rows)
                carried = cv2.remap(source, places, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
                band += np.where(bare[rows], 0, share[rows])[..., None] * (carried.astype(np.float32) / 255 - band)
            result[rows] = band
        return result


def _flow(before: Array, now: Array) -> tuple[Array, Array]:
    """Where each pixel was before, less where it is [h, w, 2], x first; how far both directions agree on it [h, w]."""
    cv2 = _opencv()
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back, forth = search.calc(now, before, None), search.calc(before, now, None)
    error = np.linalg.norm(back + _taken(forth, back), axis=-1)
    allowed = DISAGREEMENT[0] + DISAGREEMENT[1] * np.linalg.norm(back, axis=-1)
    agreed = np.clip(1 + allowed - error, 0, 1).astype(np.float32)
    return back, cv2.erode(agreed, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1)))


def _unchanged(content: Array, made_for: Array, places: Array) -> Array:
    """How far `content` [h, w, 3] is what lies in `made_for` at `places`; 0 outside of it and where it is bare."""
    cv2 = _opencv()
    there = cv2.remap(made_for, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    slack = SLACK * cv2.morphologyEx(content, cv2.MORPH_GRADIENT, np.ones((3, 3)))
    change = cv2.GaussianBlur((np.abs(content - there[..., :3]) - slack).max(-1), (0, 0), 1.5)
    holds = np.clip((CHANGE[1] - change) / (CHANGE[1] - CHANGE[0]), 0, 1)
    holds = cv2.blur(cv2.erode(holds, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1))), (3, 3))
    return holds * (there[..., 3] > 0.99)


def _taken(values: Array, shift: Array) -> Array:
    """`values` from where each pixel has moved by `shift` [h, w, 2]; 0 outside for what has one channel."""
    cv2 = _opencv()
    border = cv2.BORDER_CONSTANT if values.ndim == 2 else cv2.BORDER_REPLICATE
    return cv2.remap(values, shift + _grid(values.shape[:2]), None, cv2.INTER_LINEAR, borderMode=border)


def _grid(size: tuple[int, ...], rows: slice = slice(None)) -> Array:
    """The place of each pixel [h, w, 2], x first."""
    height, width = size
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)[rows]), -1).astype(np.float32)


def _order(size: tuple[int, ...]) -> Array:
    """Smooth patches [h, w] whose values are spread evenly over 0..1, always the same."""
    cv2, (height, width) = _opencv(), size
    coarse = np.random.default_rng(0).random((2 + height // PATCH, 2 + width // PATCH), np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    ranks = np.searchsorted(np.sort(smooth, axis=None), smooth) / smooth.size
    return ranks.astype(np.float32)


def _array(frame: Tensor) -> Array:
    return frame.float().contiguous().numpy(force=True)


def _opencv() -> Any:  # noqa: ANN401 - a module without types of its own
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "holding a video still needs OpenCV: pip install opencv-python-headless, or set stability to 0.",
            name="cv2",
        ) from error
    return cv2
