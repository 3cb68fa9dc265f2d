"""What can be seen of a workflow that runs in ComfyUI only."""

from __future__ import annotations

from typing import Any

from ...runner.core_nodes import all_nodes
from ...runner.graph import Graph, Link, Node

DIFFUSION = "noise", Node("BrushworkTextureNoise", {"width": 448, "height": 448, "seed": 7})
CAPTION = "the rest is diffusion"
SHEET, SAVE = "sheet", "save"


def runs_here(graph: Graph) -> bool:
    """Whether all its nodes are at hand without ComfyUI."""
    return all(node.kind in all_nodes() for node in graph.nodes.values())


def ingredients(graph: Graph) -> Graph:
    """A graph that shows, side by side, every picture that needs no other nodes; and noise, for what is made of it."""
    here = {node_id: node for node_id, node in graph.nodes.items() if runs_here(_needed(graph, node_id))}
    pictures = [node_id for node_id in here if all_nodes()[here[node_id].kind].RETURN_TYPES == ("IMAGE",)]  # pyright: ignore[reportAttributeAccessIssue]
    labels = [here[node_id].title for node_id in pictures]
    sheet: dict[str, Any] = {"labels": "\n".join([*labels, CAPTION]), "columns": 2, "side": 448}
    slots = {f"image_{index + 1}": Link(node_id, 0) for index, node_id in enumerate([*pictures, DIFFUSION[0]])}
    save = {"images": Link(SHEET, 0), "filename_prefix": SAVE}
    ends = {SHEET: Node("BrushworkContactSheet", sheet | slots), SAVE: Node("SaveImage", save)}
    return Graph({**here, DIFFUSION[0]: DIFFUSION[1], **ends})


def _needed(graph: Graph, node_id: str) -> Graph:
    return Graph({source: graph.nodes[source] for source in graph.order([node_id])})
