"""Scissors and gouache: leaves cut from brushed paper, pinned on panels of flat colour."""

import numpy as np
from PIL import Image, ImageDraw

from .canvas import Array, Random, noise, over, palette, soften

PANELS = palette("f2ead8", "1747a6", "f4b81c", "e23a2e", "0f8a5f", "f08fb0", "18213f", "f26b21", "7ac6d9", "6a2c85")
LEAVES = palette("e4322b", "1238a0", "0d7a4b", "f6c21a", "f7f0e0", "141a33", "ef6a1f", "e8579a", "35a6c9", "7fb93a")
COLUMNS, ROWS = 5, 4


def cutouts(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    table = Table(random, n)
    grounds = deal(random, len(PANELS), COLUMNS * ROWS)
    places = [((place % COLUMNS + 0.5) / COLUMNS, (place // COLUMNS + 0.5) / ROWS) for place in range(len(grounds))]
    for place, ground in zip(places, grounds, strict=True):
        table.pin([panel(random, *place)], PANELS[ground], 0.006)
    for place, ground in zip(places, grounds, strict=True):
        table.pin(frond(random, *place), contrast(random, PANELS[ground]), 0.010)
    for place in random.uniform(0.02, 0.98, (34, 2)).tolist():
        table.pin([pebble(random, *place)], LEAVES[random.integers(len(LEAVES))], 0.006)
    return table.colour + (0.025 * noise(random, n, 160, 2))[..., None]


class Table:
    """Sheets of brushed paper laid one over the other on `n` by `n` pixels."""

    def __init__(self, random: Random, n: int) -> None:
        self.n, self.random = n, random
        self.sheets = [gouache(random, n) for _ in range(4)]
        self.colour = np.ones((n, n, 3), dtype=np.float32) * PANELS[0]

    def pin(self, shapes: list[Array], tint: Array, lift: float) -> None:
        """Lay polygons (corners in 0..1) as one cut of `tint`, casting a soft shadow as far as it is lifted."""
        box = self.around(shapes, 3 * lift)
        cover = mask(self.n, shapes)[box]
        drop = round(lift * self.n * 0.7)
        shadow = soften(np.roll(cover, (drop, drop), (0, 1)), lift * self.n * 0.45)
        sheet = self.sheets[self.random.integers(len(self.sheets))][box]
        painted = tint * (1 + sheet)[..., None] + 0.3 * np.maximum(sheet, 0)[..., None]
        self.colour[box] = over(self.colour[box] * (1 - 0.55 * shadow[..., None]), painted, cover)

    def around(self, shapes: list[Array], margin: float) -> tuple[slice, slice]:
        """Rows and columns that hold the polygons and `margin` about them."""
        corners = np.concatenate(shapes)
        left, top = (np.clip(corners.min(0) - margin, 0, 1) * self.n).astype(int).tolist()
        right, bottom = (np.clip(corners.max(0) + margin, 0, 1) * self.n).astype(int).tolist()
        return slice(top, bottom), slice(left, right)


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


def panel(random: Random, cx: float, cy: float) -> Array:
    """The corners of a sheet, cut a little askew and overlapping its neighbours."""
    half = np.array([0.5 / COLUMNS, 0.5 / ROWS]) + 0.005
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + (cx, cy)
    return corners + random.uniform(-0.010, 0.010, (4, 2))


def frond(random: Random, cx: float, cy: float) -> list[Array]:
    """A seaweed leaf: round lobes on both sides of a bent stem, wider in the middle, one at the tip."""
    reach, bend, pairs = random.uniform(0.092, 0.108), random.uniform(-0.35, 0.35), int(random.integers(4, 7))
    along = np.linspace(1, -0.75, pairs)
    stem = np.stack([reach * bend * (along**2 - 0.4), reach * along], -1)
    ahead = directions(stem)
    shapes = [ribbon(stem, 0.013, 0.007), finger(stem[-1], stem[-1] + ahead[-1] * 0.3 * reach, 0.016)]
    for joint, way, t in zip(stem, ahead, along, strict=True):
        for hand in (-1, 1):
            lean, size = random.uniform(0.75, 1.15), reach * (0.85 - 0.4 * abs(t - 0.1)) * random.uniform(0.8, 1.1)
            side = np.array([-way[1], way[0]]) * hand
            tip = joint + size * (way * np.cos(lean) + side * np.sin(lean))
            shapes.append(finger(joint, tip, random.uniform(0.012, 0.017)))
    turn = random.uniform(-0.4, 0.4) + random.integers(2) * np.pi
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return [shape @ spin + (cx, cy) for shape in shapes]


def directions(path: Array) -> Array:
    """Unit tangents `[k, 2]` of `path` `[k, 2]`."""
    ahead = np.gradient(path, axis=0)
    return ahead / np.linalg.norm(ahead, axis=1, keepdims=True)


def ribbon(path: Array, wide: float, thin: float) -> Array:
    """The outline of a band along `path` `[k, 2]`, `wide` across at its start and `thin` at its end."""
    across = directions(path)[:, ::-1] * (-1, 1) * np.linspace(wide, thin, len(path))[:, None] / 2
    return np.concatenate([path + across, (path - across)[::-1]])


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
    turns = np.linspace(0, 2 * np.pi, 9, endpoint=False) + random.uniform(-0.25, 0.25, 9)
    size = random.uniform(0.007, 0.016) * random.uniform(0.75, 1.2, 9)
    return np.stack([cx + size * np.cos(turns), cy + size * np.sin(turns) * random.uniform(0.5, 1)], -1)


def mask(n: int, shapes: list[Array]) -> Array:
    """1 inside any of the polygons (in 0..1), 0 outside: `[n, n]`."""
    picture = Image.new("L", (n, n))
    for shape in shapes:
        ImageDraw.Draw(picture).polygon((shape * n).ravel().tolist(), fill=255)
    return np.asarray(picture, dtype=np.float32) / 255


def gouache(random: Random, n: int) -> Array:
    """How much lighter or darker `[n, n]` hand-brushed paper is: long streaks one way, dabs over them."""
    streaks = 0.07 * noise(random, n, 5, 3, stretch=12) + 0.07 * noise(random, n, 16, 3, stretch=8)
    streaks = streaks.T if random.random() < 0.5 else streaks
    return streaks + 0.035 * noise(random, n, 9, 4)
