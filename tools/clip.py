"""The sample clip, drawn in numbers: a boat crosses a bay at evening while the view pans along.

Everything in it moves in another way, as in a real shot: far hills slower than near ones, waves that never hold still,
a boat before them, birds, clouds.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

WIDTH, HEIGHT, FRAMES, RATE = 512, 288, 48, 16
HORIZON, SUN = 150, (150, 112)
"""Rows from the top; the sun's column and row in the first frame."""
PAN = 1.5
"""Pixels a frame, of what is near."""


def fractal(seed: int, height: int, width: int, cells: int, octaves: int = 5) -> Array:
    """Noise [height, width] of deviation about one, each octave of half the size and half the strength."""
    draw, total = np.random.default_rng(seed), np.zeros((height, width))
    for octave in range(octaves):
        step = max(2.0, cells / 2**octave)
        grid = draw.standard_normal((int(height / step) + 3, int(width / step) + 3))
        rows, columns = np.arange(height) / step, np.arange(width) / step
        top, left = rows.astype(int), columns.astype(int)
        down, right = ((3 - 2 * part) * part * part for part in (rows - top, columns - left))
        above, below = (grid[line][:, left] * (1 - right) + grid[line][:, left + 1] * right for line in (top, top + 1))
        total += (above * (1 - down[:, None]) + below * down[:, None]) / 2**octave
    return total


def shifted(layer: Array, shift: float) -> Array:
    """The part of a wide layer [h, w, ...] that begins `shift` pixels from its left."""
    whole, part = int(shift), shift - int(shift)
    return layer[:, whole : whole + WIDTH] * (1 - part) + layer[:, whole + 1 : whole + 1 + WIDTH] * part


def mixed(first: Any, second: Any, share: Array) -> Array:  # noqa: ANN401 - colours [3] or pictures [h, w, 3]
    return np.asarray(first, float) * (1 - share[..., None]) + np.asarray(second, float) * share[..., None]


@cache
def layers() -> tuple[Array, ...]:
    """Clouds and ground [h, w], the far and the near ridge [w], all wider than a frame."""
    wide = WIDTH + int(PAN * FRAMES) + 8
    ridges = (fractal(seed, 1, wide, cells, 6)[0] for seed, cells in ((3, 150), (4, 110)))
    return fractal(1, HEIGHT, wide, 90), fractal(2, HEIGHT, wide, 24), *ridges


def frame(number: int) -> Array:
    """One of the clip's frames [HEIGHT, WIDTH, 3], bytes, RGB."""
    from PIL import Image, ImageDraw

    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    (clouds, ground, far, near), rows = layers(), np.arange(HEIGHT)[:, None]
    time = number / RATE
    sun = np.hypot(x - SUN[0] + 0.1 * number, y - SUN[1])
    cloud = np.clip(shifted(clouds, 0.55 * number + 2) * 0.55 + 0.15, 0, 1) * np.clip(1.2 - y / HORIZON, 0.2, 1)
    sky = mixed((38, 66, 128), (250, 176, 98), np.clip(y / HORIZON, 0, 1) ** 1.6)
    sky = mixed(sky, (255, 226, 150), np.exp(-sun / 70) * 0.9)
    sky = mixed(sky, mixed((232, 140, 128), (255, 240, 214), np.exp(-sun / 90)), cloud * 0.8)
    sky = mixed(sky, (255, 250, 222), np.clip(19 - sun, 0, 1))
    # Two ranges of hills, the near one with meadows and woods.
    ridge = HORIZON - 26 - 15 * shifted(far[None], 0.25 * number)[0]
    picture = mixed(sky, mixed((92, 92, 138), (150, 116, 140), np.clip((y - 90) / 60, 0, 1)), np.clip(y - ridge, 0, 1))
    ridge = HORIZON - 8 - 11 * shifted(near[None], 0.6 * number)[0] - 22 * np.clip((x + 0.6 * number - 300) / 260, 0, 1)
    meadow = np.clip(0.5 + 0.6 * shifted(ground, 0.6 * number), 0, 1)
    picture = mixed(picture, mixed((34, 62, 46), (138, 132, 62), meadow), np.clip(y - ridge, 0, 1))
    # Water: waves that get longer towards the front, the sky upside down in them, and the sun's road.
    depth = np.clip((rows - HORIZON) / (HEIGHT - HORIZON), 0.004, 1)
    along, away = (x + PAN * number * depth) / (6 + 46 * depth), 26 * np.log(depth + 0.05)
    waves = np.sin(away * 1.9 + 3.1 * time + 1.3 * np.sin(along)) + np.sin(away * 2.7 - 2.2 * time + along * 1.7)
    waves = waves + 0.8 * np.sin(along * 2.9 - away * 1.1 + 2.6 * time)
    light = np.clip(0.45 + 0.24 * waves, 0, 1)
    water = mixed((20, 50, 92), (214, 152, 122), light * (1 - 0.55 * depth))
    road = np.exp(-(((x - SUN[0] + 0.1 * number) / (16 + 60 * depth)) ** 2)) * np.clip(waves - 0.2, 0, 1)
    water = mixed(water, (255, 226, 150), road * 0.85)
    picture = np.where(y[..., None] >= HORIZON, water, picture)
    # The boat and the birds are drawn four times as large.
    below = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    large = below.resize((4 * WIDTH, 4 * HEIGHT), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(large)
    middle, keel, lean = 130 + 3.6 * number, 214 + 2.2 * np.sin(2.4 * time), 0.07 * np.sin(1.9 * time) + 0.06

    def at(right: float, up: float) -> tuple[float, float]:
        return 4 * (middle + right + lean * up), 4 * (keel - up + lean * right)

    for row in range(14):  # its reflection, broken by the waves
        half, sway = 40 - 2.2 * row, 5 * np.sin(row * 1.7 + 5 * time)
        tone = (196, 176, 150) if row % 2 else (70, 44, 46)
        pen.line([at(sway - half * 0.6, -7 - 3 * row), at(sway + half * 0.6, -7 - 3 * row)], tone, 6)
    pen.polygon([at(-44, 9), at(48, 10), at(34, -7), at(-32, -7)], (122, 44, 38))
    pen.polygon([at(-44, 9), at(48, 10), at(46, 6), at(-42, 5)], (236, 214, 176))
    pen.line([at(0, 8), at(0, 104)], (58, 38, 30), 9)
    pen.polygon([at(3, 102), at(3, 15), at(46, 16), at(30, 58)], (250, 238, 212))
    pen.polygon([at(-3, 94), at(-3, 15), at(-34, 15)], (222, 96, 60))
    pen.line([at(3, 40), at(38, 40)], (214, 186, 150), 5)
    pen.line([at(3, 66), at(26, 66)], (214, 186, 150), 5)
    for bird in range(5):
        left = 392 - 1.1 * number + 22 * bird - 6 * (bird % 2)
        top = 48 + 9 * abs(bird - 2) + 3 * np.sin(2 * time + bird)
        wing = 3.2 * np.sin(9 * time + 1.7 * bird)
        joints = [(left - 8, top - wing - 1), (left, top + 1), (left + 8, top - wing - 1)]
        pen.line([(4 * right, 4 * down) for right, down in joints], (44, 40, 62), 7, joint="curve")
    return np.asarray(large.resize((WIDTH, HEIGHT), Image.Resampling.BOX))


def draw_clip(path: Path) -> None:
    """Write the clip as H.264 in MP4."""
    import av

    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("libx264", rate=Fraction(RATE), options={"crf": "24", "preset": "veryslow"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame(number), "rgb24")))
        file.mux(stream.encode())
