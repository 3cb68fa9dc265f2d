"""A video through the graph that `stylize` draws for a picture, some frames at once."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from ..media.video_read import reading
from ..media.video_write import writing
from ..runner.graph import Graph, Node
from ..runner.run import Progress, results_kept, run_workflow
from ..transfer.temporal import TemporalWindow

if TYPE_CHECKING:
    from .stylize import Stylization

log = logging.getLogger(__name__)


class Given:
    """Frames from Python, in the place of a picture's file."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "give"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {"frames": ("*",)}}

    def give(self, frames: Tensor) -> tuple[Tensor]:
        return (frames,)


class Taken:
    """Frames to Python, in the place of a picture to save."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "take"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {"images": ("IMAGE",), "taker": ("*",)}}

    def take(self, images: Tensor, taker: Callable[[Tensor], None]) -> tuple[()]:
        taker(images)
        return ()


def stylize_video(
    order: Stylization, graph: Graph, content: str, nodes: Mapping[str, type], on_progress: Progress
) -> Path:
    """Stylize a video by the graph for `order`, whose node `content` loads it; the path of the new one.

    It has the old one's size (H.264: rounded up to even sides), frame rate, times and sound, and stands upright. Frames
    pass in parts, so that memory does not grow with their number, and styles are encoded once; statistics over time
    look back over the cuts between parts. What an interruption leaves can be played, see `VideoFile`.
    """
    nodes = {**nodes, "Given": Given, "Taken": Taken}
    source_path, done = Path(order.content), 0
    results = results_kept(graph, nodes, content)
    results.windows = defaultdict(TemporalWindow)
    try:
        with reading(source_path) as source, writing(order.output, source) as file:
            on_progress(0, source.count, source_path.name)
            # Each style is matched to the colours of one picture.
            for part in source.parts(1 if order.preserve_color == "matching" else None):
                painted: list[Tensor] = []
                through = _through(graph, content, part.frames, painted.append)
                run_workflow(through, nodes, Path(), order.output.parent, results=results)
                file.write(painted[0], part)
                done += len(part.times)
                on_progress(done, max(done, source.count), source_path.name)
    except BaseException:
        if done:
            log.warning("%s holds the first %d frames.", order.output, done)
        raise
    return order.output


def _through(graph: Graph, content: str, frames: Tensor, taker: Callable[[Tensor], None]) -> Graph:
    """The graph with frames in place of the content's file, and where they go in place of the file to save."""
    for node_id, node in graph.nodes.items():
        if node.kind == "SaveImage":
            graph = graph.with_node(node_id, Node("Taken", {"images": node.inputs["images"], "taker": taker}))
    return graph.with_node(content, Node("Given", {"frames": frames}))
