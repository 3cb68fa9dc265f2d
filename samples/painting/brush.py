"""A bristle brush: strokes that follow a field of directions, streaked in colour and ridged in relief."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .canvas import Array, Random, lit, pixels, soften


@dataclass(frozen=True)
class Brush:
    """Lengths are fractions of the side; jitters are deviations (of colour in 0..1)."""

    width: float
    length: float
    count: int
    streak: float = 0.06
    jitter: float = 0.07
    load: float = 1.0


class Painting:
    """Wet paint on `n` by `n` pixels: its colour, and how thick it lies."""

    def __init__(self, ground: Array) -> None:
        self.n = len(ground)
        self.colour = Image.fromarray((np.clip(ground, 0, 1) * 255).astype(np.uint8))
        self.relief = Image.new("L", (self.n, self.n), 90)

    def paint(self, random: Random, brush: Brush, motif: Array, angle: Array, where: Array | None = None) -> None:
        """Lay strokes coloured by `motif` `[n, n, 3]` and turned by `angle` `[n, n]`, thinned where `where` is low."""
        starts = scatter(random, brush.count, self.n, where)
        paths = trace(starts, angle, brush.length * self.n)
        row, column = pixels(paths[:, paths.shape[1] // 2], self.n)
        colours = motif[row, column] + random.normal(0, brush.jitter, (len(paths), 1))
        colours = colours + random.normal(0, brush.jitter / 2, (len(paths), 3))
        for path, colour in zip(paths, colours, strict=True):
            self.stroke(random, brush, path, colour)

    def stroke(self, random: Random, brush: Brush, path: Array, colour: Array) -> None:
        """Draw one stroke along `path` `[points, 2]`, bristle by bristle."""
        width = brush.width * self.n
        bristles = max(3, round(width / 2.5))
        across = np.linspace(-1, 1, bristles)
        lines = comb(path, across * width / 2 * random.uniform(0.8, 1.2))
        tints = colour + random.normal(0, brush.streak, (bristles, 1))
        heights = 110 + brush.load * (35 * across**4 + random.normal(0, 32, bristles))
        ends = random.integers(0, max(1, len(path) // 4), (bristles, 2))
        thick = round(width / bristles) + 1
        ink, ridge = ImageDraw.Draw(self.colour), ImageDraw.Draw(self.relief)
        for line, tint, height, (first, last) in zip(lines, tints, heights, ends, strict=True):
            points = line[first : len(line) - last].ravel().tolist()
            ink.line(points, fill=tuple((np.clip(tint, 0, 1) * 255).astype(int).tolist()), width=thick)
            ridge.line(points, fill=int(np.clip(height, 0, 255)), width=thick)

    def dry(self, strength: float = 1.0, gloss: float = 0.25) -> Array:
        """The colour `[n, n, 3]` with its ridges lit."""
        relief = soften(np.asarray(self.relief, dtype=np.float32), 1.0) / 14
        return lit(np.asarray(self.colour, dtype=np.float32) / 255, relief, strength, gloss)


def scatter(random: Random, count: int, n: int, where: Array | None) -> Array:
    """Places `[about count, 2]` (x, y in pixels) spread evenly, thinned by `where` `[n, n]` in 0..1."""
    across = round(count**0.5)
    places = (np.stack(np.meshgrid(np.arange(across), np.arange(across)), -1).reshape(-1, 2) + 0.5) / across
    places = (places + random.uniform(-0.7, 0.7, places.shape) / across) * n
    random.shuffle(places)
    chance = random.random(len(places))
    if where is not None:
        places = places[chance < where[pixels(places, n)]]
    return places.astype(np.float32)


def trace(starts: Array, angle: Array, length: float, points: int = 13) -> Array:
    """Paths `[s, points, 2]`, `length` pixels long, that follow `angle` `[n, n]` both ways from `starts` `[s, 2]`."""

    def walk(stride: float) -> list[Array]:
        places = [starts]
        for _ in range(points // 2):
            turn = angle[pixels(places[-1], len(angle))]
            places.append(places[-1] + stride * np.stack([np.cos(turn), np.sin(turn)], -1))
        return places

    stride = length / (points - 1)
    return np.stack(walk(-stride)[:0:-1] + walk(stride), axis=1)


def comb(path: Array, offsets: Array) -> Array:
    """Parallels `[k, points, 2]` of `path` `[points, 2]`, `offsets` `[k]` pixels off, closing a little at the ends."""
    along = np.gradient(path, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], -1) / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    taper = 1 - 0.45 * np.abs(np.linspace(-1, 1, len(path))) ** 3
    return path + offsets[:, None, None] * (normal * taper[:, None])
