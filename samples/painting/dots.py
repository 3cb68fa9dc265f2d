"""Dots of pure colour, mixed by the eye: poplars, a river and sails at noon."""

import numpy as np
from PIL import Image, ImageDraw

from .brush import scatter
from .canvas import Array, Random, grid, lit, noise, over, palette, pixels, ramp, soften, step

SKY = palette("3f8fd6", "6fb4e6", "a9d6ee", "f4dcb4", "f5b58c", "ee8f86")
GRASS = palette("14532f", "2f8a3a", "74b53c", "c3d048", "f3e05a", "f6b93e")
WATER = palette("123a7a", "1f62b4", "3c93cf", "7cc0dc", "e6d3a0")
TREE = palette("0f2a4a", "16503f", "2d7c38", "7fae38", "e8c83c", "f08a32")
PURE = palette("1f3fb4", "e2371f", "f6c61e", "1f9a4c", "7a2a9a", "f07a1e", "12a0b4", "f7f2e0", "e6529a")


def dots(random: Random, n: int) -> Array:
    """The picture's colours `[n, n, 3]`."""
    motif = landscape(random, n)
    picture, relief = Image.new("RGB", (n, n), (226, 214, 190)), Image.new("L", (n, n), 60)
    for count, radius in ((9000, 0.0085), (15000, 0.0060), (24000, 0.0038)):
        dab(random, picture, relief, motif, count, radius)
    thick = soften(np.asarray(relief, dtype=np.float32), 1.2) / 16
    return lit(np.asarray(picture, dtype=np.float32) / 255, thick, 0.3, 0.15)


def dab(random: Random, picture: Image.Image, relief: Image.Image, motif: Array, count: int, radius: float) -> None:
    """Touch the canvas `count` times with round dabs of about `radius`."""
    n = len(motif)
    places = scatter(random, count, n, None)
    tints = np.clip(divide(random, motif[pixels(places, n)]) * 255, 0, 255).astype(int).tolist()
    sizes = radius * n * random.uniform(0.75, 1.25, (len(places), 2))
    ink, ridge = ImageDraw.Draw(picture), ImageDraw.Draw(relief)
    for (x, y), (across, down), tint in zip(places.tolist(), sizes.tolist(), tints, strict=True):
        ink.ellipse((x - across, y - down, x + across, y + down), fill=tuple(tint))
        ridge.ellipse((x - across, y - down, x + across, y + down), fill=110)
        ridge.ellipse((x - across / 2, y - down / 2, x + across / 2, y + down / 2), fill=170)


def divide(random: Random, colours: Array) -> Array:
    """Split each colour `[s, 3]` into pure ones that average to about it; now and then its complement."""
    pulls = random.dirichlet(np.full(len(PURE), 0.25), len(colours))
    near = np.exp(-6 * np.linalg.norm(colours[:, None] - PURE, axis=-1)) * pulls
    pure = near / near.sum(1, keepdims=True) @ PURE
    colours = colours + 0.5 * (pure - colours) + random.normal(0, 0.06, (len(colours), 1))
    grey = colours.mean(1, keepdims=True)
    vivid = grey + 1.35 * (colours - grey)
    lightness = vivid.mean(1, keepdims=True)
    complement = lightness + 0.9 * (lightness - vivid)
    return np.where(random.random((len(colours), 1)) < 0.09, complement, vivid)


def landscape(random: Random, n: int) -> Array:
    """What the dots stand for."""
    x, y = grid(n)
    colour = ramp(y / 0.5 + 0.07 * noise(random, n, 3, 4), SKY)
    cloud = step(noise(random, n, 3, 5) - 6 * np.abs(y - 0.16), 0.0, 0.9)
    colour = over(colour, palette("fdf3e3")[0], cloud * 0.85)
    hills = y - 0.44 - 0.03 * np.sin(6 * x + 1) - 0.012 * noise(random, n, 6, 3)[:1]
    slopes = ramp(0.1 + 6 * np.clip(hills, 0, 1) + 0.1 * noise(random, n, 8, 3), GRASS)
    colour = over(colour, slopes, step(hills, 0, 0.004))
    colour = river(random, x, y, colour)
    for centre, top, half in ((0.12, 0.08, 0.050), (0.235, 0.17, 0.040), (0.865, 0.12, 0.048), (0.33, 0.27, 0.028)):
        colour = poplar(random, x, y, colour, (centre, top, half))
    shore = y - 0.83 - 0.05 * np.cos(4 * x + 0.6) - 0.01 * noise(random, n, 12, 3)
    meadow = ramp(0.25 + 0.25 * noise(random, n, 9, 4) + 1.6 * np.clip(shore, 0, 1), GRASS)
    return over(colour, meadow, step(shore, 0, 0.005))


def river(random: Random, x: Array, y: Array, colour: Array) -> Array:
    """Water with broken light, and three sails with their reflections."""
    ripple = np.sin(150 * y + 3 * noise(random, len(x), 8, 2)) * 0.12 + 0.1 * noise(random, len(x), 6, 3, stretch=3)
    sheen = 0.22 * np.exp(-(((x - 0.55) / 0.13) ** 2))
    colour = over(colour, ramp(0.75 - 1.4 * (y - 0.53) + ripple + sheen, WATER), step(y, 0.528, 0.532))
    for cx, foot, tall in ((0.46, 0.60, 0.20), (0.68, 0.66, 0.33), (0.57, 0.555, 0.10)):
        for direction, tint in ((-1, "fffdf4"), (1, "f2b673")):
            up = (y - foot) * direction / (tall if direction < 0 else tall * 0.6)
            sail = step(np.abs(x - cx - 0.12 * tall * up) - 0.24 * tall * (1 - up), 0.004, -0.004) * (up > 0) * (up < 1)
            colour = over(colour, palette(tint)[0], sail * (1.0 if direction < 0 else 0.6))
        hull = step(np.hypot((x - cx) / (0.3 * tall), (y - foot - 0.008) / 0.012), 1.1, 0.9)
        colour = over(colour, palette("b3261e")[0], hull)
    return colour


def poplar(random: Random, x: Array, y: Array, colour: Array, shape: tuple[float, float, float]) -> Array:
    """A tall tree lit from the right, its reflection and its blue shadow."""
    centre, top, half = shape
    height = np.clip((y - top) / (0.56 - top), 0, 1)
    width = half * np.sqrt(np.sin(np.pi * np.clip(height * 0.85 + 0.08, 0, 1))) + 0.006 * noise(random, len(x), 16, 3)
    cover = step(np.abs(x - centre) - width, 0.003, -0.003) * (y > top) * (y < 0.56)
    light = 0.38 + 0.4 * (x - centre) / half + 0.16 * noise(random, len(x), 14, 3)
    mirrored = step(np.abs(x - centre) - half * 0.8, 0.01, -0.01) * step(y, 0.555, 0.56) * step(y, 0.82, 0.6) * 0.7
    colour = over(colour, palette("1c4f52")[0], mirrored)
    return over(colour, ramp(light, TREE), cover)
