"""Write every workflow file and, by running it, the square picture that the template browser shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ..media.sheet import PAPER
from ..runner.core_nodes import all_nodes, all_titles
from ..runner.formats import parse_workflow
from ..runner.run import run_workflow
from .workflows import adain, diffusion, large, mixed, msgnet, stylebank, wct
from .workflows.canvas import Canvas
from .workflows.ingredients import ingredients, runs_here
from .workflows.page import to_page

FOLDER = Path(__file__).parents[1] / "workflows"
SQUARE, QUALITY = (512, 512), 80
WORKFLOWS: dict[str, Callable[[], Canvas]] = {
    "adain": adain.basic,
    "adain_alpha_sweep": adain.alpha_sweep,
    "adain_four_styles": adain.four_styles,
    "adain_regions": adain.regions,
    "adain_colors": adain.colours,
    "wct": wct.basic,
    "wct_levels": wct.per_level,
    "wct_two_styles": wct.two_styles,
    "wct_texture": wct.texture,
    "wct_texture_mix": wct.texture_mix,
    "msgnet": msgnet.basic,
    "msgnet_brush_size": msgnet.brush_size,
    "msgnet_interpolation": msgnet.interpolation,
    "stylebank": stylebank.basic,
    "stylebank_fusion": stylebank.fusion,
    "stylebank_regions": stylebank.regions,
    "stylebank_learn": stylebank.learn,
    "mixed": mixed.pipeline,
    "stylize_large": large.stylize,
    "diffusion_refine": diffusion.refine,
    "diffusion_restyle": diffusion.restyle,
    "diffusion_align": diffusion.align,
}


def page_text(name: str) -> str:
    """The workflow's file."""
    return json.dumps(to_page(WORKFLOWS[name](), name), indent=1, ensure_ascii=False) + "\n"


def thumbnail(name: str, target: Path) -> None:
    """Run a workflow and save its picture as a square JPEG: the whole of a contact sheet, else the middle.

    Of a workflow that runs in ComfyUI only it is what there is to see before diffusion.
    """
    from PIL import Image, ImageOps

    graph = parse_workflow(json.loads(page_text(name)), all_nodes(), all_titles(), name)
    graph = graph if runs_here(graph) else ingredients(graph)
    with TemporaryDirectory() as folder:
        picture = Image.open(run_workflow(graph, all_nodes(), FOLDER, Path(folder))[0]).convert("RGB")
    if any(node.kind == "BrushworkContactSheet" for node in graph.nodes.values()):
        square = ImageOps.pad(picture, SQUARE, color=(round(PAPER * 255),) * 3)
    else:
        square = ImageOps.fit(picture, SQUARE)
    square.save(target, quality=QUALITY, optimize=True)


def main() -> None:
    """All files, in this folder."""
    for name in WORKFLOWS:
        (FOLDER / f"{name}.json").write_text(page_text(name), encoding="utf-8")
        thumbnail(name, FOLDER / f"{name}.jpg")


if __name__ == "__main__":
    main()
