"""Pictures larger than memory would hold the features of."""

from __future__ import annotations

from typing import Any

from .canvas import BLUE, OCHRE, VIOLET, Canvas
from .parts import ABOUT_NETWORK, network, sample, save

LEVELS = (5, 4, 3, 2, 1)


def stylize() -> Canvas:
    """The whole cascade in one node, tile by tile."""
    canvas = Canvas()
    canvas.note(
        "## Any size, without a seam\n"
        "Stylize Large goes through the picture in tiles: statistics add up over all of them first, then each tile is "
        "mapped by those of the whole picture. So there is no seam, and a hundred megapixels take little more memory "
        "than the picture itself. Here it is WCT's whole cascade, relu5_1 to relu1_1, on a photograph four times "
        "enlarged.\n\n"
        "**Try:** a large photograph of your own (Load Image) in place of Content and Enlarge; *method* adain with "
        "alpha_relu4_1 at 1 and the others at 0; the *scale* of Larger strokes; a second style, with a mask.\n\n"
        + ABOUT_NETWORK
    )
    with canvas.group("Start", BLUE):
        net, content = network(canvas), sample(canvas, 1, "Content", "chelsea")
        style = sample(canvas, 2, "Style", "autumn_avenue")
    with canvas.group("Sizes", VIOLET):
        large = canvas.add("BrushworkBrushSize", (2, 1), "Enlarge", style=content, scale=4.0)
        strokes = canvas.add("BrushworkBrushSize", (2, 2), "Larger strokes", style=style, scale=2.0)
    with canvas.group("Five levels in one node", OCHRE):
        inputs: dict[str, Any] = {f"alpha_relu{level}_1": 0.6 for level in LEVELS}
        inputs |= {"network": net, "content": large, "style_1": strokes, "method": "whitening-colouring"}
        image = canvas.add("BrushworkStylizeLarge", (3, 1), **inputs)
    save(canvas, (4, 1), image, "stylize_large")
    return canvas
