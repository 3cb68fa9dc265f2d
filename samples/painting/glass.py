"""A leaded rose window: rings of petals in coloured glass, light behind it."""

import numpy as np

from .canvas import Array, Random, grid, lit, noise, over, palette, soften
from .cells import voronoi

RUBY = palette("8e0f1d", "c4161c", "e23b1f", "f0652b")
AMBER = palette("d98a12", "f2b01e", "f8d24a", "fbe89a")
COBALT = palette("0d1f6b", "123c9e", "1f66c9", "4f9fe0")
EMERALD = palette("0b4a33", "12794a", "46a852", "a4cf5a")
VIOLET = palette("3a1258", "6a1f7d", "a43b93", "d983b4")
LEAD = palette("15161a")[0]
# Radius, panes and glass of each ring, from the middle outwards.
RINGS = ((0.0, 1, AMBER), (0.062, 8, RUBY), (0.125, 16, COBALT), (0.19, 16, AMBER), (0.255, 32, RUBY),
         (0.315, 16, COBALT), (0.37, 32, EMERALD), (0.425, 32, VIOLET), (0.48, 48, COBALT), (0.535, 24, AMBER),
         (0.59, 40, EMERALD), (0.65, 48, RUBY), (0.71, 40, COBALT))  # fmt: skip


def glass(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    x, y = grid(n)
    sites, tints = panes(random)
    warp = 0.006 * np.stack([noise(random, n, 7, 2), noise(random, n, 7, 2)], -1)
    cells = voronoi(sites * n, n, 0.16 * n)
    rows = np.clip(((y + warp[..., 1]) * n).astype(int), 0, n - 1)
    columns = np.clip(((x + warp[..., 0]) * n).astype(int), 0, n - 1)
    border = cells.border[rows, columns] / n
    colour = glow(random, tints[cells.owner[rows, columns]], border)
    return leaded(random, colour, border)


def panes(random: Random) -> tuple[Array, Array]:
    """Sites `[s, 2]` in 0..1 and tints `[s, 3]` of all panes, ring by ring."""
    sites, tints = [], []
    for turn, (radius, count, family) in enumerate(RINGS):
        angles = (np.arange(count) + 0.5 * (turn % 2)) * 2 * np.pi / count
        ring = 0.5 + radius * np.stack([np.cos(angles), np.sin(angles)], -1)
        sites.append(ring + random.normal(0, 0.0035, ring.shape))
        shade = np.arange(count) % 2 * 1.3 + random.uniform(0, 1.7, count)
        tints.append(family[np.clip(shade.astype(int), 0, 3)] + random.normal(0, 0.03, (count, 3)))
    return np.concatenate(sites).astype(np.float32), np.clip(np.concatenate(tints), 0, 1).astype(np.float32)


def glow(random: Random, tint: Array, border: Array) -> Array:
    """Uneven light through hand-blown glass: brighter in the pane's middle, streaked, seeded with bubbles."""
    n = len(tint)
    light = 0.84 + 14 * np.minimum(border, 0.045) + 0.18 * noise(random, n, 5, 3)
    streaks = 0.16 * noise(random, n, 9, 5, stretch=4) + 0.07 * noise(random, n, 90, 2)
    colour = tint * (light + streaks)[..., None]
    hot = np.clip(light + streaks - 1.05, 0, 1)[..., None]
    bubbles = np.clip(noise(random, n, 110, 1) - 2.1, 0, 1)[..., None]
    return lit(colour + 0.5 * hot * (1 - tint * 0.6) + 0.5 * bubbles, noise(random, n, 60, 3) * 0.8, 1.0, 0.35)


def leaded(random: Random, colour: Array, border: Array) -> Array:
    """Lay round lead cames along the borders, with grime beside them."""
    n = len(colour)
    half = 0.0044 + 0.0008 * noise(random, n, 20, 2)
    grime = np.clip(1.25 - border / 0.014, 0, 0.6)
    came = np.clip((half - border) * n / 2 + 0.5, 0, 1)
    round_ = soften(np.sqrt(np.clip(1 - (border / half) ** 2, 0, 1)), 1.5) * half * n
    metal = LEAD * (1 + 0.3 * noise(random, n, 80, 2))[..., None]
    return over(colour * (1 - grime[..., None]), lit(metal * 1.6, round_ * 1.2, 1.0, 0.5), came)
