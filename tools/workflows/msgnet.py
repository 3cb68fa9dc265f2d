"""MSG-Net (Zhang & Dana 2017): the workflows of its figures."""

from __future__ import annotations

from ...models.networks.msgnet import LEVEL
from .canvas import BLUE, OCHRE, RED, VIOLET, Box, Canvas
from .parts import SHARE_LABELS, SHARES, decode, encode, network, sample, save, sheet, square, start

NETWORK = "msgnet"
ABOUT_NETWORK = (
    "The network is *msgnet*, Brushwork's own and built in: CoMatch between the encoder of *compact* and a decoder "
    "trained for it, with 16 paintings in many sizes. It paints other styles too, the better the more they look like "
    "paint. For the authors' own network choose *msgnet-21styles*."
)
SIZES = (256, 512, 768)
SAMPLE_SIDE = 640
"""Pixels of the painted samples' sides."""


def basic() -> Canvas:
    """Content and style in, picture out."""
    canvas = Canvas()
    canvas.note(
        "## MSG-Net\n"
        "One network, many styles: CoMatch turns the style's Gram matrix, through a learned matrix, into a linear map "
        "of the content's features (Zhang & Dana 2017, the figure of transferred pictures). The style is a picture, "
        "not a part of the weights.\n\n"
        "**Try:** another Content or Style; a Brush Size node after Style; a Blend by Alpha node before the decoder, "
        "for the paper's interpolation between content and style.\n\n" + ABOUT_NETWORK
    )
    net, content, style = start(canvas, "astronaut", "autumn_avenue", NETWORK)
    with canvas.group("CoMatch", OCHRE):
        own = encode(canvas, (2, 1), net, content, LEVEL, "Encode content")
        image = decode(canvas, (4, 1), net, _matched(canvas, 2, (net, own, style)))
    save(canvas, (5, 1), image, "msgnet")
    return canvas


def brush_size() -> Canvas:
    """One style in three sizes."""
    canvas = Canvas()
    canvas.note(
        "## MSG-Net: brush size\n"
        "The style's size is the size of the brush: the network has seen each painting in sizes from 256 to 768 "
        "pixels, and paints with strokes as large as the style has them (the paper's figure of brush-size control). "
        "The photograph stays as it is.\n\n"
        "**Try:** other scales; another Style.\n\n" + ABOUT_NETWORK
    )
    net, content, style = start(canvas, "coffee", "rose_window", NETWORK)
    with canvas.group("Content", OCHRE):
        cut = square(canvas, (3, -1), content, 400, 80)
        own = encode(canvas, (4, -1), net, cut, LEVEL, "Encode content")
    pictures = []
    with canvas.group("The style, small to large", RED):
        for row, size in enumerate(SIZES):
            scaled = canvas.add(
                "BrushworkBrushSize", (3, row), f"Style of {size} pixels", style=style, scale=size / SAMPLE_SIDE
            )
            target = encode(canvas, (4, row), net, scaled, LEVEL)
            matched = canvas.add("BrushworkCoMatch", (5, row), network=net, content=own, style=target)
            pictures.append(decode(canvas, (6, row), net, matched))
    labels = ["content", *(f"style of {size} pixels" for size in SIZES)]
    save(canvas, (7, 1), sheet(canvas, (7, 0), [cut, *pictures], labels, 2), "msgnet_brush_size")
    return canvas


def interpolation() -> Canvas:
    """From one style to another."""
    canvas = Canvas()
    canvas.note(
        "## MSG-Net: between two styles\n"
        "CoMatch is linear in the style's Gram matrix, so a mixture of two restyled features is what a style halfway "
        "between would give: the paper's interpolation between content and style, here between two styles. Each style "
        "is matched once; each mixture costs one decoding.\n\n"
        "**Try:** other weights (they are scaled to the sum one); a third style in Mix Styles; the content's own "
        "features as one of them.\n\n" + ABOUT_NETWORK
    )
    with canvas.group("Start", BLUE):
        net, content = network(canvas, name=NETWORK), sample(canvas, 1, "Content", "chelsea")
        styles = sample(canvas, 2, "First style", "swirling_night"), sample(canvas, 3, "Second style", "autumn_avenue")
    with canvas.group("Each style by itself", OCHRE):
        cut = square(canvas, (2, 0), content, 300, 75)
        own = encode(canvas, (2, 1), net, cut, LEVEL, "Encode content")
        one, other = (_matched(canvas, 2 + row, (net, own, style)) for row, style in enumerate(styles))
    pictures = []
    with canvas.group("From the first to the second", VIOLET):
        for index, (first, second) in enumerate(SHARES):
            column, row = 4 + 2 * (index // 3), index % 3
            mixed = canvas.add(
                "BrushworkMixStyles", (column, row), features_1=one, features_2=other, weight_1=first, weight_2=second
            )
            pictures.append(decode(canvas, (column + 1, row), net, mixed))
    result = sheet(canvas, (8, 0), [cut, *pictures], ["content", *SHARE_LABELS], 3)
    save(canvas, (8, 1), result, "msgnet_interpolation")
    return canvas


def _matched(canvas: Canvas, row: int, sources: tuple[Box, Box, Box]) -> Box:
    """The content's features in a style, from the network, those features and the style's picture."""
    net, own, style = sources
    target = encode(canvas, (2, row), net, style, LEVEL, "Encode style")
    return canvas.add("BrushworkCoMatch", (3, row), network=net, content=own, style=target)
