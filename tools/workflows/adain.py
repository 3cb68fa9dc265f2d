"""AdaIN (Huang & Belongie 2017): the workflows of its figures."""

from __future__ import annotations

from itertools import product
from typing import Any

from ...models.networks.base import ADAIN
from ...models.networks.vgg import ADAIN_LEVEL
from .canvas import BLUE, OCHRE, RED, VIOLET, Box, Canvas, Cell
from .parts import ABOUT_NETWORK, bright, encode, network, sample, save, sheet, square, start

ALPHAS = (0.0, 0.33, 0.67, 1.0)
STEPS = (0.0, 0.5, 1.0)


def basic() -> Canvas:
    """Content and style in, picture out."""
    canvas = Canvas()
    canvas.note(
        "## AdaIN\n"
        "Every channel of the content's features takes the mean and the deviation of the style's: one formula, any "
        "style (Huang & Belongie 2017). It is done once, at relu4_1, and a decoder trained for it paints the "
        "picture.\n\n"
        "**Try:** another Content or Style; *alpha* in Blend by Alpha; a Brush Size node after Style; the decoder "
        "trained for *reconstruction*, to see what training it gave.\n\n" + ABOUT_NETWORK
    )
    net, content, style = start(canvas, "astronaut", "paper_leaves")
    with canvas.group("AdaIN at relu4_1", OCHRE):
        own = encode(canvas, (2, 1), net, content, ADAIN_LEVEL, "Encode content")
        target = encode(canvas, (2, 2), net, style, ADAIN_LEVEL, "Encode style")
        restyled = canvas.add("BrushworkAdaIN", (3, 1), content=own, style=target)
        mixed = canvas.add("BrushworkBlendByAlpha", (4, 1), "Alpha", content=own, stylised=restyled)
        image = _paint(canvas, (5, 1), net, mixed)
    save(canvas, (6, 1), image, "adain")
    return canvas


def alpha_sweep() -> Canvas:
    """One style from nothing to full strength."""
    canvas = Canvas()
    canvas.note(
        "## AdaIN: how strong?\n"
        "alpha blends the content's features with the restyled ones, before decoding. At 0 the network gives the "
        "content back, at 1 it gives the full style. Statistics are fitted once, each alpha costs one decoding.\n\n"
        "**Try:** other alphas (and labels on the sheet), another level in both encoders.\n\n" + ABOUT_NETWORK
    )
    net, content, style = start(canvas, "coffee", "swirling_night")
    with canvas.group("Fit once", OCHRE):
        cut = square(canvas, (2, 0), content, 400, 80)
        own = encode(canvas, (2, 1), net, cut, ADAIN_LEVEL, "Encode content")
        target = encode(canvas, (2, 2), net, style, ADAIN_LEVEL, "Encode style")
        restyled = canvas.add("BrushworkAdaIN", (3, 1), content=own, style=target)
    pictures = []
    with canvas.group("Blend and decode, alpha by alpha", RED):
        for row, alpha in enumerate(ALPHAS):
            title = f"Alpha {alpha:g}"
            mixed = canvas.add("BrushworkBlendByAlpha", (4, row), title, content=own, stylised=restyled, alpha=alpha)
            pictures.append(_paint(canvas, (5, row), net, mixed))
    labels = [f"alpha {alpha:g}" for alpha in ALPHAS]
    save(canvas, (6, 1), sheet(canvas, (6, 0), pictures, labels, 2), "adain_alpha_sweep")
    return canvas


def four_styles() -> Canvas:
    """A style in each corner, mixtures between them."""
    canvas = Canvas()
    canvas.note(
        "## AdaIN: between four styles\n"
        "Four styles stand in the corners of the sheet; every picture between them is a weighted mean of the four "
        "restyled features.\n\n"
        "**Try:** other styles; other weights in a Mix Styles node (they are scaled to the sum one).\n\n"
        + ABOUT_NETWORK
    )
    with canvas.group("Start", BLUE):
        net, content = network(canvas), sample(canvas, 1, "Content", "chelsea")
        names = ("swirling_night", "autumn_avenue", "sea_mosaic", "paper_leaves")
        corners = ("top left", "top right", "bottom left", "bottom right")
        styles = [
            sample(canvas, index, f"Style {corner}", name, column=2)
            for index, (name, corner) in enumerate(zip(names, corners, strict=True))
        ]
    with canvas.group("Each style by itself", OCHRE):
        own = encode(canvas, (3, 1), net, square(canvas, (3, 0), content, 300, 75), ADAIN_LEVEL, "Encode content")
        targets = [encode(canvas, (3, 2 + index), net, style, ADAIN_LEVEL) for index, style in enumerate(styles)]
        restyled = [
            canvas.add("BrushworkAdaIN", (4, 2 + index), content=own, style=target)
            for index, target in enumerate(targets)
        ]
    with canvas.group("Nine mixtures, where the sheet has them", RED):
        pictures = [_mixture(canvas, net, restyled, across, down) for down, across in product(range(3), range(3))]
    save(canvas, (8, 1), sheet(canvas, (8, 0), pictures, [], 3), "adain_four_styles")
    return canvas


def regions() -> Canvas:
    """One style for the background, one for the figure."""
    canvas = Canvas()
    canvas.note(
        "## AdaIN: a style a region\n"
        "The mask is what is bright in the photograph's blue, roughly the background. Inside it the content takes one "
        "style's statistics, outside another's; Region Mask puts the two together, with a soft edge.\n\n"
        "**Try:** the threshold; *feather* in Region Mask; a mask of your own (Load Image as Mask); other styles.\n\n"
        + ABOUT_NETWORK
    )
    with canvas.group("Start", BLUE):
        net, content = network(canvas), sample(canvas, 1, "Content", "astronaut")
        inside = sample(canvas, 2, "Style inside", "swirling_night")
        outside = sample(canvas, 3, "Style outside", "paper_leaves")
    with canvas.group("Mask: what is bright", VIOLET):
        mask = bright(canvas, content, "blue", 0.65)
        rest = canvas.add("InvertMask", (2, 3), mask=mask)
    with canvas.group("Two styles at relu4_1", OCHRE):
        own = encode(canvas, (3, 1), net, content, ADAIN_LEVEL, "Encode content")
        targets = [encode(canvas, (3, 2 + row), net, style, ADAIN_LEVEL) for row, style in enumerate((inside, outside))]
        halves = [
            canvas.add("BrushworkAdaIN", (4, 2 + row), content=own, style=targets[row], content_mask=where)
            for row, where in enumerate((mask, rest))
        ]
        joined = canvas.add("BrushworkRegionMask", (5, 2), inside=halves[0], outside=halves[1], mask=mask, feather=8)
        image = _paint(canvas, (6, 2), net, joined)
    save(canvas, (7, 1), image, "adain_regions")
    return canvas


def colours() -> Canvas:
    """The style's strokes in the content's colours."""
    canvas = Canvas()
    canvas.note(
        "## AdaIN: keep the colours\n"
        "Two ways to take a style's strokes and leave its colours. *luminance*: stylise, then give every pixel the "
        "hue it had. *colour matching*: first give the style picture the content's mean colour and colour "
        "covariance, then stylise with that.\n\n"
        "**Try:** other pictures; the same two nodes around a WCT cascade.\n\n" + ABOUT_NETWORK
    )
    net, content, style = start(canvas, "chelsea", "sea_mosaic")
    with canvas.group("Content", OCHRE):
        cut = square(canvas, (3, 0), content, 300, 75)
        own = encode(canvas, (4, 0), net, cut, ADAIN_LEVEL, "Encode content")
    with canvas.group("As it comes, then the content's hues", RED):
        plain = _restyled(canvas, (3, 1), net, own, style)
        hues = canvas.add("BrushworkPreserveColor", (6, 1), "Luminance", stylised=plain, content=cut, how="luminance")
    with canvas.group("The style in the content's colours", VIOLET):
        matched = canvas.add(
            "BrushworkPreserveColor", (3, 2), "Colour matching", stylised=style, content=cut, how="colour matching"
        )
        second = _restyled(canvas, (4, 2), net, own, matched)
    labels = ("content", "the style's colours", "luminance", "colour matching")
    result = sheet(canvas, (8, 0), (cut, plain, hues, second), labels, 2)
    save(canvas, (8, 1), result, "adain_colors")
    return canvas


def _paint(canvas: Canvas, cell: tuple[int, int], network: Box, features: Box) -> Box:
    """The decoder that was trained for AdaIN's features."""
    return canvas.add("BrushworkStyleDecoder", cell, network=network, features=features, trained_for=ADAIN)


def _mixture(canvas: Canvas, net: Box, restyled: list[Box], across: int, down: int) -> Box:
    x, y = STEPS[across], STEPS[down]
    weights = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
    numbers = range(1, 5)
    inputs: dict[str, Any] = {f"weight_{n}": weight for n, weight in zip(numbers, weights, strict=True)}
    inputs |= {f"features_{n}": features for n, features in zip(numbers, restyled, strict=True)}
    column, row = 5 + across, 2 * down
    mixed = canvas.add("BrushworkMixStyles", (column, row), f"Mix {across + 1} of row {down + 1}", **inputs)
    return _paint(canvas, (column, row + 1), net, mixed)


def _restyled(canvas: Canvas, cell: Cell, net: Box, content: Box, style: Box) -> Box:
    column, row = cell
    target = encode(canvas, cell, net, style, ADAIN_LEVEL, "Encode style")
    restyled = canvas.add("BrushworkAdaIN", (column + 1, row), content=content, style=target)
    return _paint(canvas, (column + 2, row), net, restyled)
