"""A few small pictures that demos and workflows start from; `LICENSES.md` says whose they are."""

from pathlib import Path

import torch
from torch import Tensor

CONTENT: tuple[str, ...] = ("astronaut", "chelsea", "coffee", "rocket")
STYLES: tuple[str, ...] = (
    "swirling_night",
    "autumn_avenue",
    "rose_window",
    "paper_leaves",
    "ink_mountains",
    "sea_mosaic",
    "dotted_river",
    "hubble",
    "tissue",
)


def sample_names() -> tuple[str, ...]:
    """All names: photographs, then styles."""
    return CONTENT + STYLES


def sample_path(name: str) -> Path:
    """The JPEG file of a sample; ValueError names the choices where there is none of that name."""
    if name not in sample_names():
        raise ValueError(f"there is no sample picture named {name!r}: choose one of {', '.join(sample_names())}.")
    return Path(__file__).parent / f"{name}.jpg"


def load_sample(name: str) -> Tensor:
    """A sample as image [1, 3, H, W], float32 in 0..1, on the CPU."""
    import numpy as np
    from PIL import Image

    with Image.open(sample_path(name)) as picture:
        pixels = torch.from_numpy(np.array(picture.convert("RGB")))  # [H, W, 3]
    return pixels.permute(2, 0, 1)[None].contiguous().float() / 255
