"""Draw up a graph in Python, node by node."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..transfer.texture import scale_strokes
from .graph import Graph, Link, Node
from .sockets import sockets


class Draft:
    """Nodes added so far; input fields that are not given have the defaults that the page would start with."""

    def __init__(self, nodes: Mapping[str, type], titles: Mapping[str, str]) -> None:
        self.nodes = nodes
        self.titles = titles
        self.drawn: dict[str, Node] = {}

    def add(self, kind: str, **inputs: Any) -> Link:  # noqa: ANN401 - constants of any type, and links
        """Add a node; the link to its first output."""
        fields = [socket for socket in sockets(self.nodes[kind]).values() if socket.widget and socket.required]
        node_id = str(len(self.drawn) + 1)
        defaults = {field.name: field.default for field in fields}
        self.drawn[node_id] = Node(kind, {**defaults, **inputs}, self.titles.get(kind, ""))
        return Link(node_id, 0)

    @property
    def graph(self) -> Graph:
        return Graph(dict(self.drawn))


class LongerSide:
    """Scale pictures to a longer side; with `shrink` never up."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "scale"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        side = ("INT", {"default": 512, "min": 1, "max": 65536})
        return {"required": {"image": ("IMAGE",), "side": side, "shrink": ("BOOLEAN", {"default": False})}}

    def scale(self, image: Any, side: int, shrink: bool) -> tuple[Any]:  # noqa: ANN401 - [B, H, W, 3]
        factor = side / max(image.shape[1:3])
        if factor == 1 or (shrink and factor > 1):
            return (image,)
        return (scale_strokes(image.movedim(-1, 1), factor).movedim(1, -1),)


def picture(draft: Draft, name: str, samples: tuple[str, ...]) -> Link:
    """A picture by its path, or by the name of a sample."""
    if not Path(name).exists() and name in samples:
        return draft.add("BrushworkSamplePicture", name=name)
    if not Path(name).exists():
        raise FileNotFoundError(f"there is no picture {name}; the samples are {', '.join(samples)}")
    return draft.add("LoadImage", image=Path(name))
