"""Small graphs to queue, node by node."""

from brushwork.runner.graph import Graph, Link, Node

NETWORK = {"network": Node("BrushworkLoadStyleNetwork", {"name": "compact", "precision": "float32"})}
CONTENT = {"content": Node("BrushworkSamplePicture", {"name": "chelsea"})}
STYLE = {"style": Node("BrushworkSamplePicture", {"name": "sea_mosaic"})}


def saved(*sources: str, **nodes: Node) -> Graph:
    """A graph that saves the first output of some nodes, in their order."""
    return Graph({**nodes, **{f"save {k} {source}": save(source) for k, source in enumerate(sources)}})


def save(source: str) -> Node:
    return Node("SaveImage", {"images": Link(source, 0), "filename_prefix": "test"})


def scaled(source: str, width: int, height: int) -> Node:
    return Node(
        "ImageScale",
        {"image": Link(source, 0), "upscale_method": "bilinear", "width": width, "height": height, "crop": "disabled"},
    )


def small(content: int = 128, style: int = 128) -> dict[str, Node]:
    """The network, and the pictures `content` and `style` that many pixels wide, by way of core's ImageScale."""
    return {
        **NETWORK,
        **{"large content": CONTENT["content"], "content": scaled("large content", content, content * 3 // 4)},
        **{"large style": STYLE["style"], "style": scaled("large style", style, style)},
    }


def encode(image: str, level: str = "relu4_1") -> Node:
    return Node("BrushworkStyleEncoder", {"network": Link("network", 0), "image": Link(image, 0), "level": level})


def adain(content: str = "content", alpha: float = 1.0, **options: object) -> dict[str, Node]:
    """AdaIN from `content` and "style" to "picture"."""
    inputs = {"content": Link("own", 0), "style": Link("target", 0), "statistics": "per image"}
    blended = {"content": Link("own", 0), "stylised": Link("adain", 0), "alpha": alpha}
    decoded = {"network": Link("network", 0), "features": Link("blend", 0), "trained_for": "adain"}
    return {
        "own": encode(content),
        "target": encode("style"),
        "adain": Node("BrushworkAdaIN", {**inputs, **options}),
        "blend": Node("BrushworkBlendByAlpha", blended),
        "picture": Node("BrushworkStyleDecoder", decoded),
    }
