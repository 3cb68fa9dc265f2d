"""Tesserae of stone and gold laid along waves and round a sun."""

import numpy as np

from .canvas import Array, Indices, Random, along, grid, lit, noise, palette, pixels, ramp, soften, step
from .cells import window

SUN = palette("fff3b0", "ffd23c", "f7a01d", "e5601f", "b52a1f", "7a1626")
SKY = palette("f3e6c8", "eec9a0", "d98c6b", "9a5a78", "4a4a8a", "25336e")
SEA = palette("0c2458", "124a94", "1778b0", "25a5b4", "57c0b4", "d9f0dc")
GROUT = palette("2a211c")[0]
TILES = 3200


def mosaic(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    x, y = grid(n)
    motif, angle = scene(random, x, y)
    sites = settle(random, angle, n)
    owner, edge = tiles(sites, angle, n)
    return laid(random, motif, sites, owner, edge)


def scene(random: Random, x: Array, y: Array) -> tuple[Array, Array]:
    """Colours and the way the rows of tesserae run."""
    sun = np.hypot(x - 0.62, y - 0.34)
    rays = np.sin(18 * np.arctan2(y - 0.34, x - 0.62)) * step(sun, 0.17, 0.2) * step(sun, 0.5, 0.25)
    colour = np.where((sun < 0.18)[..., None], ramp(sun / 0.18, SUN), ramp((sun - 0.14) * 1.5 + 0.12 * rays, SKY))
    angle = np.arctan2(y - 0.34, x - 0.62) + np.pi / 2
    for row in range(7):
        phase = 9 * x + 2.2 * row
        below = y - 0.52 - 0.075 * row - 0.028 * np.sin(phase * 1.6) - 0.014 * np.sin(3 * phase + row)
        inside = below > 0
        wave = ramp(np.clip(1 - below * 13, 0, 1) ** 1.3 * 0.9 + 0.12 * np.sin(row * 2.0), SEA)
        colour = np.where(inside[..., None], wave, colour)
        angle = np.where(inside, along(below), angle)
    return colour.astype(np.float32), angle.astype(np.float32)


def settle(random: Random, angle: Array, n: int) -> Array:
    """Sites of even, aligned tiles: Lloyd's rounds with the square distance turned to `angle`."""
    across = round(TILES**0.5)
    columns, rows = np.meshgrid(np.arange(across), np.arange(across))
    sites = np.stack([columns.ravel(), rows.ravel()], -1) + random.random((across**2, 2))
    sites = (sites * n / across).astype(np.float32)
    for _ in range(6):
        owner, _ = tiles(sites, angle, n)
        count = np.maximum(np.bincount(owner.ravel(), minlength=len(sites)), 1)
        rows, columns = np.indices(owner.shape)
        sums = [np.bincount(owner.ravel(), axis.ravel(), len(sites)) for axis in (columns, rows)]
        sites = (np.stack(sums, -1) / count[:, None]).astype(np.float32)
    return sites


def tiles(sites: Array, angle: Array, n: int) -> tuple[Indices, Array]:
    """The tile `[n, n]` each pixel belongs to, square in coordinates turned to `angle`, and how deep inside it lies."""
    first, second = (np.full((n, n), 1e9, dtype=np.float32) for _ in range(2))
    owner = np.zeros((n, n), dtype=np.int32)
    reach = 1.9 * n / len(sites) ** 0.5
    turns = angle[pixels(sites, n)]
    for index, ((cx, cy), cos, sin) in enumerate(zip(sites.tolist(), np.cos(turns), np.sin(turns), strict=True)):
        box = window(cx, cy, reach, n)
        y, x = np.ogrid[box]
        x, y = (x - cx).astype(np.float32), (y - cy).astype(np.float32)
        away = np.maximum(np.abs(x * cos + y * sin), np.abs(y * cos - x * sin))
        nearer = away < first[box]
        second[box] = np.where(nearer, first[box], np.minimum(second[box], away))
        owner[box] = np.where(nearer, index, owner[box])
        first[box] = np.minimum(first[box], away)
    return owner, (second - first) / 2


def laid(random: Random, motif: Array, sites: Array, owner: Indices, edge: Array) -> Array:
    """Tiles of one colour each, tilted a little every way, bevelled, in dark grout."""
    n = len(owner)
    tints = motif[pixels(sites, n)]
    tints = tints * random.normal(1, 0.13, (len(sites), 1)) + random.normal(0, 0.035, tints.shape)
    gold = random.random(len(sites)) < 0.05
    tints = np.where(gold[:, None], palette("e9bf4a")[0] * random.uniform(0.7, 1.25, (len(sites), 1)), tints)
    stone = 1 + 0.07 * noise(random, n, 60, 3) + 0.06 * noise(random, n, 14, 3)
    inside = np.clip((edge - 0.0017 * n) / 1.2, 0, 1)
    dome = soften(np.clip(edge / (0.006 * n), 0, 1) * inside, 1) * 3.2
    colour = tints.astype(np.float32)[owner] * stone[..., None]
    colour = lit(colour, dome + 0.3 * noise(random, n, 110, 2), 1.0, 0.3)
    grout = GROUT * (1 + 0.35 * noise(random, n, 150, 2))[..., None]
    return grout + (colour - grout) * inside[..., None]
