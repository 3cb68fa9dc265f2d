"""Three of the methods in one picture, which no paper has."""

from __future__ import annotations

from ...models.networks.stylebank import LEVEL
from .page import BLUE, OCHRE, RED, VIOLET
from .parts import Workflow
from .stylebank import NETWORK as BANK
from .stylebank import NIGHT

COARSE, FINE = "relu4_1", "relu3_1"


def pipeline(flow: Workflow) -> None:
    """WCT for large shapes, AdaIN for strokes, a kernel of the bank for the background."""
    flow.note(
        "## Three methods in one picture\n"
        f"WCT takes the style's shapes and colours at {COARSE}; AdaIN goes over that at {FINE}; and in the background, "
        "by a mask, a kernel of StyleBank paints the photograph in a style of its own. No paper has this: "
        "stages of different methods join wherever pictures, or features of one network, meet.",
        "**Try:** *alpha* in WCT Level and in Blend by Alpha; another *style* in StyleBank Filter; the painted picture "
        "in place of the photograph as what StyleBank Filter restyles.",
        "Both networks, *compact* and *stylebank*, are Brushwork's own and built in.",
    )
    with flow.group("Start", BLUE):
        net, content = flow.network(), flow.sample(1, "Content", "astronaut")
        style = flow.sample(2, "Style", "paper_leaves")
        bank = flow.network((1, 3), BANK, "Load StyleBank")
    with flow.group("Mask: what is bright", VIOLET):
        mask = flow.bright(content)
    with flow.group("Coarse: WCT", RED):
        coarse = flow.wct_level((2, 0), (net, content, style), COARSE, 0.6)
    with flow.group("Finer: AdaIN", OCHRE):
        own = flow.encode((4, 1), net, coarse, FINE, "Encode picture")
        target = flow.encode((4, 2), net, style, FINE, "Encode style")
        restyled = flow.adain((5, 1), own, target)
        blended = flow.add("BrushworkBlendByAlpha", (5, 2), content=own, stylised=restyled)
        painted = flow.decode((6, 1), blended)
    with flow.group("Background: StyleBank", RED):
        plain = flow.encode((4, 3), bank, painted, LEVEL, "Encode the painted picture")
        photo = flow.encode((4, 4), bank, content, LEVEL, "Encode the photograph")
        filtered = flow.bank_style((5, 4), photo, NIGHT)
        joined = flow.add("BrushworkRegionMask", (6, 3), inside=filtered, outside=plain, mask=mask, feather=8)
        image = flow.decode((6, 4), joined)
    flow.save((7, 1), image)
