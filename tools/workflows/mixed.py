"""Three of the methods in one picture, which no paper has."""

from __future__ import annotations

from ...models.networks.stylebank import LEVEL
from .canvas import BLUE, OCHRE, RED, VIOLET, Canvas
from .parts import bright, decode, encode, network, sample, save
from .stylebank import NETWORK as BANK
from .stylebank import NIGHT

COARSE, FINE = "relu4_1", "relu3_1"


def pipeline() -> Canvas:
    """WCT for large shapes, AdaIN for strokes, a kernel of the bank for the background."""
    canvas = Canvas()
    canvas.note(
        "## Three methods in one picture\n"
        f"WCT takes the style's shapes and colours at {COARSE}; AdaIN goes over that at {FINE}; and in the background, "
        "by a mask, a kernel of StyleBank paints the photograph in a style of its own. No paper has this: "
        "stages of different methods join wherever pictures, or features of one network, meet.\n\n"
        "**Try:** *alpha* in WCT Level and in Blend by Alpha; another *style* in StyleBank Filter; the painted picture "
        "in place of the photograph as what StyleBank Filter restyles.\n\n"
        "Both networks, *compact* and *stylebank*, are Brushwork's own and built in."
    )
    with canvas.group("Start", BLUE):
        net, content = network(canvas), sample(canvas, 1, "Content", "astronaut")
        style = sample(canvas, 2, "Style", "paper_leaves")
        bank = network(canvas, (1, 3), BANK, "Load StyleBank")
    with canvas.group("Mask: what is bright", VIOLET):
        mask = bright(canvas, content, "blue", 0.65)
    with canvas.group("Coarse: WCT", RED):
        coarse = canvas.add(
            "BrushworkWCTLevel", (2, 0), network=net, content=content, style=style, level=COARSE, alpha=0.6
        )
    with canvas.group("Finer: AdaIN", OCHRE):
        own = encode(canvas, (4, 1), net, coarse, FINE, "Encode picture")
        target = encode(canvas, (4, 2), net, style, FINE, "Encode style")
        restyled = canvas.add("BrushworkAdaIN", (5, 1), content=own, style=target)
        blended = canvas.add("BrushworkBlendByAlpha", (5, 2), content=own, stylised=restyled)
        painted = decode(canvas, (6, 1), net, blended)
    with canvas.group("Background: StyleBank", RED):
        plain = encode(canvas, (4, 3), bank, painted, LEVEL, "Encode the painted picture")
        photo = encode(canvas, (4, 4), bank, content, LEVEL, "Encode the photograph")
        filtered = canvas.add("BrushworkStyleBankFilter", (5, 4), network=bank, features=photo, style=NIGHT)
        joined = canvas.add("BrushworkRegionMask", (6, 3), inside=filtered, outside=plain, mask=mask, feather=8)
        image = decode(canvas, (6, 4), bank, joined)
    save(canvas, (7, 1), image, "mixed")
    return canvas
