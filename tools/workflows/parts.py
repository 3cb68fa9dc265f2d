"""What many of the workflows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .canvas import BLUE, GREEN, Box, Canvas, Outlet

NETWORK = "compact"
ABOUT_NETWORK = (
    "The network is *compact*, Brushwork's own and built in: a small encoder trained to see as VGG-19 does, with a "
    "decoder a level. For the papers' own choose *vgg19* or *vgg19-adain*, which are downloaded once."
)
SHARES = ((1.0, 0.0), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75), (0.0, 1.0))
"""Of two styles, from all of the first to all of the second."""
SHARE_LABELS = [f"{100 * first:g} : {100 * second:g}" for first, second in SHARES]


def network(canvas: Canvas, cell: tuple[int, int] = (1, 0), name: str = NETWORK, title: str = "") -> Box:
    return canvas.add("BrushworkLoadStyleNetwork", cell, title, name=name)


def sample(canvas: Canvas, row: int, title: str, name: str, column: int = 1) -> Box:
    """A sample picture, in the first column of nodes unless told."""
    return canvas.add("BrushworkSamplePicture", (column, row), title, name=name)


def start(canvas: Canvas, content: str, style: str, name: str = NETWORK) -> tuple[Box, Box, Box]:
    """The network, one content and one style."""
    with canvas.group("Start", BLUE):
        loaded = network(canvas, name=name)
        return loaded, sample(canvas, 1, "Content", content), sample(canvas, 2, "Style", style)


def square(canvas: Canvas, cell: tuple[int, int], image: Box, side: int, left: int) -> Box:
    """The part of a wide picture that a contact sheet shows best."""
    return canvas.add("ImageCrop", cell, "Square", image=image, width=side, height=side, x=left)


def encode(canvas: Canvas, cell: tuple[int, int], network: Box, image: Box, level: str, title: str = "") -> Box:
    return canvas.add("BrushworkStyleEncoder", cell, title, network=network, image=image, level=level)


def decode(canvas: Canvas, cell: tuple[int, int], network: Box, features: Box, title: str = "") -> Box:
    return canvas.add("BrushworkStyleDecoder", cell, title, network=network, features=features)


def bright(canvas: Canvas, content: Box, channel: str, value: float) -> Box:
    """A mask, in the third column: what is bright in a channel of the content."""
    level = canvas.add("ImageToMask", (2, 1), image=content, channel=channel)
    return canvas.add("ThresholdMask", (2, 2), mask=level, value=value)


def sheet(
    canvas: Canvas, cell: tuple[int, int], images: Sequence[Box | Outlet], labels: Sequence[str], columns: int
) -> Box:
    """All results on one picture, in order."""
    slots: dict[str, Any] = {f"image_{index + 1}": image for index, image in enumerate(images)}
    side = 960 // columns
    return canvas.add("BrushworkContactSheet", cell, labels="\n".join(labels), columns=columns, side=side, **slots)


def save(canvas: Canvas, cell: tuple[int, int], image: Box, name: str) -> None:
    """Where every workflow ends."""
    with canvas.group("Result", GREEN):
        canvas.add("SaveImage", cell, "Result", images=image, filename_prefix=f"brushwork/{name}")
