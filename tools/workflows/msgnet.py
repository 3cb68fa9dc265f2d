"""MSG-Net (Zhang & Dana 2017): the workflows of its figures."""

from __future__ import annotations

from typing import Any

from ...models.networks.msgnet import LEVEL
from .page import OCHRE, RED, VIOLET
from .parts import SHARE_LABELS, SHARES, Workflow

NETWORK = "msgnet"
ABOUT_MSGNET = (
    "The network is *msgnet*, Brushwork's own and built in. It paints any style, the better the more it looks like "
    "paint. For the authors' own network choose *msgnet-21styles*."
)
SIZES = (256, 512, 768)
SAMPLE_SIDE = 640
"""Pixels of the painted samples' sides."""


def basic(flow: Workflow) -> None:
    """Content and style in, picture out."""
    flow.note(
        "## MSG-Net\n"
        "One network, many styles: CoMatch turns the style's Gram matrix, through a learned matrix, into a linear map "
        "of the content's features (Zhang & Dana 2017, the figure of transferred pictures). The style is a picture, "
        "not a part of the weights.",
        "**Try:** another Content or Style; a Brush Size node after Style; a Blend by Alpha node before the decoder, "
        "for the paper's interpolation between content and style.",
        ABOUT_MSGNET,
    )
    net, content, style = flow.start("astronaut", "autumn_avenue", network=NETWORK)
    with flow.group("CoMatch", OCHRE):
        own = flow.encode((2, 1), net, content, LEVEL, "Encode content")
        target = flow.encode((2, 2), net, style, LEVEL, "Encode style")
        image = flow.decode((4, 1), flow.comatch((3, 2), own, target))
    flow.save((5, 1), image)


def brush_size(flow: Workflow) -> None:
    """One style in three sizes."""
    flow.note(
        "## MSG-Net: brush size\n"
        "The style's size is the size of the brush: the network has seen each painting in sizes from 256 to 768 "
        "pixels, and paints with strokes as large as the style has them (the paper's figure of brush-size control). "
        "The photograph stays as it is.",
        "**Try:** other scales; another Style.",
        ABOUT_MSGNET,
    )
    net, content, style = flow.start("coffee", "rose_window", network=NETWORK)
    with flow.group("Content", OCHRE):
        cut = flow.square((3, -1), content, 400, 80)
        own = flow.encode((4, -1), net, cut, LEVEL, "Encode content")
    pictures = [cut]
    with flow.group("The style, small to large", RED):
        for row, size in enumerate(SIZES):
            shape = {"title": f"Style of {size} pixels", "scale": size / SAMPLE_SIDE}
            scaled = flow.add("BrushworkBrushSize", (3, row), style=style, **shape)
            target = flow.encode((4, row), net, scaled, LEVEL)
            pictures.append(flow.decode((6, row), flow.comatch((5, row), own, target)))
    labels = ["content", *(f"style of {size} pixels" for size in SIZES)]
    flow.save((7, 1), flow.sheet((7, 0), pictures, labels, 2))


def interpolation(flow: Workflow) -> None:
    """From one style to another."""
    flow.note(
        "## MSG-Net: between two styles\n"
        "CoMatch is linear in the style's Gram matrix, so a mixture of two restyled features is what a style halfway "
        "between would give: the paper's interpolation between content and style, here between two styles. Each style "
        "is matched once; each mixture costs one decoding.",
        "**Try:** other weights (they are scaled to the sum one); a third style in Mix Styles; the content's own "
        "features as one of them.",
        ABOUT_MSGNET,
    )
    net, content, *styles = flow.start("chelsea", "swirling_night", "autumn_avenue", network=NETWORK)
    with flow.group("Each style by itself", OCHRE):
        cut = flow.square((2, 0), content, 300, 75)
        own = flow.encode((2, 1), net, cut, LEVEL, "Encode content")
        matched: dict[str, Any] = {}
        for n, style in enumerate(styles, 1):
            target = flow.encode((2, 1 + n), net, style, LEVEL, "Encode style")
            matched[f"features_{n}"] = flow.comatch((3, 1 + n), own, target)
    pictures = [cut]
    with flow.group("From the first to the second", VIOLET):
        for index, (first, second) in enumerate(SHARES):
            column, row = 4 + index % 3, 2 * (index // 3)
            mixed = flow.add("BrushworkMixStyles", (column, row), **matched, weight_1=first, weight_2=second)
            pictures.append(flow.decode((column + 1, row + 1), mixed, collapsed=True))
    flow.save((8, 1), flow.sheet((8, 0), pictures, ["content", *SHARE_LABELS], 3))
