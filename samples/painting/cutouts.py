"""Scissors and gouache: leaves cut from brushed paper, pinned on panels of flat colour."""

import numpy as np
from PIL import Image, ImageDraw

from .canvas import Array, Random, grid, noise, over, palette, soften

PANELS = palette("f2ead8", "1747a6", "f4b81c", "e23a2e", "0f8a5f", "f08fb0", "18213f", "f26b21", "7ac6d9", "6a2c85")
LEAVES = palette("e4322b", "1238a0", "0d7a4b", "f6c21a", "f7f0e0", "141a33", "ef6a1f", "e8579a", "35a6c9", "7fb93a")
COLUMNS, ROWS = 5, 4


def cutouts(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    colour = np.ones((n, n, 3), dtype=np.float32) * PANELS[0]
    grounds = deal(random, len(PANELS), COLUMNS * ROWS)
    for place, ground in enumerate(grounds):
        left, top = place % COLUMNS / COLUMNS, place // COLUMNS / ROWS
        colour = pin(random, colour, mask(n, [panel(random, left, top)]), PANELS[ground], 0.006)
    for place, ground in enumerate(grounds):
        centre = ((place % COLUMNS + 0.5) / COLUMNS, (place // COLUMNS + 0.5) / ROWS)
        tint = contrast(random, PANELS[ground])
        colour = pin(random, colour, mask(n, frond(random, *centre)), tint, 0.010)
    for _ in range(26):
        blob = pebble(random, *random.uniform(0.02, 0.98, 2))
        colour = pin(random, colour, mask(n, [blob]), LEAVES[random.integers(len(LEAVES))], 0.007)
    grain = 0.022 * noise(random, n, 160, 2) + 0.018 * noise(random, n, 40, 3)
    return colour + grain[..., None]


def deal(random: Random, kinds: int, count: int) -> list[int]:
    """`count` kinds in random order, no neighbours alike in a row."""
    dealt: list[int] = []
    while len(dealt) < count:
        dealt += [kind for kind in random.permutation(kinds).tolist() if not dealt or kind != dealt[-1]]
    return dealt[:count]


def contrast(random: Random, ground: Array) -> Array:
    """A leaf colour that stands out from `ground`."""
    far = np.linalg.norm(LEAVES - ground, axis=1)
    return LEAVES[random.choice(np.argsort(far)[-4:])]


def panel(random: Random, left: float, top: float) -> Array:
    """The corners of a sheet, cut a little askew and overlapping its neighbours."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) / (COLUMNS, ROWS) + (left, top)
    return corners + random.uniform(-0.012, 0.012, (4, 2)) + 0.004 * np.sign(corners - corners.mean(0))


def frond(random: Random, cx: float, cy: float) -> list[Array]:
    """A seaweed leaf: round lobes on both sides of a bent stem."""
    turn, bend = random.uniform(-0.5, 0.5) + random.integers(2) * np.pi, random.uniform(-0.6, 0.6)
    reach, lobes = random.uniform(0.085, 0.115), int(random.integers(4, 7))
    along = np.linspace(-1, 1, 2 * lobes + 1)
    stem = np.stack([reach * bend * (along**2 - 0.4), reach * along], -1)
    shapes = [finger(stem[0], stem[-1] * 1.15, 0.014), finger(stem[0], stem[lobes], 0.015), finger(stem[lobes], stem[-1], 0.013)]
    for index in range(0, 2 * lobes, 2):
        for hand in (-1, 1):
            size = reach * (1.0 - 0.55 * abs(along[index] + 0.1)) * random.uniform(0.7, 1.05)
            lean = random.uniform(0.25, 0.8)
            tip = stem[index] + size * np.array([hand * np.cos(lean), np.sin(lean)])
            shapes.append(finger(stem[index], tip, random.uniform(0.010, 0.015)))
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return [shape @ spin + (cx, cy) for shape in shapes]


def finger(start: Array, end: Array, width: float) -> Array:
    """A round-ended lobe, wider at its tip, cut in short straight snips."""
    turns = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    axis = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
    across = np.array([-axis[1], axis[0]])
    reach = 0.5 + 0.5 * np.cos(turns)
    swell = width * (0.55 + 0.6 * reach)
    return start + np.outer(reach, end - start) + np.outer(np.sin(turns) * swell, across)


def pebble(random: Random, cx: float, cy: float) -> Array:
    """A small snipped shape."""
    turns = np.sort(random.uniform(0, 2 * np.pi, 9))
    size = random.uniform(0.010, 0.026) * random.uniform(0.75, 1.2, 9)
    return np.stack([cx + size * np.cos(turns), cy + size * np.sin(turns) * random.uniform(0.5, 1)], -1)


def mask(n: int, shapes: list[Array]) -> Array:
    """1 inside any of the polygons (in 0..1), 0 outside: `[n, n]`."""
    picture = Image.new("L", (n, n))
    for shape in shapes:
        ImageDraw.Draw(picture).polygon((shape * n).ravel().tolist(), fill=255)
    return np.asarray(picture, dtype=np.float32) / 255


def pin(random: Random, below: Array, shape: Array, tint: Array, lift: float) -> Array:
    """Lay a cut of painted paper: soft shadow to the lower right, brushed gouache, a bright edge."""
    n = len(shape)
    drop = round(lift * n * 0.7)
    shadow = soften(np.roll(shape, (drop, drop), (0, 1)), lift * n * 0.5)
    return over(below * (1 - 0.5 * shadow[..., None]), gouache(random, n, tint), shape)


def gouache(random: Random, n: int, tint: Array) -> Array:
    """Hand-brushed colour: broad streaks one way, thinner ones over them."""
    streaks = noise(random, n, 6, 4, stretch=6)
    streaks = streaks.T if random.random() < 0.5 else streaks
    dabs = noise(random, n, 14, 3)
    return tint * (1 + 0.10 * streaks + 0.06 * dabs)[..., None] + 0.035 * np.maximum(streaks, 0)[..., None]
