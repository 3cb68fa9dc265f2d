"""The small pictures that ComfyUI's page shows where one chooses a sample or a style of the bank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..models.networks.stylebank import LEVEL
from ..models.weights.manifest import read_manifest
from ..samples import sample_names, sample_path
from .previews import painted
from .workflows.parts import Workflow
from .workflows.stylebank import NETWORK

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = Path(__file__).parents[1] / "web" / "thumbs"
SIDE = 128
SAMPLES, STYLES = "samples", "styles"


def thumbnail_names() -> dict[str, list[str]]:
    """All samples, and the styles of the built-in bank: what `index.json` lists, so that the page asks for no other."""
    return {SAMPLES: list(sample_names()), STYLES: list(read_manifest().networks[NETWORK].styles)}


def thumbnail_path(folder: str, name: str) -> Path:
    """Where the page looks for the picture of a sample or of a style."""
    return FOLDER / folder / f"{name.replace(' ', '_')}.jpg"


def thumbnail(folder: str, name: str) -> Image:
    """The middle of a sample, or of one photograph, the same for all, in a style of the bank."""
    from PIL import Image, ImageOps

    if folder == SAMPLES:
        picture = Image.open(sample_path(name)).convert("RGB")
    else:
        flow = Workflow("thumb")
        bank, content = flow.network(name=NETWORK), flow.sample(1, "Content", "chelsea")
        own = flow.encode((2, 1), bank, flow.square((2, 0), content, 300, 75), LEVEL)
        flow.save((5, 1), flow.decode((4, 1), flow.bank_style((3, 1), own, name)))
        picture = painted(flow.graph())
    return ImageOps.fit(picture, (SIDE, SIDE))
