"""A few small pictures, and a clip, that demos and workflows start from; `LICENSES.md` says whose they are."""

from pathlib import Path

from torch import Tensor

from ..media.images import read_picture

CONTENT: tuple[str, ...] = ("astronaut", "chelsea", "coffee", "rocket")
PAINTINGS: tuple[str, ...] = (
    "van_gogh_starry_night_over_the_rhone",
    "van_gogh_wheat_field_with_crows",
    "van_gogh_self_portrait",
    "hokusai_red_fuji",
    "hokusai_ejiri",
    "klimt_adele_bloch_bauer",
    "monet_water_lilies",
    "seurat_grande_jatte",
    "turner_rain_steam_and_speed",
    "kandinsky_small_worlds",
    "stained_glass_theodosius",
    "greek_vase",
    "tenniel_caterpillar",
    "potter_staircase",
)
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

CLIP = Path(__file__).with_name("evening_sail.mp4")
"""48 frames of 512 x 288 in three seconds, without sound, drawn by `tools/clip.py`."""


def sample_names() -> tuple[str, ...]:
    """All names: photographs, paintings, then styles that we drew."""
    return CONTENT + PAINTINGS + STYLES


def sample_path(name: str) -> Path:
    """The JPEG file of a sample; ValueError names the choices where there is none of that name."""
    if name not in sample_names():
        raise ValueError(f"there is no sample picture named {name!r}: choose one of {', '.join(sample_names())}.")
    return Path(__file__).parent / f"{name}.jpg"


def load_sample(name: str) -> Tensor:
    """A sample as image [1, 3, H, W], float32 in 0..1, on the CPU."""
    return read_picture(sample_path(name))[0].movedim(-1, 1).contiguous()
