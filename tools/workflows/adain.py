"""AdaIN (Huang & Belongie 2017): the workflows of its figures."""

from __future__ import annotations

from itertools import product
from typing import Any

from ...models.networks.vgg import ADAIN_LEVEL
from .page import BLUE, OCHRE, RED, VIOLET, Cell, Node
from .parts import ABOUT_COMPACT_ADAIN, Workflow

NETWORK = "compact-adain"
ALPHAS = (0.0, 0.33, 0.67, 1.0)
STEPS = (0.0, 0.5, 1.0)


def basic(flow: Workflow) -> None:
    """Content and style in, picture out."""
    flow.note(
        "## AdaIN\n"
        "Every channel of the content's features takes the mean and the deviation of the style's: one formula, any "
        "style (Huang & Belongie 2017). It is done once, at relu4_1, and a decoder trained for it paints the picture.",
        "**Try:** another Content or Style; *alpha* in Blend by Alpha; a Brush Size node after Style; *compact* as "
        "network and *trained_for* reconstruction in Style Decoder, to see what AdaIN's own training gives.",
        ABOUT_COMPACT_ADAIN,
    )
    net, content, style = flow.start("astronaut", "paper_leaves", network=NETWORK)
    with flow.group("AdaIN at relu4_1", OCHRE):
        own = flow.encode((2, 1), net, content, ADAIN_LEVEL, "Encode content")
        target = flow.encode((2, 2), net, style, ADAIN_LEVEL, "Encode style")
        restyled = flow.adain((3, 1), own, target)
        mixed = flow.add("BrushworkBlendByAlpha", (4, 1), "Alpha", content=own, stylised=restyled)
        image = flow.decode((5, 1), mixed)
    flow.save((6, 1), image)


def alpha_sweep(flow: Workflow) -> None:
    """One style from nothing to full strength."""
    flow.note(
        "## AdaIN: how strong?\n"
        "alpha blends the content's features with the restyled ones, before decoding. At 0 the network gives the "
        "content back, at 1 it gives the full style. Statistics are fitted once, each alpha costs one decoding.",
        "**Try:** other alphas (and labels on the sheet); *compact* as network, and another level in both encoders.",
        ABOUT_COMPACT_ADAIN,
    )
    net, content, style = flow.start("coffee", "swirling_night", network=NETWORK)
    with flow.group("Fit once", OCHRE):
        cut = flow.square((2, 0), content, 400, 80)
        own = flow.encode((2, 1), net, cut, ADAIN_LEVEL, "Encode content")
        target = flow.encode((2, 2), net, style, ADAIN_LEVEL, "Encode style")
        restyled = flow.adain((3, 1), own, target)
    pictures = []
    with flow.group("Blend and decode, alpha by alpha", RED):
        for row, alpha in enumerate(ALPHAS):
            inputs = {"title": f"Alpha {alpha:g}", "content": own, "stylised": restyled, "alpha": alpha}
            mixed = flow.add("BrushworkBlendByAlpha", (4, row), **inputs)
            pictures.append(flow.decode((5, row), mixed))
    flow.save((6, 1), flow.sheet((6, 0), pictures, [f"alpha {alpha:g}" for alpha in ALPHAS], 2))


def four_styles(flow: Workflow) -> None:
    """A style in each corner, mixtures between them."""
    flow.note(
        "## AdaIN: between four styles\n"
        "Four styles stand in the corners of the sheet; every picture between them is a weighted mean of the four "
        "restyled features.",
        "**Try:** other styles; other weights in a Mix Styles node (they are scaled to the sum one).",
        ABOUT_COMPACT_ADAIN,
    )
    with flow.group("Start", BLUE):
        net, content = flow.network(name=NETWORK), flow.sample(1, "Content", "chelsea")
        corners = {
            "top left": "swirling_night",
            "top right": "autumn_avenue",
            "bottom left": "sea_mosaic",
            "bottom right": "paper_leaves",
        }
        styles = [
            flow.sample(row, f"Style {corner}", name, column=2) for row, (corner, name) in enumerate(corners.items())
        ]
    with flow.group("Each style by itself", OCHRE):
        own = flow.encode((3, 1), net, flow.square((3, 0), content, 300, 75), ADAIN_LEVEL, "Encode content")
        targets = [flow.encode((3, row), net, style, ADAIN_LEVEL) for row, style in enumerate(styles, 2)]
        restyled = [flow.adain((4, row), own, target) for row, target in enumerate(targets, 2)]
    pictures = []
    with flow.group("Five mixtures between the corners", RED):
        for (down, y), (across, x) in product(enumerate(STEPS), repeat=2):
            weights = (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y
            counted = [(features, weight) for features, weight in zip(restyled, weights, strict=True) if weight]
            mixed = counted[0][0]
            if len(counted) > 1:  # in a corner there is nothing to mix
                inputs: dict[str, Any] = {f"features_{n}": features for n, (features, _) in enumerate(counted, 1)}
                inputs |= {f"weight_{n}": weight for n, (_, weight) in enumerate(counted, 1)}
                title = f"Mix {across + 1} of row {down + 1}"
                mixed = flow.add("BrushworkMixStyles", (5 + across, 2 * down), title, **inputs)
            pictures.append(flow.decode((5 + across, 2 * down + 1), mixed, collapsed=True))
    flow.save((8, 1), flow.sheet((8, 0), pictures, [], 3))


def regions(flow: Workflow) -> None:
    """One style for the background, one for the figure."""
    flow.note(
        "## AdaIN: a style a region\n"
        "The mask is what is bright in the photograph's blue, roughly the background. Inside it the content takes one "
        "style's statistics, outside another's; Region Mask puts the two together, with a soft edge.",
        "**Try:** the threshold; *feather* in Region Mask; a mask of your own (Load Image as Mask); other styles.",
        ABOUT_COMPACT_ADAIN,
    )
    with flow.group("Start", BLUE):
        net, content = flow.network(name=NETWORK), flow.sample(1, "Content", "astronaut")
        styles = [
            flow.sample(2, "Style inside", "swirling_night"),
            flow.sample(3, "Style outside", "paper_leaves"),
        ]
    with flow.group("Mask: what is bright", VIOLET):
        mask = flow.bright(content)
        rest = flow.add("InvertMask", (2, 3), mask=mask)
    with flow.group("Two styles at relu4_1", OCHRE):
        own = flow.encode((3, 1), net, content, ADAIN_LEVEL, "Encode content")
        targets = [flow.encode((3, row), net, style, ADAIN_LEVEL) for row, style in enumerate(styles, 2)]
        inside = flow.adain((4, 2), own, targets[0], content_mask=mask)
        outside = flow.adain((4, 3), own, targets[1], content_mask=rest)
        joined = flow.add("BrushworkRegionMask", (5, 2), inside=inside, outside=outside, mask=mask, feather=8)
        image = flow.decode((6, 2), joined)
    flow.save((7, 1), image)


def colours(flow: Workflow) -> None:
    """The style's strokes in the content's colours."""
    flow.note(
        "## AdaIN: keep the colours\n"
        "Two ways to take a style's strokes and leave its colours. *luminance*: stylise, then give every pixel the "
        "hue it had. *colour matching*: first give the style picture the content's mean colour and colour "
        "covariance, then stylise with that.",
        "**Try:** other pictures; the same two nodes around a WCT cascade.",
        ABOUT_COMPACT_ADAIN,
    )
    net, content, style = flow.start("chelsea", "sea_mosaic", network=NETWORK)
    with flow.group("Content", OCHRE):
        cut = flow.square((3, 0), content, 300, 75)
        own = flow.encode((4, 0), net, cut, ADAIN_LEVEL, "Encode content")

    def restyled(cell: Cell, style: Node) -> Node:
        column, row = cell
        target = flow.encode(cell, net, style, ADAIN_LEVEL, "Encode style")
        return flow.decode((column + 2, row), flow.adain((column + 1, row), own, target))

    with flow.group("As it comes, then the content's hues", RED):
        plain = restyled((3, 1), style)
        how = {"content": cut, "how": "luminance"}
        hues = flow.add("BrushworkPreserveColor", (6, 1), "Luminance", stylised=plain, **how)
    with flow.group("The style in the content's colours", VIOLET):
        how["how"] = "colour matching"
        matched = flow.add("BrushworkPreserveColor", (3, 2), "Colour matching", stylised=style, **how)
        second = restyled((4, 2), matched)
    labels = ("content", "the style's colours", "luminance", "colour matching")
    flow.save((8, 1), flow.sheet((8, 0), (cut, plain, hues, second), labels, 2))
