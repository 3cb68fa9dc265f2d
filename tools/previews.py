"""Workflows run to their pictures; the template browser shows a square one for each."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..media.sheet import PAPER
from ..runner.core_nodes import all_nodes
from ..runner.graph import Graph, Link, Node
from ..runner.run import run_workflow
from .workflows import FOLDER, draw_workflow

if TYPE_CHECKING:
    from PIL.Image import Image

SQUARE = (512, 512)
NOISE, SHEET, SAVE = "noise", "sheet", "save"
"""Ids of the nodes that stand for the rest of a workflow with diffusion."""
REST = "the rest is diffusion"


def runs_here(graph: Graph) -> bool:
    """Whether all its nodes are at hand without ComfyUI."""
    return all(node.kind in all_nodes() for node in graph.nodes.values())


def without_diffusion(graph: Graph) -> Graph:
    """A graph that shows, side by side, every picture that needs no other nodes; and noise, for what is made of it."""
    needed = {key: Graph({source: graph.nodes[source] for source in graph.order([key])}) for key in graph.nodes}
    here = {key: node for key, node in graph.nodes.items() if runs_here(needed[key])}
    pictures = [key for key, node in here.items() if getattr(all_nodes()[node.kind], "RETURN_TYPES", ()) == ("IMAGE",)]
    sheet: dict[str, Any] = {f"image_{slot}": Link(key, 0) for slot, key in enumerate([*pictures, NOISE], 1)}
    sheet |= {"labels": "\n".join([*(here[key].title for key in pictures), REST]), "columns": 2, "side": 448}
    ends = {
        NOISE: Node("BrushworkTextureNoise", {"width": 448, "height": 448, "seed": 7}),
        SHEET: Node("BrushworkContactSheet", sheet),
        SAVE: Node("SaveImage", {"images": Link(SHEET, 0), "filename_prefix": SAVE}),
    }
    return Graph(here | ends)


def painted(graph: Graph) -> Image:
    """The one picture that a graph saves."""
    from PIL import Image

    with TemporaryDirectory() as folder:
        (file,) = run_workflow(graph, all_nodes(), FOLDER, Path(folder))
        return Image.open(file).convert("RGB")


def preview(name: str) -> Image:
    """A workflow's picture as a square: the whole of a contact sheet, else the middle.

    Of a workflow that runs in ComfyUI only it is what there is to see before diffusion.
    """
    from PIL import ImageOps

    graph = draw_workflow(name).graph()
    graph = graph if runs_here(graph) else without_diffusion(graph)
    if any(node.kind == "BrushworkContactSheet" for node in graph.nodes.values()):
        return ImageOps.pad(painted(graph), SQUARE, color=(round(PAPER * 255),) * 3)
    return ImageOps.fit(painted(graph), SQUARE)
