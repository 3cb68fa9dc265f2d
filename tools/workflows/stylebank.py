"""StyleBank (Chen et al. 2017): the workflows of its figures."""

from __future__ import annotations

from ...models.networks.stylebank import LEVEL
from .page import OCHRE, RED, VIOLET
from .parts import SHARE_LABELS, SHARES, Workflow

NETWORK = "stylebank"
ABOUT_STYLEBANK = (
    "The network is *stylebank*, Brushwork's own and built in: a kernel of 3 x 3 for each painting, between the "
    "encoder of *compact* and a decoder that all share."
)
NIGHT, CITY = "van gogh starry night", "boccioni city rises"
STEPS, UNSAVED = 300, "do not save"


def basic(flow: Workflow) -> None:
    """One style of the bank."""
    flow.note(
        "## StyleBank\n"
        "A style is a convolution kernel. Encoder and decoder only rebuild the picture; all that a style does is in "
        "its kernel between them (Chen et al. 2017, the figure of stylised results).",
        "**Try:** another *style* in StyleBank Filter; *alpha* in Blend by Alpha, at 0 the auto-encoder alone; another "
        "Content.",
        ABOUT_STYLEBANK,
    )
    net, content = flow.start("astronaut", network=NETWORK)
    with flow.group("A kernel of the bank", OCHRE):
        own = flow.encode((2, 1), net, content, LEVEL)
        painted = flow.bank_style((3, 1), own, NIGHT)
        mixed = flow.add("BrushworkBlendByAlpha", (4, 1), "Alpha", content=own, stylised=painted)
        image = flow.decode((5, 1), mixed)
    flow.save((6, 1), image)


def fusion(flow: Workflow) -> None:
    """Two styles in one kernel."""
    flow.note(
        "## StyleBank: fusion of styles\n"
        "Kernels add up: a weighted mean of two is a kernel again, and paints a style between them at the cost of one "
        "(the paper's figure of linear style fusion).",
        "**Try:** other styles and weights in a StyleBank Mix node; up to four styles at once.",
        ABOUT_STYLEBANK,
    )
    net, content = flow.start("chelsea", network=NETWORK)
    with flow.group("Content", OCHRE):
        cut = flow.square((2, 0), content, 300, 75)
        own = flow.encode((2, 1), net, cut, LEVEL)
    pictures = [cut]
    with flow.group("From the first style to the second", VIOLET):
        for index, (first, second) in enumerate(SHARES):
            chosen = {"style_1": NIGHT, "weight_1": first, "style_2": CITY, "weight_2": second}
            column, row = 3 + index % 3, 2 * (index // 3)
            fused = flow.add("BrushworkStyleBankMix", (column, row), features=own, **chosen)
            pictures.append(flow.decode((column + 1, row + 1), fused, collapsed=True))
    flow.save((7, 1), flow.sheet((7, 0), pictures, ["content", *SHARE_LABELS], 3))


def regions(flow: Workflow) -> None:
    """A kernel for the background, another for the figure."""
    flow.note(
        "## StyleBank: a style a region\n"
        "One encoding, two kernels: the mask says which of them counts where (the paper's figure of region-specific "
        "style fusion). Here it is what is bright in the photograph's blue, roughly the background.",
        "**Try:** other styles; *feather* in Region Mask; a mask of your own (Load Image as Mask).",
        ABOUT_STYLEBANK,
    )
    net, content = flow.start("astronaut", network=NETWORK)
    with flow.group("Mask: what is bright", RED):
        mask = flow.bright(content)
    with flow.group("Two kernels", OCHRE):
        own = flow.encode((3, 1), net, content, LEVEL)
        inside = flow.bank_style((4, 1), own, NIGHT, "Inside")
        outside = flow.bank_style((4, 2), own, CITY, "Outside")
        joined = flow.add("BrushworkRegionMask", (5, 1), inside=inside, outside=outside, mask=mask, feather=8)
        image = flow.decode((6, 1), joined)
    flow.save((7, 1), image)


def learn(flow: Workflow) -> None:
    """A style that the bank did not have."""
    flow.note(
        "## StyleBank: learn a new style\n"
        "A kernel more, learnt from one picture while encoder, decoder and all other kernels stay as they are, bit "
        "for bit (the paper's incremental training).",
        f"This workflow takes {STEPS} steps, one to three minutes on a CPU, for a first idea of the style, and does "
        "not keep it.",
        "**Try:** your own picture as Style; 1500 steps for clean strokes; *save* as a new style, and from then on "
        "StyleBank Filter lists it; a larger *size* for larger strokes; more *style_weight*; your own *photos*.",
        ABOUT_STYLEBANK,
    )
    net, content = flow.start("chelsea", network=NETWORK)
    with flow.group("Learn", OCHRE):
        style = flow.sample(0, "Style", "autumn_avenue", column=2)
        chosen = {"style_image": style, "name": "my style", "steps": STEPS, "save": UNSAVED}
        learnt = flow.add("BrushworkLearnStyle", (2, 1), network=net, **chosen)
    with flow.group("Paint", RED):
        cut = flow.square((3, 0), content, 300, 75)
        own = flow.encode((3, 1), learnt, cut, LEVEL)
        image = flow.decode((3, 3), flow.bank_style((3, 2), own, "my style"))
    pictures = cut, style, image, learnt.output("chart")
    result = flow.sheet((4, 0), pictures, ("content", "style", "the style learnt", "losses"), 2)
    flow.save((4, 1), result)
