"""What many of the workflows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .canvas import BLUE, GREEN, TALL, Box, Canvas

NETWORK = "small16x"
ABOUT_NETWORK = (
    "The network is the 16 times smaller VGG-19 of Collaborative-Distillation; its weights are fetched once, "
    "ten megabytes, and verified. (AdaIN's decoder for it is Brushwork's own.)"
)


def network(canvas: Canvas, cell: tuple[int, int] = (1, 0)) -> Box:
    return canvas.add("BrushworkLoadStyleNetwork", cell, name=NETWORK)


def sample(canvas: Canvas, row: int, title: str, name: str) -> Box:
    """A sample picture in the first column of nodes."""
    return canvas.add("BrushworkSamplePicture", (1, row), title, name=name)


def start(canvas: Canvas, content: str, style: str) -> tuple[Box, Box, Box]:
    """The network, one content and one style."""
    with canvas.group("Start", BLUE):
        return network(canvas), sample(canvas, 1, "Content", content), sample(canvas, 2, "Style", style)


def square(canvas: Canvas, cell: tuple[int, int], image: Box, side: int, left: int) -> Box:
    """The part of a wide picture that a contact sheet shows best."""
    return canvas.add("ImageCrop", cell, "Square", image=image, width=side, height=side, x=left)


def encode(canvas: Canvas, cell: tuple[int, int], network: Box, image: Box, level: int, title: str = "") -> Box:
    return canvas.add("BrushworkStyleEncoder", cell, title, network=network, image=image, level=f"relu{level}_1")


def decode(canvas: Canvas, cell: tuple[int, int], network: Box, features: Box, title: str = "") -> Box:
    return canvas.add("BrushworkStyleDecoder", cell, title, network=network, features=features)


def sheet(canvas: Canvas, cell: tuple[int, int], images: Sequence[Box], labels: Sequence[str], columns: int) -> Box:
    """All results on one picture, in order."""
    slots: dict[str, Any] = {f"image_{index + 1}": image for index, image in enumerate(images)}
    side = 960 // columns
    return canvas.add(
        "BrushworkContactSheet", cell, rows=TALL, labels="\n".join(labels), columns=columns, side=side, **slots
    )


def save(canvas: Canvas, cell: tuple[int, int], image: Box, name: str) -> None:
    """Where every workflow ends."""
    with canvas.group("Result", GREEN):
        canvas.add("SaveImage", cell, "Result", rows=TALL, images=image, filename_prefix=f"brushwork/{name}")
