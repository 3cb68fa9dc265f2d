"""Everyone's first picture: one node between a picture and its painting."""

from __future__ import annotations

from .page import BLUE, OCHRE
from .parts import Workflow


def style_transfer(flow: Workflow) -> None:
    """Your photograph in your painting."""
    flow.note(
        "## Style Transfer\n"
        "A picture in the style of another, in one node. Connect your own pictures to the samples' *image*, and press "
        "Run. Nothing is downloaded.",
        "**Try:** another *method*; *stroke_size* 2; *keep_colors*: luminance; *size* 0 for a result as large as the "
        "photograph; a mask, white where to paint.",
    )
    with flow.group("Start", BLUE):
        content, style = flow.sample(1, "Content", "astronaut"), flow.sample(2, "Style", "swirling_night")
    with flow.group("Style Transfer", OCHRE):
        image = flow.add("BrushworkStyleTransfer", (2, 1), "In one node", content=content, style=style, method="wct")
    flow.save((3, 1), image)


def painted_style(flow: Workflow) -> None:
    """A style that comes with the pack, by its thumbnail."""
    flow.note(
        "## Painting Style\n"
        "A picture in a style that the StyleBank has learnt: click the thumbnail to choose. Connect your "
        "own picture to the sample's *image*.",
        "**Try:** a *second_style* and its *share*; *strength*; *size*: the smaller, the larger the strokes look; "
        "your own style by Learn Style, which adds it to the list.",
    )
    with flow.group("Start", BLUE):
        content = flow.sample(1, "Content", "coffee")
    with flow.group("Painting Style", OCHRE):
        image = flow.add("BrushworkPaintedStyle", (2, 1), content=content, style="kandinsky composition vii")
    flow.save((3, 1), image)
