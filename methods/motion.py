"""Paint that stays on what it was painted on: frames of a video held still along the motion of their content.

A network paints neighbouring frames unlike even where their content only moved: strokes hang on the grid of its cells
and on noise. Here the paint of one frame is carried through the next ones, along the optical flow of the *content*
(DIS, Kroeger et al. 2016, arXiv 1603.03590, as OpenCV has it). From frame to frame only places add up: each picture
is taken from the paint of long ago by one interpolation, so that nothing blurs. What is carried ends where forward and
backward flow disagree, and where the content that the paint was made for is no longer the frame's; there it is painted
anew. And it ends by age: patch by patch, never all at once, newer paint takes over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
SIDE, LEAST_SIDE = 512, 32
"""Pixels of the longer side that motion is looked for at, and of the shorter side that it can be seen in at all."""
ROWS, REACH = 256, 24
"""Of a frame that are put together at once, and how many beyond them the filters see at most."""
DISAGREEMENT = 0.5, 0.1
"""Forward and backward flow may differ by so many pixels and by so much of the motion; at 1 more nothing holds."""
CHANGE = 0.06, 0.12
"""Of a channel in 0..1, about a pixel: paint holds up to the first, and not at all from the second on."""
REPAINT, COARSE = 0.25, 6.0
"""By how much the colours of carried paint may differ from those of fresh paint, both blurred by so many pixels of
motion's grid."""
NEAR = 10
"""Pixels of motion's grid that are beside a thing that goes by: they are painted with it in sight, and once more when
it is gone."""
SLACK = 0.25
"""Of the range of a pixel's neighbours, which a change is less by: flow is right to half a pixel."""
MOST_LOST, MOST_SCALED = 0.5, 0.25
"""Of a layer: the part that it does not hold any more, and the logarithm of its scale, with which it is at its end."""
LEAST_SHARE = 1 / 512
"""Of a pixel that is worth looking for."""
FINE, AROUND, GAIN, FLAT = 1.0, 25, 1.5, 0.03
"""Pixels, the deviation of a blur that leaves no detail, and about a pixel where it is measured; by how much detail is
lifted at most; and its energy where there is none to speak of, in squares of bytes."""
REST = 0.1, 0.3
"""Pixels: motion up to the first is none, noise makes as much; from the second on it is whole."""
MARGIN = 3
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
    colours: Array
    """Of the paint [h, w, 3] in 0..1, coarse, and how near to it something went by, 0..1, as a fourth channel."""
    places: Array
    """Where each pixel of the present frame lies in this one [h, w, 2], x first."""
    holds: Array
    """How far each pixel of the present frame can be taken from this one, 0..1."""
    near: Array
    """How near that was where each pixel of the present frame lies in this one, 0..1."""
    age: int = 0
    """Frames."""
    held: float = 1.0
    """The part of the first frame after it that could be taken from it."""

    def carry(self, back: Array, agreed: Array, content: Array, colours: Array) -> None:
        """On to the next frame, whose fresh paint has `colours`."""
        cv2 = _opencv()
        self.age += 1
        self.places = _taken(self.places, back)
        before = np.clip(1.5 * _taken(self.holds, back) - 0.25, 0, 1)  # what interpolation softens stays sharp
        now = np.minimum(agreed, _unchanged(content, self.made_for, self.places))
        there = cv2.remap(self.colours, self.places, None, cv2.INTER_LINEAR)
        self.near = cv2.extractChannel(there, 3)
        now = np.minimum(now, np.clip(2 - _largest(cv2.absdiff(colours, there)) / REPAINT, 0, 1))
        now = np.minimum(now, 1 + colours[..., 3] - self.near)  # made with something in sight that has gone by
        self.holds = np.minimum(before, now)
        if self.age == 1:
            self.held = max(float(self.holds.mean()), 0.01)

    def worn(self, period: float) -> float:
        """How far it is on its way out, 1 at the end: by age, by what it holds no more, by how strokes were scaled."""
        (height, width), places = self.holds.shape, self.places
        area = (places[:, -1, 0] - places[:, 0, 0]).mean() * (places[-1, :, 1] - places[0, :, 1]).mean()
        scaled = abs(math.log(max(area, 1.0) / (height * width))) / 2
        lost = max(0.0, 1 - float(self.holds.mean()) / self.held)  # water, say, never holds
        return self.age / period + lost / MOST_LOST + scaled / MOST_SCALED


class Steady:
    """The frames of one video in order, each held still by those before it; memory is that of some frames.

    ModuleNotFoundError, with the remedy, where OpenCV is missing.
    """

    def __init__(self, stability: float = STABILITY) -> None:
        """`stability` in 0..1: 0 leaves frames as they are, 1 keeps paint for seconds."""
        if not 0 <= stability <= 1:
            raise ValueError(f"the stability is {stability}: give one from 0 to 1.")
        self._period = LONGEST * 2 ** (4 * (stability - 1)) if stability else 0
        self._grey = self._order = np.empty((0, 0), np.uint8)
        self._layers: list[_Layer] = []
        """The newest first; the last frame as it came out is beneath them all."""
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

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` goes on from: tensors and numbers. Later frames leave it as it is."""
        layers = [
            {name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in each.items()}
            for each in map(vars, self._layers)
        ]
        return {"grey": torch.from_numpy(self._grey), "layers": layers}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Be the one that `state_dict` was taken of, whatever was seen before."""
        self._grey = state["grey"].numpy()
        self._order = _order(self._grey.shape) if state["layers"] else self._grey
        self._layers = [_Layer(**{name: _arrays(value) for name, value in layer.items()}) for layer in state["layers"]]

    def _next(self, content: Array, paint: Array) -> Array:
        """One frame [H, W, 3], float32, of two such."""
        cv2, (height, width) = _opencv(), paint.shape[:2]
        bare = cv2.inRange(cv2.subtract(paint, content), (-BARE,) * 3, (BARE,) * 3) // 255
        bare = cv2.morphologyEx(bare, cv2.MORPH_OPEN, np.ones((5, 5)))
        scale = min(1.0, SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(content, size, interpolation=cv2.INTER_AREA)
        painted = cv2.resize((1 - bare).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(cv2.convertScaleAbs(small, alpha=255), cv2.COLOR_RGB2GRAY)
        if not self._layers or self._layers[0].paint.shape != paint.shape:
            self._layers, self._order = [], _order(grey.shape)
        new = cv2.convertScaleAbs(paint, alpha=255)
        near, whole = np.zeros(grey.shape, np.float32), np.ones(grey.shape, np.float32)
        colours, composed = _colours(new, near), None
        if self._layers and min(grey.shape) >= LEAST_SIDE:
            back, agreed = _flow(self._grey, grey)
            colours[..., 3] = 1 - cv2.erode(agreed, np.ones((2 * NEAR + 1, 2 * NEAR + 1)))
            for layer in self._layers:
                layer.carry(back, agreed, small, colours)
            if self._layers[-1].holds.mean() >= LEAST_HELD:
                composed = self._composed(paint, new, bare, colours[..., 3])
            else:
                self._layers, colours[..., 3] = [], 0
        self._grey = grey
        fresh = _Layer(new, np.dstack([small, painted]), colours, _grid(grey.shape), whole, near)
        layers = self._layers[:-1]
        if not layers or layers[0].worn(self._period) >= 1:
            layers = [fresh, *layers[:1]]
        kept, result, around = composed or (new, paint, near)
        last = replace(fresh, paint=kept, colours=_colours(kept, around)) if composed else replace(fresh)
        self._layers = [*layers, last]
        return result

    def _composed(self, paint: Array, new: Array, bare: Array, near: Array) -> tuple[Array, Array, Array]:
        """The frame, of each pixel's uppermost layer that holds, and of its own paint (`new`, bytes) where none does:
        as it goes on, in bytes; as it is shown, with as much detail as its own paint has there; and how `near` to it
        something went by. What was lifted is never carried on: it would grow.
        """
        cv2, (height, width) = _opencv(), paint.shape[:2]
        shown, above, around = [], np.ones_like(near), np.zeros_like(near)
        for number, layer in enumerate(self._layers):
            share, shift = layer.holds, layer.places - _grid(layer.holds.shape)
            if number == 0 and len(self._layers) > 2:
                turn = _taken(self._order, shift)
                share = share * np.clip((layer.worn(self._period) * (1 + FADE) - turn) / FADE, 0, 1)
            if (above * share).max() > LEAST_SHARE:
                shift = shift * np.array([width / share.shape[1], height / share.shape[0]], np.float32)
                shown.append([layer.paint, *(cv2.resize(each, (width, height)) for each in (shift, share))])
            around += above * share * layer.near
            above *= 1 - share
        kept, result = new.copy(), paint.copy()
        for top in range(0, height, ROWS):
            own, seen = slice(top, min(height, top + ROWS)), slice(max(0, top - REACH), min(height, top + ROWS + REACH))
            inside = slice(own.start - seen.start, own.stop - seen.start)
            band, left, at = new[seen], 1 - bare[seen].astype(np.float32), _grid((height, width), seen)
            untouched = np.ones_like(left)
            for source, shift, share in reversed(shown):
                weight = cv2.multiply(share[seen], left)
                places = cv2.add(shift[seen], at)
                carried = cv2.remap(source, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
                rest = 1 - weight
                band = cv2.blendLinear(carried, band, weight, rest)
                untouched *= rest
            kept[own] = band[inside]
            greys = [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (band, new[seen])]
            fine = [cv2.subtract(each, cv2.GaussianBlur(each, (0, 0), FINE), dtype=cv2.CV_32F) for each in greys]
            energy, wanted = (cv2.blur(cv2.multiply(each, each), (AROUND, AROUND))[inside] for each in fine)
            gain = cv2.sqrt(cv2.divide(wanted + FLAT, energy + FLAT)).clip(1, GAIN) / 255 - 1 / 255
            detail = cv2.subtract(band, cv2.GaussianBlur(band, (0, 0), FINE), dtype=cv2.CV_32F)[inside]
            lifted = cv2.multiply(detail, cv2.merge([gain] * 3))
            cv2.scaleAdd(band[inside].astype(np.float32), 1 / 255, lifted, lifted)
            touched = (untouched[inside] < 1 - LEAST_SHARE).view(np.uint8)
            cv2.copyTo(np.clip(lifted, 0, 1, out=lifted), touched, result[own])
        return kept, result, around + above * near


def _flow(before: Array, now: Array) -> tuple[Array, Array]:
    """Where each pixel was before, less where it is [h, w, 2], x first; how far both directions agree on it [h, w]."""
    cv2 = _opencv()
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back, forth = search.calc(now, before, None), search.calc(before, now, None)
    back *= np.clip((_length(back)[..., None] - REST[0]) / (REST[1] - REST[0]), 0, 1)
    error = _length(back + _taken(forth, back))
    allowed = DISAGREEMENT[0] + DISAGREEMENT[1] * _length(back)
    agreed = np.clip(1 + allowed - error, 0, 1).astype(np.float32)
    (height, width), places = now.shape, back + _grid(now.shape)
    x, y = places[..., 0], places[..., 1]
    agreed[(x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)] = 1  # came into view: nobody was there to disagree
    return back, cv2.erode(agreed, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1)))


def _unchanged(content: Array, made_for: Array, places: Array) -> Array:
    """How far `content` [h, w, 3] is what lies in `made_for` at `places`; 0 outside of it and where it is bare."""
    cv2 = _opencv()
    there = cv2.remap(made_for, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    slack = SLACK * cv2.morphologyEx(content, cv2.MORPH_GRADIENT, np.ones((3, 3)))
    change = _largest(cv2.absdiff(content, cv2.cvtColor(there, cv2.COLOR_RGBA2RGB)) - slack)
    change = cv2.GaussianBlur(change, (0, 0), 1.5)
    holds = np.clip((CHANGE[1] - change) / (CHANGE[1] - CHANGE[0]), 0, 1)
    holds = cv2.blur(cv2.erode(holds, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1))), (3, 3))
    return holds * (there[..., 3] > 0.99)


def _colours(paint: Array, near: Array) -> Array:
    """Coarse ones of a picture of bytes, in 0..1, of the size of `near` [h, w], which is their fourth channel."""
    cv2 = _opencv()
    small = cv2.resize(paint, near.shape[::-1], interpolation=cv2.INTER_AREA)
    return np.dstack([cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), COARSE), near])


def _taken(values: Array, shift: Array) -> Array:
    """`values` from where each pixel has moved by `shift` [h, w, 2]; 0 outside for what has one channel."""
    cv2 = _opencv()
    border = cv2.BORDER_CONSTANT if values.ndim == 2 else cv2.BORDER_REPLICATE
    return cv2.remap(values, shift + _grid(values.shape[:2]), None, cv2.INTER_LINEAR, borderMode=border)


def _length(shift: Array) -> Array:
    """Of [h, w, 2], [h, w]."""
    return _opencv().magnitude(shift[..., 0], shift[..., 1])


def _largest(values: Array) -> Array:
    """Of the first three channels of [h, w, C], [h, w]: numpy's own is ten times as slow."""
    cv2 = _opencv()
    first, second, third, *_ = cv2.split(values)
    return cv2.max(cv2.max(first, second), third)


def _grid(size: tuple[int, ...], rows: slice = slice(None)) -> Array:
    """The place of each pixel [h, w, 2], x first."""
    first, end, _ = rows.indices(size[0])
    places = np.empty((end - first, size[1], 2), np.float32)
    places[..., 0], places[..., 1] = np.arange(size[1]), np.arange(first, end)[:, None]
    return places


def _order(size: tuple[int, ...]) -> Array:
    """Smooth patches [h, w] whose values are spread evenly over 0..1, always the same."""
    cv2, (height, width) = _opencv(), size
    coarse = np.random.default_rng(0).random((2 + height // PATCH, 2 + width // PATCH), np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    ranks = np.searchsorted(np.sort(smooth, axis=None), smooth) / smooth.size
    return ranks.astype(np.float32)


def _arrays(value: Any) -> Any:  # noqa: ANN401 - a tensor or a number
    return value.numpy() if isinstance(value, Tensor) else value


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
