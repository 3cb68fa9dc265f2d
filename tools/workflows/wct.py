"""WCT (Li et al. 2017): the workflows of its figures, and the cascade in one node for any size."""

from __future__ import annotations

from .page import BLUE, OCHRE, VIOLET
from .parts import ABOUT_COMPACT, LEVELS, Workflow

STRENGTHS = {
    "mostly large shapes": (0.9, 0.7, 0.3, 0.1, 0.1),
    "all alike": (0.6, 0.6, 0.6, 0.6, 0.6),
    "mostly fine strokes": (0.0, 0.2, 0.5, 0.8, 1.0),
}


def basic(flow: Workflow) -> None:
    """The five-level cascade."""
    flow.note(
        "## WCT, coarse to fine\n"
        "Whitening takes all correlations out of the content's features, colouring puts the style's in: the whole "
        "covariance, where AdaIN only moves each channel (Li et al. 2017). Five levels in a row, relu5_1 to "
        "relu1_1, each on the picture that the coarser one painted.",
        "**Try:** *alpha* (the paper has 0.6 at every level); leave out relu5_1 (bypass it) to keep more of the "
        "content; *method* optimal transport; another Style.",
        ABOUT_COMPACT,
    )
    sources = flow.start("coffee", "autumn_avenue")
    with flow.group("Five levels, coarse to fine", OCHRE):
        image = flow.cascade((2, 1), sources, (0.6,) * 5)
    flow.save((7, 1), image)


def per_level(flow: Workflow) -> None:
    """What each level does, alone and in cascades of other strengths."""
    flow.note(
        "## WCT, level by level\n"
        "First each level alone: relu5_1 moves large shapes and loses detail, relu1_1 changes little but colours. "
        "Then three cascades, with the strength in the coarse levels, everywhere, and in the fine ones, where relu5_1 "
        "is left out.",
        "**Try:** every *alpha* by itself; another Style.",
        ABOUT_COMPACT,
    )
    sources = flow.start("astronaut", "paper_leaves")
    pictures = [sources[1]]
    with flow.group("Above, five levels in one node; below, one level alone", OCHRE):
        for column, level in enumerate(LEVELS, 2):
            pictures.append(flow.wct_level((column, 1), sources, level, 1.0, title=f"WCT {level}"))
        for column, (title, alphas) in enumerate(STRENGTHS.items(), 2):
            pictures.append(flow.whole_cascade((column, 0), sources, alphas, title.capitalize()))
    labels = ["content", *(f"{level} alone" for level in LEVELS), *STRENGTHS]
    flow.save((7, 1), flow.sheet((7, 0), pictures, labels, 3))


def two_styles(flow: Workflow) -> None:
    """One style on the left, another on the right."""
    flow.note(
        "## WCT: two styles by region\n"
        "At every level, one style for the left half and one for the right, in one node. *mask_2* says where the "
        "second style goes: white is restyled by it, and its statistics come from there alone.",
        "**Try:** a mask of your own (Load Image as Mask) in place of the three mask nodes; other styles; the alphas.",
        ABOUT_COMPACT,
    )
    with flow.group("Start", BLUE):
        net, image = flow.network(), flow.sample(1, "Content", "chelsea")
        right, left = flow.sample(2, "Style right", "autumn_avenue"), flow.sample(3, "Style left", "swirling_night")
    with flow.group("Mask: the left part", VIOLET):
        black = flow.add("SolidMask", (2, 0), "Black", value=0, width=451, height=300)
        white = flow.add("SolidMask", (2, 1), "White", value=1, width=218, height=300)
        mask = flow.add("MaskComposite", (3, 0), "Left", destination=black, source=white, operation="add")
    with flow.group("Four levels in one node", OCHRE):
        sources, alphas = (net, image, right), (0.0, 0.6, 0.6, 0.6, 0.6)
        image = flow.whole_cascade((4, 0), sources, alphas, style_2=left, mask_2=mask)
    flow.save((5, 0), image)


def texture(flow: Workflow) -> None:
    """Noise in, texture out."""
    flow.note(
        "## WCT: texture out of noise\n"
        "There is no content: noise at full strength becomes the style's texture. Each pass through the five levels "
        "comes closer; the authors use three passes.",
        "**Try:** another *seed* for another piece of the same texture; another width and height; other styles "
        "(sea_mosaic, swirling_night, tissue).",
        ABOUT_COMPACT,
    )
    with flow.group("Start", BLUE):
        net = flow.network()
        image = flow.add("BrushworkTextureNoise", (1, 1), seed=7)
        style = flow.sample(2, "Style", "rose_window")
    with flow.group("Five levels in one node, three times", OCHRE):
        for number in (1, 2, 3):
            image = flow.whole_cascade((1 + number, 1), (net, image, style), (1.0,) * 5, f"Pass {number}")
    flow.save((5, 1), image)


def texture_mix(flow: Workflow) -> None:
    """Between two textures."""
    flow.note(
        "## WCT: between two textures\n"
        "At every level the noise is coloured with both styles, and the two results are mixed by *weight* before "
        "decoding: a texture that neither style has.",
        "**Try:** other weights of the two styles; a third one; another *seed*.",
        ABOUT_COMPACT,
    )
    with flow.group("Start", BLUE):
        net = flow.network()
        image = flow.add("BrushworkTextureNoise", (1, 1), seed=7)
        styles = flow.sample(2, "First style", "rose_window"), flow.sample(3, "Second style", "autumn_avenue")
    with flow.group("Five levels in one node, each between both styles", OCHRE):
        image = flow.whole_cascade((2, 1), (net, image, styles[0]), (1.0,) * 5, style_2=styles[1])
    flow.save((3, 1), image)


def large(flow: Workflow) -> None:
    """The whole cascade in one node, tile by tile: pictures larger than memory would hold the features of."""
    flow.note(
        "## Any size, without a seam\n"
        "Stylize Large goes through the picture in tiles: statistics add up over all of them first, then each tile is "
        "mapped by those of the whole picture. So there is no seam, and a hundred megapixels take little more memory "
        "than the picture itself. Here it is WCT's whole cascade, relu5_1 to relu1_1, on a photograph four times "
        "enlarged.",
        "**Try:** a large photograph of your own (Load Image) in place of Content and Enlarge; *method* adain "
        "with *levels* the paper's; the *scale* of Larger strokes; a second style, with a mask.",
        ABOUT_COMPACT,
    )
    net, content, style = flow.start("chelsea", "autumn_avenue")
    with flow.group("Sizes", VIOLET):
        enlarged = flow.add("BrushworkBrushSize", (2, 1), "Enlarge", style=content, scale=4.0)
        strokes = flow.add("BrushworkBrushSize", (2, 2), "Larger strokes", style=style, scale=2.0)
    with flow.group("Five levels in one node", OCHRE):
        image = flow.whole_cascade((3, 1), (net, enlarged, strokes), (0.6,) * 5)
    flow.save((4, 1), image)
