"""A night sky in thick strokes that swirl round the stars, over hills and a cypress."""

import numpy as np

from .brush import Brush, Painting
from .canvas import Array, Random, along, grid, noise, over, palette, ramp, step

SKY = palette("0b1240", "14246e", "1d3f9c", "2f6fc0", "5ea5cf", "a9cfc0", "e6dc9a")
STAR = palette("fffdf0", "fff0a0", "ffcf3a", "f09a2a", "9fb98a", "3a78b8")
HILL = palette("0a1a3c", "12395a", "1f5d66", "3f7f58", "8a8f3a", "c79a35")
CYPRESS = palette("060b14", "10261c", "1e4023", "4a5a22", "7a4a1e")
MOON = (0.80, 0.17, 0.085)
STARS = ((0.13, 0.12, 0.036), (0.36, 0.08, 0.030), (0.55, 0.21, 0.034), (0.27, 0.27, 0.044), (0.62, 0.06, 0.024),
         (0.93, 0.40, 0.034), (0.40, 0.46, 0.026), (0.66, 0.43, 0.030), (0.07, 0.38, 0.026))  # fmt: skip
WHIRLS = ((0.46, 0.31, 0.17, 1.0), (0.70, 0.35, 0.11, -0.9), (0.20, 0.47, 0.10, -0.6))


def night(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    x, y = grid(n)
    stream = sky_stream(random, x, y)
    motif, angle = sky(random, x, y, stream)
    motif, angle = land(random, x, y, motif, angle)
    motif, angle = cypress(random, x, y, motif, angle)
    painting = Painting(motif * 0.7)
    bright = step(motif.mean(-1), 0.15, 0.6)
    for brush, where in (
        (Brush(0.026, 0.15, 2600), None),
        (Brush(0.015, 0.10, 6500), None),
        (Brush(0.009, 0.07, 9000, load=1.3), 0.25 + 0.75 * bright),
    ):
        painting.paint(random, brush, motif, angle, where)
    return painting.dry(0.55, 0.3)


def sky_stream(random: Random, x: Array, y: Array) -> Array:
    """Stream function of the wind: its level lines are the strokes' ways."""
    stream = y + 0.05 * np.sin(7 * x + 1) + 0.012 * noise(random, len(x), 4, 2)
    for cx, cy, radius, spin in WHIRLS:
        stream = stream + spin * 2.6 * radius * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
    for cx, cy, radius in (*STARS, MOON):
        stream = stream + 8 * radius * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (1.7 * radius) ** 2)
    return stream.astype(np.float32)


def sky(random: Random, x: Array, y: Array, stream: Array) -> tuple[Array, Array]:
    """Blues in bands along the wind, stars and a moon with their haloes."""
    bands = np.sin(stream * 60 + 0.8 * noise(random, len(x), 5, 3))
    colour = ramp(0.16 + 0.55 * y + 0.17 * bands + 0.05 * noise(random, len(x), 6, 3), SKY)
    for cx, cy, radius in (*STARS, MOON):
        distance = np.hypot(x - cx, y - cy) / radius
        rings = 0.09 * np.sin(distance * 9)
        colour = over(colour, ramp(distance / 2.6 + rings, STAR), step(distance, 2.7, 1.3) * (0.75 + rings * 2))
    cx, cy, radius = MOON
    crescent = (np.hypot(x - cx, y - cy) < 0.8 * radius) & (np.hypot(x - cx + 0.35 * radius, y - cy) > 0.6 * radius)
    colour = over(colour, palette("ffb21e")[0], crescent.astype(np.float32))
    return colour, along(stream)


def land(random: Random, x: Array, y: Array, colour: Array, angle: Array) -> tuple[Array, Array]:
    """Three ranges of hills, nearer ones warmer, ploughed along their slopes."""
    for depth, base in enumerate((0.66, 0.75, 0.85)):
        crest = base + 0.05 * np.sin((5 + depth) * x + 2.4 * depth) + 0.012 * noise(random, len(x), 5, 2)[:1]
        below = y - crest
        tone = 0.12 + 0.2 * depth + 0.16 * np.sin(below * 90 + 5 * x) + 0.08 * noise(random, len(x), 12, 2)
        cover = step(below, -0.003, 0.003)
        colour = over(colour, ramp(tone + step(below, 0.02, 0.0) * 0.25, HILL), cover)
        angle = np.where(below > 0, along(below + 0.02 * np.sin(9 * x + 14 * y)), angle)
    return colour, angle


def cypress(random: Random, x: Array, y: Array, colour: Array, angle: Array) -> tuple[Array, Array]:
    """A dark flame at the left edge."""
    height = np.clip((y - 0.16) / 0.84, 0, 1)
    spine = 0.135 + 0.012 * np.sin(16 * y) + 0.03 * height
    half = 0.085 * height**0.75 * (1 + 0.25 * np.sin(31 * y + 3 * np.sign(x - spine)))
    inside = step(np.abs(x - spine) - half, 0.004, -0.004) * (y > 0.16)
    tone = 0.3 + 0.3 * np.sin((x - spine) * 150 + 9 * y) + 0.12 * noise(random, len(x), 10, 3)
    flame = np.pi / 2 + 0.5 * np.sin(22 * y + 25 * x) * np.sign(x - spine)
    return over(colour, ramp(tone, CYPRESS), inside), np.where(inside > 0.5, flame, angle).astype(np.float32)
