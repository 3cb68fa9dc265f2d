"""WCT (Li et al. 2017): the workflows of its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .canvas import BLUE, OCHRE, RED, VIOLET, Box, Canvas, Cell
from .parts import ABOUT_NETWORK, decode, encode, network, sample, save, sheet, start

LEVELS = (5, 4, 3, 2, 1)
STRENGTHS = {
    "mostly large shapes": (0.9, 0.7, 0.3, 0.1, 0.1),
    "all alike": (0.6, 0.6, 0.6, 0.6, 0.6),
    "mostly fine strokes": (0.0, 0.2, 0.5, 0.8, 1.0),
}


def basic() -> Canvas:
    """The five-level cascade."""
    canvas = Canvas()
    canvas.note(
        "## WCT, coarse to fine\n"
        "Whitening takes all correlations out of the content's features, colouring puts the style's in: the whole "
        "covariance, where AdaIN only moves each channel (Li et al. 2017). Five levels in a row, relu5_1 to "
        "relu1_1, each on the picture that the coarser one painted.\n\n"
        "**Try:** *alpha* (the paper has 0.6 at every level); leave out relu5_1 (bypass it) to keep more of the "
        "content; *method* optimal transport; another Style.\n\n" + ABOUT_NETWORK
    )
    net, content, style = start(canvas, "coffee", "autumn_avenue")
    with canvas.group("Five levels, coarse to fine", OCHRE):
        image = _cascade(canvas, (2, 1), (net, content, style), (0.6,) * 5)
    save(canvas, (7, 1), image, "wct")
    return canvas


def per_level() -> Canvas:
    """What each level does, alone and in cascades of other strengths."""
    canvas = Canvas()
    canvas.note(
        "## WCT, level by level\n"
        "First each level alone: relu5_1 moves large shapes and loses detail, relu1_1 changes little but colours. "
        "Then three cascades, with the strength in the coarse levels, everywhere, and in the fine ones, where relu5_1 "
        "is left out.\n\n"
        "**Try:** every *alpha* by itself; another Style.\n\n" + ABOUT_NETWORK
    )
    net, content, style = start(canvas, "astronaut", "paper_leaves")
    with canvas.group("One level alone", VIOLET):
        alone = [_level(canvas, (2 + column, 0), (net, content, style), k, 1.0) for column, k in enumerate(LEVELS)]
    cascades = []
    for row, (title, alphas) in enumerate(STRENGTHS.items()):
        with canvas.group(title.capitalize(), (OCHRE, RED, OCHRE)[row]):
            cascades.append(_cascade(canvas, (2, 1 + row), (net, content, style), alphas))
    labels = ["content", *(f"relu{k}_1 alone" for k in LEVELS), *STRENGTHS]
    save(canvas, (7, 1), sheet(canvas, (7, 0), [content, *alone, *cascades], labels, 3), "wct_levels")
    return canvas


def two_styles() -> Canvas:
    """One style on the left, another on the right."""
    canvas = Canvas()
    canvas.note(
        "## WCT: two styles by region\n"
        "At every level, one style for the left half and one for the right. *content_mask* says where a WCT Level "
        "works: white is restyled, black stays, and the content's statistics come from the white part alone.\n\n"
        "**Try:** a mask of your own (Load Image as Mask) in place of the three mask nodes; other styles.\n\n"
        + ABOUT_NETWORK
    )
    with canvas.group("Start", BLUE):
        net, content = network(canvas), sample(canvas, 1, "Content", "chelsea")
        styles = sample(canvas, 2, "Style left", "swirling_night"), sample(canvas, 3, "Style right", "autumn_avenue")
    with canvas.group("Mask: the left part", VIOLET):
        black = canvas.add("SolidMask", (2, 0), "Black", value=0, width=451, height=300)
        white = canvas.add("SolidMask", (3, 0), "White", value=1, width=218, height=300)
        left = canvas.add("MaskComposite", (4, 0), "Left", destination=black, source=white, operation="add")
        right = canvas.add("InvertMask", (5, 0), "Right", mask=left)
    image = content
    with canvas.group("Four levels, coarse to fine: above the left part, below the right one", OCHRE):
        for column, level in enumerate(LEVELS[1:]):
            for row, (style, mask) in enumerate(zip(styles, (left, right), strict=True)):
                image = _level(canvas, (2 + column, 1 + row), (net, image, style), level, 0.6, content_mask=mask)
    save(canvas, (7, 1), image, "wct_two_styles")
    return canvas


def texture() -> Canvas:
    """Noise in, texture out."""
    canvas = Canvas()
    canvas.note(
        "## WCT: texture out of noise\n"
        "There is no content: noise at full strength becomes the style's texture. Each pass through the five levels "
        "comes closer; the authors use three passes.\n\n"
        "**Try:** another *seed* for another piece of the same texture; another width and height; other styles "
        "(sea_mosaic, swirling_night, tissue).\n\n" + ABOUT_NETWORK
    )
    with canvas.group("Start", BLUE):
        net = network(canvas)
        image = canvas.add("BrushworkTextureNoise", (1, 1), seed=7)
        style = sample(canvas, 2, "Style", "rose_window")
    for row, colour in enumerate((OCHRE, RED, OCHRE)):
        with canvas.group(f"Pass {row + 1}", colour):
            image = _cascade(canvas, (2, row), (net, image, style), (1.0,) * 5)
    save(canvas, (7, 0), image, "wct_texture")
    return canvas


def texture_mix() -> Canvas:
    """Between two textures."""
    canvas = Canvas()
    canvas.note(
        "## WCT: between two textures\n"
        "At every level the noise is coloured with both styles, and the two results are mixed before decoding: a "
        "texture that neither style has.\n\n"
        "**Try:** the weights of the Mix Styles nodes, the same at every level or not; another *seed*.\n\n"
        + ABOUT_NETWORK
    )
    with canvas.group("Start", BLUE):
        net = network(canvas)
        image = canvas.add("BrushworkTextureNoise", (1, 1), seed=7)
        styles = sample(canvas, 2, "First style", "rose_window"), sample(canvas, 3, "Second style", "autumn_avenue")
    for index, level in enumerate(LEVELS):
        with canvas.group(f"Both styles at relu{level}_1", (OCHRE, RED)[index % 2]):
            image = _both(canvas, (2 + 3 * (index % 3), 3 * (index // 3)), (net, image, *styles), level)
    save(canvas, (8, 3), image, "wct_texture_mix")
    return canvas


def _level(canvas: Canvas, cell: Cell, sources: Sequence[Box], level: int, alpha: float, **mask: Box) -> Box:
    net, content, style = sources
    inputs: dict[str, Any] = {"network": net, "content": content, "style": style, **mask}
    return canvas.add("BrushworkWCTLevel", cell, f"WCT relu{level}_1", level=f"relu{level}_1", alpha=alpha, **inputs)


def _cascade(canvas: Canvas, cell: Cell, sources: Sequence[Box], alphas: Sequence[float]) -> Box:
    net, image, style = sources
    for index, (level, alpha) in enumerate(zip(LEVELS, alphas, strict=True)):
        if alpha:  # at 0 the decoder would still lose something
            image = _level(canvas, (cell[0] + index, cell[1]), (net, image, style), level, alpha)
    return image


def _both(canvas: Canvas, cell: Cell, sources: Sequence[Box], level: int) -> Box:
    net, image, *styles = sources
    column, top = cell
    own = encode(canvas, cell, net, image, f"relu{level}_1", "Encode content")
    coloured = []
    for row, style in enumerate(styles, top + 1):
        target = encode(canvas, (column, row), net, style, f"relu{level}_1")
        coloured.append(canvas.add("BrushworkWCT", (column + 1, row), content=own, style=target))
    mixed = canvas.add(
        "BrushworkMixStyles",
        (column + 2, top + 1),
        f"Mix relu{level}_1",
        features_1=coloured[0],
        features_2=coloured[1],
    )
    return decode(canvas, (column + 2, top + 2), net, mixed)
