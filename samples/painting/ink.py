"""Ink and colour in water: washes that bleed, pool dark at their rims, grain in the paper, and spatter."""

import numpy as np
from PIL import Image, ImageDraw

from .brush import comb
from .canvas import Array, Random, grid, lit, noise, palette, step
from .cells import window

PAPER = palette("f3ead6")[0]
INDIGO, INK, PLUM = palette("1f3f86", "14161f", "4a2a6a")
VERMILION, OCHRE, VIRIDIAN, ROSE = palette("d8321c", "d9962b", "1f7a68", "c2447a")
# Mean height, colour and strength of each range, from the farthest.
RANGES = ((0.36, INDIGO, 0.45), (0.50, VIRIDIAN, 0.6), (0.63, INDIGO, 0.85), (0.76, PLUM, 1.0), (0.90, INK, 1.3))


def ink(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    x, y = grid(n)
    tooth = 0.6 * noise(random, n, 130, 2) + 0.4 * noise(random, n, 40, 3)
    absorb = np.zeros((n, n, 3), dtype=np.float32)
    for level, tint, strength in RANGES:
        crest = level + 0.11 * ridge(random, n) + 0.02 * noise(random, n, 9, 4)
        absorb += wash(random, y - crest, tint, strength * step(y - crest, 0.30, 0.0), tooth)
    disc = 0.115 - np.hypot(x - 0.68, y - 0.22)
    absorb += wash(random, disc, VERMILION, 1.0, tooth)
    for _ in range(15):
        absorb += bloom(random, x, y, tooth)
    absorb += 2.2 * np.maximum(spatter(random, n), bamboo(random, n, tooth))[..., None] * -np.log(INK)
    colour = PAPER * np.exp(-absorb)
    return lit(colour, tooth * 0.35, 0.8, 0.05)


def ridge(random: Random, n: int) -> Array:
    """Mountain crests `[1, n]`, steep and uneven."""
    line = noise(random, n, 3, 6)[:1]
    return -np.abs(line) + 0.8


def wash(random: Random, inside: Array, tint: Array, strength: Array | float, tooth: Array) -> Array:
    """Absorption `[n, n, 3]` of a wash where `inside` (in sides) is positive: bleeding edge, dark rim, granulation."""
    n = len(inside)
    reach = inside + 0.010 * noise(random, n, 12, 5) + 0.004 * noise(random, n, 60, 3)
    body = step(reach, -0.0015, 0.0015)
    rim = np.exp(-((reach / 0.006) ** 2)) * body + 0.5 * np.exp(-((reach / 0.022) ** 2)) * body
    pools = 0.7 + 0.22 * noise(random, n, 4, 5) + 0.12 * np.maximum(tooth, -1.5)
    return (strength * (body * np.maximum(pools, 0.1) + 0.8 * rim))[..., None] * -np.log(tint)


def bloom(random: Random, x: Array, y: Array, tooth: Array) -> Array:
    """A drop of colour that spread into wet paper, with fingers."""
    cx, cy, radius = random.uniform(0, 1), random.uniform(0, 0.75), random.uniform(0.02, 0.09)
    tint = (INDIGO, VERMILION, OCHRE, VIRIDIAN, ROSE, OCHRE)[random.integers(6)]
    turn = np.arctan2(y - cy, x - cx)
    fingers = 0.16 * np.sin(random.integers(5, 12) * turn + random.uniform(0, 6))
    inside = radius * (1 + fingers + 0.1 * noise(random, len(x), 10, 4)) - np.hypot(x - cx, y - cy)
    return wash(random, inside, tint, random.uniform(0.25, 0.7), tooth)


def spatter(random: Random, n: int) -> Array:
    """Flicked drops, many small and few large."""
    x, y = grid(n)
    absorb = np.zeros((n, n), dtype=np.float32)
    for _ in range(420):
        cx, cy = random.normal((0.3, 0.55), (0.25, 0.28))
        radius = min(0.0012 + 0.0016 * random.pareto(2.2), 0.014)
        box = window(cx * n, cy * n, 2 * radius * n, n)
        absorb[box] = np.maximum(absorb[box], step(radius - np.hypot(x[box] - cx, y[box] - cy), -0.0008, 0.0008))
    return absorb


def bamboo(random: Random, n: int, tooth: Array) -> Array:
    """How much ink `[n, n]` a half-dry brush left: two canes of jointed strokes, and leaves flicked off them."""
    picture = Image.new("L", (n, n))
    for foot, lean, width in ((0.10, 0.05, 0.030), (0.21, -0.02, 0.018)):
        joints = np.linspace(1.02, -0.05, 7)
        for low, high in zip(joints[:-1] - 0.006, joints[1:] + 0.006, strict=True):
            ends = np.array([[foot + lean * (1 - low), low], [foot + lean * (1 - high), high]])
            drag(random, picture, ends, width)
            for _ in range(3):
                turn, reach = random.uniform(-0.3, 1.3), random.uniform(0.06, 0.15)
                tip = ends[1] + reach * np.array([np.cos(turn), np.sin(turn)])
                drag(random, picture, np.stack([ends[1], tip]), 0.2 * reach, pointed=True)
    loaded = np.asarray(picture, dtype=np.float32) / 255
    return loaded * step(tooth + 4 * loaded, 0.2, 2.2)


def drag(random: Random, picture: Image.Image, ends: Array, width: float, pointed: bool = False) -> None:
    """Draw one stroke between `ends` `[2, 2]` (in 0..1): bristles of uneven ink that run dry before the end."""
    n = picture.width
    t = np.linspace(0, 1, 16)[:, None]
    path = (ends[0] + t * (ends[1] - ends[0]) + 0.04 * width * np.cumsum(random.normal(0, 1, (16, 2)), 0)) * n
    bristles = max(3, round(width * n / 2))
    spread = np.linspace(-0.5, 0.5, bristles) * width * n
    for offset, line in zip(spread, comb(path, spread), strict=True):
        if pointed:
            line = path + (line - path) * np.sin(np.pi * t**0.7)
        last = int(16 * min(1.0, random.normal(0.95, 0.12)))
        inked = np.clip(random.normal(0.55 + 0.5 * abs(offset) / width / n, 0.2), 0.1, 1)
        ImageDraw.Draw(picture).line(line[:last].ravel().tolist(), fill=int(255 * inked), width=3)
