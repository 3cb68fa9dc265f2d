"""Draw the small pictures that the page shows where one chooses: `python -m brushwork.tools.thumbnails`."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..models.networks.stylebank import LEVEL
from ..models.weights.manifest import read_manifest
from ..runner.core_nodes import all_nodes
from ..runner.formats import parse_workflow
from ..runner.graph import Graph
from ..runner.run import run_workflow
from ..samples import sample_names, sample_path
from .workflows.canvas import Canvas
from .workflows.page import to_page
from .workflows.parts import decode, encode, network, sample, save, square
from .workflows.stylebank import NETWORK

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = Path(__file__).parents[1] / "web" / "thumbs"
SIDE, QUALITY = 128, 72
SAMPLES, STYLES = "samples", "styles"


def thumbnail_path(shelf: str, name: str, folder: Path = FOLDER) -> Path:
    """Where the page looks for the picture of a sample or of a style."""
    return folder / shelf / f"{name.replace(' ', '_')}.jpg"


def bank_styles() -> list[str]:
    """The styles of the built-in bank."""
    return list(read_manifest().networks[NETWORK].styles)


def write_thumbnails(folder: Path = FOLDER) -> None:
    """All pictures, and the list of those there are, so that the page asks for no other."""
    from PIL import Image

    for name in sample_names():
        _write(Image.open(sample_path(name)), thumbnail_path(SAMPLES, name, folder))
    for name in bank_styles():
        _write(_painted(name), thumbnail_path(STYLES, name, folder))
    known = {SAMPLES: list(sample_names()), STYLES: bank_styles()}
    (folder / "index.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _painted(style: str) -> Image:
    """One photograph, the same for all, in a style of the bank."""
    from PIL import Image

    with TemporaryDirectory() as folder:
        picture = Image.open(run_workflow(_in_style(style), all_nodes(), FOLDER, Path(folder))[0])
        picture.load()
    return picture


def _in_style(style: str) -> Graph:
    canvas = Canvas()
    bank, content = network(canvas, name=NETWORK), sample(canvas, 1, "Content", "chelsea")
    own = encode(canvas, (2, 1), bank, square(canvas, (2, 0), content, 300, 75), LEVEL)
    inputs = {"network": bank, "features": own, "style": style}
    save(
        canvas, (5, 1), decode(canvas, (4, 1), bank, canvas.add("BrushworkStyleBankFilter", (3, 1), **inputs)), "thumb"
    )
    return parse_workflow(to_page(canvas, "thumb"), all_nodes())


def _write(picture: Image, path: Path) -> None:
    from PIL import ImageOps

    path.parent.mkdir(parents=True, exist_ok=True)
    ImageOps.fit(picture.convert("RGB"), (SIDE, SIDE)).save(path, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    write_thumbnails()
