"""What every painter uses: noise, ramps of colour, light on relief, and the way from a float canvas to a picture.

Fields are `[n, n]`, colours `[n, n, 3]` in 0..1, lengths are fractions of the side unless said otherwise. Noise is
drawn on a grid that does not depend on `n`, so that a small picture is the large one seen from afar.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.floating]
Indices = NDArray[np.integer]
Random = np.random.Generator

OVERSAMPLING = 2


def palette(*hexes: str) -> Array:
    """Colours `[len(hexes), 3]` in 0..1 from hexadecimal RGB such as `1b3a8f`."""
    return np.array([[int(h[i : i + 2], 16) for i in (0, 2, 4)] for h in hexes], dtype=np.float32) / 255


def grid(n: int) -> tuple[Array, Array]:
    """Coordinates x and y of the pixel centres, each `[n, n]` in 0..1."""
    y, x = np.mgrid[:n, :n].astype(np.float32)
    return (x + 0.5) / n, (y + 0.5) / n


def enlarge(field: Array, width: int, height: int) -> Array:
    """A field resampled to `[height, width]` by bicubic interpolation."""
    return np.asarray(Image.fromarray(field.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))


def noise(random: Random, n: int, cells: int, octaves: int = 4, stretch: int = 1) -> Array:
    """Fractal noise of mean 0 and deviation 1; `cells` grains across the side, `stretch` times as many down it."""
    total = np.zeros((n, n), dtype=np.float32)
    for octave in range(octaves):
        across = cells << octave
        grains = random.standard_normal((across * stretch, across), dtype=np.float32)
        if across <= n:
            total += enlarge(grains, n, n) / (1 << octave)
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def soften(field: Array, radius: float) -> Array:
    """Blur `[n, n]` by three box filters, close to a Gaussian of `radius` pixels; edges are repeated."""
    width = max(1, round(radius * 2)) | 1
    for axis in (0, 1) * 3 if width > 1 else ():
        ends = [(width // 2 + 1, width // 2) if a == axis else (0, 0) for a in (0, 1)]
        sums = np.cumsum(np.pad(field, ends, mode="edge"), axis=axis, dtype=np.float64)
        sums = np.moveaxis(sums, axis, 0)
        field = np.moveaxis((sums[width:] - sums[:-width]) / width, 0, axis).astype(np.float32)
    return field


def along(field: Array) -> Array:
    """The angle of the field's level lines `[n, n]`, in radians."""
    down, right = np.gradient(field)
    return np.arctan2(right, -down).astype(np.float32)


def pixels(places: Array, n: int) -> tuple[Indices, Indices]:
    """Row and column indices of `places` `[..., 2]` (x, y in pixels), held inside the canvas."""
    inside = np.clip(places.astype(int), 0, n - 1)
    return inside[..., 1], inside[..., 0]


def ramp(t: Array, colours: Array) -> Array:
    """Colour `[..., 3]` at t in 0..1 along evenly spaced `colours`."""
    stops = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(t, stops, channel) for channel in colours.T], axis=-1).astype(np.float32)


def step(t: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger."""
    t = np.clip((t - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def over(below: Array, above: Array, cover: Array) -> Array:
    """`above`, `[n, n, 3]` or one colour `[3]`, laid on `below` where `cover` `[n, n]` is 1."""
    return below + (above - below) * cover[..., None]


def lit(colour: Array, relief: Array, strength: float = 1.0, gloss: float = 0.3) -> Array:
    """Colour under a lamp at the upper left: slopes of `relief` (in pixels) brighten or darken, steep ones glint."""
    down, right = np.gradient(relief)
    slope = np.tanh(strength * (down + right))[..., None]
    return colour * (1 + np.where(slope < 0, 0.5, 0.2) * slope) + gloss * np.maximum(slope, 0) ** 3


def finish(colour: Array, side: int) -> Image.Image:
    """The canvas as an RGB picture of `side` pixels."""
    pixels = Image.fromarray(np.rint(np.clip(colour, 0, 1) * 255).astype(np.uint8))
    return pixels.resize((side, side), Image.Resampling.LANCZOS)
