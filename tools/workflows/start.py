"""Everyone's first pictures: one node between a picture, or a video, and its painting."""

from __future__ import annotations

from ...transfer.temporal import SMOOTHED
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


def video(flow: Workflow) -> None:
    """From a video file to a video file, with strokes that stay in place."""
    flow.note(
        "## A video\n"
        "Style Transfer paints the frames, with statistics *smoothed over time*, so that colours are steady; Hold "
        "Still carries the paint along the motion, so that strokes do not crawl.",
        "**Your own video:** connect Load Video to the *video* of Sample Video. A clip has to fit into memory, about "
        "55 MB a frame at 1280 x 720; longer ones go through the command line.",
        "Hold Still needs OpenCV (`pip install opencv-python-headless`); without it the frames stay as they come.",
        "**Try:** another *method*; *stability* 0, to see what it is good for; Painting Style in place of Style "
        "Transfer.",
    )
    with flow.group("Start", BLUE):
        clip, style = flow.add("BrushworkSampleVideo", (1, 1)), flow.sample(2, "Style", "autumn_avenue")
    with flow.group("Frames, painted and held still", OCHRE):
        parts = flow.add("GetVideoComponents", (2, 1), video=clip)
        frames = parts.output("images")
        inputs = {"content": frames, "style": style, "statistics": SMOOTHED}
        painted = flow.add("BrushworkStyleTransfer", (3, 2), "Paint the frames", method="adain", **inputs)
        held = flow.add("BrushworkHoldStill", (4, 1), painted=painted, content=frames)
        whole = {"images": held, "fps": parts.output("fps"), "audio": parts.output("audio")}
        result = flow.add("CreateVideo", (5, 0), **whole)
    flow.save_video((6, 1), result)
