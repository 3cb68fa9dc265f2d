"""Wires that would run behind a node are led around it, through points as the page has them ("reroutes").

The page draws a wire as a cubic curve that leaves an output to the right and enters an input from the left, and through
such a point in the direction between where it comes from and where it goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Spot = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
CURVE, MOST_CURVE = 0.25, 80.0
"""How far a curve's handles lie from its ends, of the distance between these; and pixels at most, at a point."""
STEPS = np.linspace(0, 1, 33)[1:-1, None]
EDGE = 4
"""Pixels of a node's rim, which a wire may touch."""
LANE, STEP, AWAY = 8, 3, (20, 14, 26, 8, 32)
"""Pixels between wires side by side, between two places to try, and between a node and where a wire turns."""
LONG, NEAR = 200, 60
"""Pixels up or down from which on a wire has one more spot, and how far from its end that is."""
CROWDED = 400
"""Pixels of a longer way that are worth not lying on another wire."""


def curve(way: Sequence[Spot]) -> Array:
    """Places [n, 2] along the wire from the first spot, an output, by way of the others to the last, an input."""
    spots = [np.array(spot, float) for spot in way]
    directions = [np.array([1.0, 0.0]), *(_between(*three) for three in zip(spots, spots[1:], spots[2:], strict=False))]
    directions.append(np.array([1.0, 0.0]))
    parts: list[Array] = []
    for number, (start, end) in enumerate(pairwise(spots)):
        handle = CURVE * math.dist(start, end)
        first, last = (handle if at in (0, len(spots) - 1) else min(handle, MOST_CURVE) for at in (number, number + 1))
        out, into = start + first * directions[number], end - last * directions[number + 1]
        t, u = STEPS, 1 - STEPS
        parts += [u**3 * start + 3 * u**2 * t * out + 3 * u * t**2 * into + t**3 * end, end[None]]
    return np.concatenate(parts)


def behind(way: Sequence[Spot], boxes: Sequence[Box]) -> list[int]:
    """The numbers of the boxes that a wire runs through."""
    places = curve(way)[:-1]
    left, top, right, bottom = np.array(boxes, float).T
    x, y = places[:, :1], places[:, 1:]
    inside = (x > left + EDGE) & (x < right - EDGE) & (y > top + EDGE) & (y < bottom - EDGE)
    return np.flatnonzero(inside.any(0)).tolist()


@dataclass
class Wires:
    """The wires of one graph, in the order in which they are laid, around `boxes`, its nodes with their titles; and not
    along `titles`, those of groups."""

    boxes: list[Box]
    titles: list[Box] = field(default_factory=list)
    _laid: list[tuple[object, Box]] = field(default_factory=list)
    """The straight parts of wires that were led around, by where they come from."""

    def way(self, source: object, start: Spot, end: Spot) -> list[Spot]:
        """The spots between an output and an input of a wire from `source`: none where the straight way is free."""
        if not behind([start, end], self.boxes):
            return []
        best: list[Spot] = []
        least = math.inf
        for length, way in sorted((_length([start, *way, end]), way) for way in self._ways(start, end)):
            if length >= least:
                break
            cost = length + CROWDED * self._crowded(source, way)
            if cost < least and not behind([start, *way, end], self.boxes):
                best, least = way, cost
        self._laid += [(source, part) for part in _straight(best)]
        return best

    def _ways(self, start: Spot, end: Spot) -> Iterator[list[Spot]]:
        """By one lane from left to right, above or below what is in the way."""
        top, bottom = min(box[1] for box in self.boxes), max(box[3] for box in self.boxes)
        for level in range(int(top) - 2 * LANE, int(bottom) + 2 * LANE, STEP):
            (lane,) = _straight([(start[0] + AWAY[0], level), (end[0] - AWAY[0], level)])
            if not any(_touch(lane, box, 1 - EDGE) for box in (*self.boxes, *self.titles)):
                for out, into in product(AWAY, AWAY):
                    first, last = start[0] + out, end[0] - into
                    way: list[Spot] = [(first, level), (last, level)]
                    if abs(level - start[1]) > LONG:  # else its curve is wider than the space between two nodes
                        way.insert(0, (first, start[1] + math.copysign(NEAR, level - start[1])))
                    if abs(level - end[1]) > LONG:
                        way.append((last, end[1] + math.copysign(NEAR, level - end[1])))
                    yield way

    def _crowded(self, source: object, way: list[Spot]) -> int:
        """On how many others, with another source, a way lies."""
        others = [laid for other, laid in self._laid if other != source]
        return sum(_touch(part, laid, LANE - 1) for part in _straight(way) for laid in others)


def _length(way: Sequence[Spot]) -> float:
    return sum(math.dist(*part) for part in pairwise(way))


def _between(before: Array, here: Array, after: Array) -> Array:
    """The direction at a spot, half way between those of its two parts."""
    arriving, leaving = (part / max(float(np.hypot(*part)), 1e-6) for part in (here - before, after - here))
    both = arriving + leaving
    length = float(np.hypot(*both))
    return both / length if length > 1e-6 else arriving


def _straight(way: Sequence[Spot]) -> list[Box]:
    return [(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])) for a, b in pairwise(way)]


def _touch(one: Box, other: Box, apart: float) -> bool:
    across = one[0] < other[2] + apart and other[0] < one[2] + apart
    return across and one[1] < other[3] + apart and other[1] < one[3] + apart
