"""StyleBank (Chen et al. 2017): the workflows of its figures."""

from __future__ import annotations

from ...models.networks.stylebank import LEVEL
from .canvas import BLUE, OCHRE, RED, VIOLET, Box, Canvas
from .parts import SHARE_LABELS, SHARES, bright, decode, encode, network, sample, save, sheet, square

NETWORK = "stylebank"
ABOUT_NETWORK = (
    "The network is *stylebank*, Brushwork's own and built in: a kernel of 3 x 3 for each of 16 paintings, between "
    "the encoder of *compact* and a decoder that all share."
)
NIGHT, CITY = "van gogh starry night", "boccioni city rises"
STEPS, UNSAVED = 300, "do not save"


def basic() -> Canvas:
    """One style of the bank."""
    canvas = Canvas()
    canvas.note(
        "## StyleBank\n"
        "A style is a convolution kernel. Encoder and decoder only rebuild the picture; all that a style does is in "
        "its kernel between them (Chen et al. 2017, the figure of stylised results).\n\n"
        "**Try:** another *style* in StyleBank Filter; *alpha* in Blend by Alpha, at 0 the auto-encoder alone; another "
        "Content.\n\n" + ABOUT_NETWORK
    )
    net, content = _start(canvas, "astronaut")
    with canvas.group("A kernel of the bank", OCHRE):
        own = encode(canvas, (2, 1), net, content, LEVEL)
        painted = _filter(canvas, (3, 1), net, own, NIGHT)
        mixed = canvas.add("BrushworkBlendByAlpha", (4, 1), "Alpha", content=own, stylised=painted)
        image = decode(canvas, (5, 1), net, mixed)
    save(canvas, (6, 1), image, "stylebank")
    return canvas


def fusion() -> Canvas:
    """Two styles in one kernel."""
    canvas = Canvas()
    canvas.note(
        "## StyleBank: fusion of styles\n"
        "Kernels add up: a weighted mean of two is a kernel again, and paints a style between them at the cost of one "
        "(the paper's figure of linear style fusion).\n\n"
        "**Try:** other styles and weights in a StyleBank Mix node; up to four styles at once.\n\n" + ABOUT_NETWORK
    )
    net, content = _start(canvas, "chelsea")
    with canvas.group("Content", OCHRE):
        cut = square(canvas, (2, 0), content, 300, 75)
        own = encode(canvas, (2, 1), net, cut, LEVEL)
    pictures = []
    with canvas.group("From the first style to the second", VIOLET):
        for index, (first, second) in enumerate(SHARES):
            chosen = {"style_1": NIGHT, "weight_1": first, "style_2": CITY, "weight_2": second}
            column, row = 3 + 2 * (index // 3), index % 3
            fused = canvas.add("BrushworkStyleBankMix", (column, row), network=net, features=own, **chosen)
            pictures.append(decode(canvas, (column + 1, row), net, fused))
    result = sheet(canvas, (7, 0), [cut, *pictures], ["content", *SHARE_LABELS], 3)
    save(canvas, (7, 1), result, "stylebank_fusion")
    return canvas


def regions() -> Canvas:
    """A kernel for the background, another for the figure."""
    canvas = Canvas()
    canvas.note(
        "## StyleBank: a style a region\n"
        "One encoding, two kernels: the mask says which of them counts where (the paper's figure of region-specific "
        "style fusion). Here it is what is bright in the photograph's blue, roughly the background.\n\n"
        "**Try:** other styles; *feather* in Region Mask; a mask of your own (Load Image as Mask).\n\n" + ABOUT_NETWORK
    )
    net, content = _start(canvas, "astronaut")
    with canvas.group("Mask: what is bright", RED):
        mask = bright(canvas, content, "blue", 0.65)
    with canvas.group("Two kernels", OCHRE):
        own = encode(canvas, (3, 1), net, content, LEVEL)
        inside = _filter(canvas, (4, 1), net, own, NIGHT, "Inside")
        outside = _filter(canvas, (4, 2), net, own, CITY, "Outside")
        joined = canvas.add("BrushworkRegionMask", (5, 1), inside=inside, outside=outside, mask=mask, feather=8)
        image = decode(canvas, (6, 1), net, joined)
    save(canvas, (7, 1), image, "stylebank_regions")
    return canvas


def learn() -> Canvas:
    """A style that the bank did not have."""
    canvas = Canvas()
    canvas.note(
        "## StyleBank: learn a new style\n"
        "A kernel more, learnt from one picture while encoder, decoder and all other kernels stay as they are, bit "
        "for bit (the paper's incremental training).\n\n"
        f"This workflow takes {STEPS} steps, one to three minutes on a CPU, for a first idea of the style, and does "
        "not keep it.\n\n"
        "**Try:** your own picture as Style; 1500 steps for clean strokes; *save* as a new style, and from then on "
        "StyleBank Filter lists it; a larger *size* for larger strokes; more *style_weight*; your own *photos*.\n\n"
        + ABOUT_NETWORK
    )
    net, content = _start(canvas, "chelsea")
    with canvas.group("Learn", OCHRE):
        style = canvas.add("BrushworkSamplePicture", (2, 0), "Style", name="autumn_avenue")
        learnt = canvas.add(
            "BrushworkLearnStyle", (2, 1), network=net, style_image=style, name="my style", steps=STEPS, save=UNSAVED
        )
    with canvas.group("Paint", RED):
        cut = square(canvas, (3, 0), content, 300, 75)
        own = encode(canvas, (3, 1), learnt, cut, LEVEL)
        image = decode(canvas, (3, 3), learnt, _filter(canvas, (3, 2), learnt, own, "my style"))
    pictures = cut, style, image, learnt.output("chart")
    result = sheet(canvas, (4, 0), pictures, ("content", "style", "the style learnt", "losses"), 2)
    save(canvas, (4, 1), result, "stylebank_learn")
    return canvas


def _start(canvas: Canvas, content: str) -> tuple[Box, Box]:
    with canvas.group("Start", BLUE):
        return network(canvas, name=NETWORK), sample(canvas, 1, "Content", content)


def _filter(canvas: Canvas, cell: tuple[int, int], net: Box, features: Box, style: str, title: str = "") -> Box:
    return canvas.add("BrushworkStyleBankFilter", cell, title, network=net, features=features, style=style)
