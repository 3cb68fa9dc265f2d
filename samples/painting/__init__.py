"""The painters: one function a picture, from a random generator and a canvas size to colours."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from .autumn import autumn
from .canvas import OVERSAMPLING, Array, Random, finish
from .cutouts import cutouts
from .dots import dots
from .glass import glass
from .ink import ink
from .mosaic import mosaic
from .night import night

PAINTERS: dict[str, Callable[[Random, int], Array]] = {
    "swirling_night": night,
    "autumn_avenue": autumn,
    "rose_window": glass,
    "paper_leaves": cutouts,
    "ink_mountains": ink,
    "sea_mosaic": mosaic,
    "dotted_river": dots,
}
SIDE = 640
SEED = 7


def paint(name: str, side: int = SIDE, seed: int = SEED) -> Image.Image:
    """Draw the picture `name` of `PAINTERS` as RGB, `side` pixels square; the same seed gives the same picture."""
    return finish(PAINTERS[name](np.random.default_rng(seed), OVERSAMPLING * side), side)
