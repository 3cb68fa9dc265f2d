"""An avenue in autumn after rain, laid on with a palette knife: fiery leaves, dark trunks, a lamp-lit wet path."""

import numpy as np

from .brush import Brush, Painting
from .canvas import Array, Random, grid, noise, over, palette, ramp, step

LEAVES = palette("fff6c8", "ffe04a", "ffb020", "f47a1c", "d93a1e", "9c1c34", "4a1a58", "1a1e52")
COOL = palette("f8f0c0", "e8d24a", "9dbb3c", "3f9a58", "1f7f8a", "2a52a0", "2c2a72", "161a48")
BARK = palette("0c0a1e", "251238", "4a2030", "8a4a2a")
HORIZON, MIDDLE = 0.56, 0.53
# Foot and half width of each tree, nearest first.
TRUNKS = ((0.10, 0.024), (0.90, 0.027), (0.235, 0.016), (0.785, 0.017), (0.33, 0.010), (0.70, 0.011), (0.40, 0.006),
          (0.645, 0.007))  # fmt: skip


def autumn(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    x, y = grid(n)
    motif, angle = avenue(random, x, y)
    painting = Painting(motif * 0.55)
    leafy = step(y, HORIZON + 0.02, HORIZON - 0.02)
    for brush, where in (
        (Brush(0.036, 0.070, 1800, jitter=0.05), None),
        (Brush(0.024, 0.050, 5000, jitter=0.08, load=1.4), None),
        (Brush(0.013, 0.034, 7000, jitter=0.10, load=1.6), 0.35 + 0.5 * leafy),
        (Brush(0.007, 0.018, 5000, jitter=0.13, load=1.8), 0.15 + 0.6 * leafy),
    ):
        painting.paint(random, brush, motif, angle, where)
    return painting.dry(0.55, 0.3)


def avenue(random: Random, x: Array, y: Array) -> tuple[Array, Array]:
    """Colours and the way of the knife."""
    n = len(x)
    clumps, tangle = noise(random, n, 5, 5), noise(random, n, 4, 3)
    colour, angle = foliage(x, y, clumps), (1.3 * tangle + 0.8).astype(np.float32)
    mirror = np.clip((2 * HORIZON - y[:, 0]) * n, 0, n - 1).astype(int)
    shimmer = 0.12 * noise(random, n, 10, 3, stretch=4)
    wet = 0.72 * grove(x, y, colour, angle)[0][mirror] + (0.02, 0.07, 0.24) + shimmer[..., None]
    verge = np.abs(x - MIDDLE) - 0.06 - 0.75 * np.clip(y - HORIZON, 0, 1) - 0.012 * clumps
    ground = step(y, HORIZON - 0.002, HORIZON + 0.004)
    litter = ramp(0.36 + 0.13 * clumps + 0.5 * np.clip(verge, 0, 0.6), LEAVES)
    colour = over(over(colour, wet, ground), litter, ground * step(verge, -0.01, 0.03))
    angle = np.where(ground > 0.5, 0.25 * tangle, angle).astype(np.float32)
    return grove(x, y, colour, angle)


def grove(x: Array, y: Array, colour: Array, angle: Array) -> tuple[Array, Array]:
    """All trees on both sides."""
    for shape in TRUNKS:
        colour, angle = trunk(x, y, colour, angle, shape)
    return colour.astype(np.float32), angle.astype(np.float32)


def foliage(x: Array, y: Array, clumps: Array) -> Array:
    """Leaves that burn yellow round the light at the avenue's end and darken outwards; cool ones among them."""
    away = np.hypot((x - MIDDLE) * 1.05, (y - HORIZON + 0.06) * 0.9)
    tone = 1.35 * away + 0.13 * clumps - 0.06
    cool = step(np.roll(clumps, len(x) // 3, 1), 0.55, 1.0)
    return over(ramp(tone, LEAVES), ramp(tone + 0.05, COOL), cool)


def trunk(x: Array, y: Array, colour: Array, angle: Array, shape: tuple[float, float]) -> tuple[Array, Array]:
    """A tree from its crown to the ground, lit on the side of the lamps, with two boughs."""
    foot, half = shape
    ground = HORIZON + 5 * half
    lean = foot + 0.6 * half * np.sin(9 * y + 40 * foot)
    side = np.sign(MIDDLE - foot)
    wood = step(np.abs(x - lean) - half * (0.55 + 0.6 * y), 0.003, -0.003)
    for rise, way in ((0.30, 1.0), (0.16, -1.0)):
        reach = (x - lean) * way
        bough = step(np.abs(y - HORIZON + rise + 1.2 * reach) - 0.6 * half * (1 - 3 * reach), 0.003, -0.003)
        wood = np.maximum(wood, bough * (reach > 0) * (reach < 9 * half))
    wood = wood * (y < ground)
    tone = 0.35 + 0.5 * side * (x - lean) / half
    return over(colour, ramp(tone, BARK), wood), np.where(wood > 0.5, np.pi / 2, angle)
