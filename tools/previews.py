"""Workflows run to their pictures; the template browser shows a square one for each."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..media.sheet import PAPER
from ..runner.core_nodes import all_nodes
from ..runner.graph import Graph, Link, Node
from ..runner.run import run_workflow
from . import clip
from .workflows import FOLDER, draw_workflow

if TYPE_CHECKING:
    from PIL.Image import Image

SQUARE = (512, 512)
NOISE, SHEET, SAVE, FRAMES = "noise", "sheet", "save", "frames"
"""Ids of the nodes that stand for the rest of a workflow with diffusion or a video."""
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


def without_video(graph: Graph) -> Graph:
    """A graph with two frames of the sample clip in the place of its videos, beside what is painted of them."""
    (source,) = (key for key, node in graph.nodes.items() if node.kind == "GetVideoComponents")
    (end,) = (node for node in graph.nodes.values() if node.kind == "CreateVideo")
    kept = {key: node for key, node in graph.nodes.items() if node.kind in all_nodes()}
    sheet = {"image_1": Link(source, 0), "image_2": end.inputs["images"], "labels": "", "columns": 2, "side": 448}
    ends = {
        source: Node(FRAMES, {}),
        SHEET: Node("BrushworkContactSheet", sheet),
        SAVE: Node("SaveImage", {"images": Link(SHEET, 0), "filename_prefix": SAVE}),
    }
    return Graph({key: node for key, node in (kept | ends).items() if node.kind != "BrushworkSampleVideo"})


class Frames:
    """The node that has two frames of the sample clip."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {}}

    def run(self) -> tuple[torch.Tensor]:
        shown = np.stack([clip.frame(number) for number in (0, clip.FRAMES - 1)])
        return (torch.from_numpy(shown).float() / 255,)


def painted(graph: Graph) -> Image:
    """The one picture that a graph saves."""
    from PIL import Image

    with TemporaryDirectory() as folder:
        (file,) = run_workflow(graph, all_nodes() | {FRAMES: Frames}, FOLDER, Path(folder))
        return Image.open(file).convert("RGB")


def preview(name: str) -> Image:
    """A workflow's picture as a square: the whole of a contact sheet, else the middle.

    Of a workflow that runs in ComfyUI only it is what there is to see before diffusion, or two frames of its video.
    """
    from PIL import ImageOps

    graph = draw_workflow(name).graph()
    if not runs_here(graph):
        videos = any(node.kind == "GetVideoComponents" for node in graph.nodes.values())
        graph = without_video(graph) if videos else without_diffusion(graph)
    if any(node.kind == "BrushworkContactSheet" for node in graph.nodes.values()):
        return ImageOps.pad(painted(graph), SQUARE, color=(round(PAPER * 255),) * 3)
    return ImageOps.fit(painted(graph), SQUARE)
