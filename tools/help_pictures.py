"""The pictures of the help pages, one a node: what its inputs change, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..media import sheet
from ..media.images import to_pillow
from ..methods.api import render
from ..methods.motion import Steady
from ..models.networks.base import RECONSTRUCTION
from ..models.networks.vgg import ADAIN_LEVEL
from ..samples import load_sample
from .previews import painted
from .workflows import FOLDER as WORKFLOW_FOLDER
from .workflows.adain import NETWORK as ADAIN_NETWORK
from .workflows.page import Node, Output
from .workflows.parts import LEVELS, Workflow

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = Path(__file__).parents[1] / "web" / "pictures"
SIDE = 200
"""Pixels of each picture's longer side."""
Pictures = Mapping[str, Node | Output]
"""What is shown side by side, by label."""
CELL = (1, 1)
"""Only the result is seen, so all nodes stand in one cell."""
HOLD = "BrushworkHoldStill"
"""The node whose picture is of two frames, which no workflow of pictures has."""
LEARN = "BrushworkLearnStyle"
"""The node whose picture is its workflow's, which takes minutes."""


class Help(Workflow):
    """A workflow with two networks: AdaIN's own, and `compact` for all that is not AdaIN at relu4_1."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.net, self.adain_net = self.network(CELL), self.network(CELL, ADAIN_NETWORK)

    def node(self, kind: str, **inputs: Any) -> Node:  # noqa: ANN401
        return self.add(f"Brushwork{kind}", CELL, **inputs)

    def picture(self, name: str) -> Node:
        return self.node("SamplePicture", name=name)

    def photo(self, name: str) -> Node:
        """A square of a photograph."""
        side, left = {"chelsea": (300, 75), "coffee": (400, 80), "astronaut": (512, 0)}[name]
        return self.square(CELL, self.picture(name), side, left)

    def features(self, image: Node, level: str = "", net: Node | None = None) -> Node:
        """At a level, or where AdaIN works."""
        return self.encode(CELL, net or (self.net if level else self.adain_net), image, level or ADAIN_LEVEL)

    def restyled(self, content: Node, style: Node, **masks: Node) -> Node:
        return self.adain(CELL, content, style, **masks)

    def wct(self, image: Node, style: Node, alpha: float) -> Node:
        """The whole cascade."""
        return self.cascade(CELL, (self.net, image, style), (alpha,) * 5)

    def matched(self, net: Node, content: Node, style: Node) -> Node:
        """By CoMatch."""
        own, target = (self.features(image, "comatch", net) for image in (content, style))
        return self.decode(CELL, self.comatch(CELL, own, target))

    def filtered(self, bank: Node, content: Node, style: str) -> Node:
        """By a style of the bank."""
        return self.decode(CELL, self.bank_style(CELL, self.features(content, "bank", bank), style))


def adain(flow: Help) -> Pictures:
    content, style = flow.photo("astronaut"), flow.picture("paper_leaves")
    own, target = flow.features(content), flow.features(style)
    mask = flow.bright(content)
    return {
        "content": content,
        "style": style,
        "AdaIN": flow.decode(CELL, flow.restyled(own, target)),
        "content_mask": flow.decode(CELL, flow.restyled(own, target, content_mask=mask)),
    }


def blend_by_alpha(flow: Help) -> Pictures:
    own = flow.features(flow.photo("coffee"))
    restyled = flow.restyled(own, flow.features(flow.picture("swirling_night")))
    blends = {
        alpha: flow.node("BlendByAlpha", content=own, stylised=restyled, alpha=alpha) for alpha in (0, 0.33, 0.67, 1)
    }
    return {f"alpha {alpha:g}": flow.decode(CELL, blend) for alpha, blend in blends.items()}


def brush_size(flow: Help) -> Pictures:
    net = flow.network(CELL, "msgnet")
    content, style = flow.photo("coffee"), flow.picture("rose_window")
    scaled = {f"scale {scale:g}": flow.node("BrushSize", style=style, scale=scale) for scale in (0.4, 0.8, 1.6)}
    return {"style": style, **{label: flow.matched(net, content, image) for label, image in scaled.items()}}


def comatch(flow: Help) -> Pictures:
    net, content = flow.network(CELL, "msgnet"), flow.photo("chelsea")
    first, second = (flow.picture(name) for name in ("autumn_avenue", "swirling_night"))
    return {
        "style 1": first,
        "content, style 1": flow.matched(net, content, first),
        "content, style 2": flow.matched(net, content, second),
        "style 2": second,
    }


def contact_sheet(flow: Help) -> Pictures:
    names = ("coffee", "rose_window", "chelsea", "ink_mountains")
    return {name.replace("_", " "): flow.picture(name) for name in names}


def load_style_network(flow: Help) -> Pictures:
    content, style = flow.photo("chelsea"), flow.picture("autumn_avenue")
    own, bank = flow.features(content), flow.network(CELL, "stylebank")
    return {
        "compact-adain": flow.decode(CELL, flow.restyled(own, flow.features(style))),
        "compact": flow.wct(content, style, 0.6),
        "msgnet": flow.matched(flow.network(CELL, "msgnet"), content, style),
        "stylebank": flow.filtered(bank, content, "van gogh starry night"),
    }


def mix_styles(flow: Help) -> Pictures:
    own = flow.features(flow.photo("chelsea"))
    names = {"features_1": "swirling_night", "features_2": "sea_mosaic"}
    styles = {slot: flow.restyled(own, flow.features(flow.picture(name))) for slot, name in names.items()}
    shares = (1, 0.75, 0.25, 0)
    mixed = {first: flow.node("MixStyles", **styles, weight_1=first, weight_2=1 - first) for first in shares}
    return {f"{first:g} : {1 - first:g}": flow.decode(CELL, features) for first, features in mixed.items()}


def preserve_color(flow: Help) -> Pictures:
    content, style = flow.photo("chelsea"), flow.picture("sea_mosaic")
    own = flow.features(content)
    plain = flow.decode(CELL, flow.restyled(own, flow.features(style)))
    matched = flow.node("PreserveColor", stylised=style, content=content, how="colour matching")
    return {
        "content": content,
        "as it comes": plain,
        "luminance": flow.node("PreserveColor", stylised=plain, content=content, how="luminance"),
        "colour matching": flow.decode(CELL, flow.restyled(own, flow.features(matched))),
    }


def region_mask(flow: Help) -> Pictures:
    content = flow.photo("astronaut")
    own, mask = flow.features(content), flow.bright(content)
    names = {"inside": "swirling_night", "outside": "paper_leaves"}
    regions = {side: flow.restyled(own, flow.features(flow.picture(name))) for side, name in names.items()}
    joined = {width: flow.node("RegionMask", **regions, mask=mask, feather=width) for width in (0, 60)}
    labelled = regions | {f"feather {width}": features for width, features in joined.items()}
    return {label: flow.decode(CELL, features) for label, features in labelled.items()}


def sample_picture(flow: Help) -> Pictures:
    return {name: flow.picture(name) for name in ("astronaut", "rocket", "dotted_river", "ink_mountains")}


def stylebank_filter(flow: Help) -> Pictures:
    bank, content = flow.network(CELL, "stylebank"), flow.photo("coffee")
    names = ("munch scream", "roman mosaic", "mondrian composition", "monet haystacks")
    return {name: flow.filtered(bank, content, name) for name in names}


def stylebank_mix(flow: Help) -> Pictures:
    bank, content = flow.network(CELL, "stylebank"), flow.photo("chelsea")
    inputs: dict[str, Any] = {"features": flow.features(content, "bank", bank)}
    inputs |= {"style_1": "van gogh starry night", "style_2": "munch scream"}
    mixed = {
        first: flow.node("StyleBankMix", **inputs, weight_1=first, weight_2=1 - first) for first in (1, 0.75, 0.25, 0)
    }
    return {f"{first:g} : {1 - first:g}": flow.decode(CELL, features) for first, features in mixed.items()}


def style_decoder(flow: Help) -> Pictures:
    content, style = flow.photo("coffee"), flow.picture("swirling_night")
    own, target = (flow.features(image, ADAIN_LEVEL) for image in (content, style))
    restyled = flow.restyled(own, target)
    return {
        "content": content,
        "reconstruction, as encoded": flow.decode(CELL, own),
        "reconstruction, after AdaIN": flow.node("StyleDecoder", features=restyled, trained_for=RECONSTRUCTION),
        "adain, after AdaIN": flow.decode(CELL, restyled),
    }


def style_encoder(flow: Help) -> Pictures:
    content = flow.square(CELL, flow.picture("astronaut"), 128, 160)
    return {level: flow.decode(CELL, flow.features(content, level)) for level in sorted(LEVELS)[1:]}


def style_report(flow: Help) -> Pictures:
    content, style = flow.photo("chelsea"), flow.picture("autumn_avenue")
    pictures = {"content": content, "style": style, "result": flow.wct(content, style, 0.6)}
    return {**pictures, "chart": flow.node("StyleReport", network=flow.net, **pictures).output("chart")}


def stylize_large(flow: Help) -> Pictures:
    content, style = flow.photo("coffee"), flow.picture("autumn_avenue")
    strengths = {"coarse levels": (0.9, 0.7, 0.3, 0, 0), "all levels": (0.6,) * 5, "fine levels": (0, 0, 0.5, 0.8, 1.0)}
    pictures = {"content": content}
    for label, alphas in strengths.items():
        levels = {f"alpha_{level}": alpha for level, alpha in zip(LEVELS, alphas, strict=True)}
        pictures[label] = flow.node("StylizeLarge", network=flow.net, content=content, style_1=style, **levels)
    return pictures


def texture_noise(flow: Help) -> Pictures:
    style = flow.picture("rose_window")
    noises = [flow.node("TextureNoise", width=256, height=256, seed=seed) for seed in (1, 2)]
    first, second = (flow.wct(noise, style, 1.0) for noise in noises)
    return {"seed 1": noises[0], "seed 1, restyled": first, "seed 2, restyled": second, "style": style}


def wct(flow: Help) -> Pictures:
    content, style = flow.photo("chelsea"), flow.picture("autumn_avenue")
    own, target = (flow.features(image, "relu3_1") for image in (content, style))
    pictures = {"content": content, "AdaIN": flow.decode(CELL, flow.restyled(own, target))}
    for method in ("whitening-colouring", "optimal transport"):
        pictures[method] = flow.decode(CELL, flow.node("WCT", content=own, style=target, method=method))
    return pictures


def style_transfer(flow: Help) -> Pictures:
    given = {"content": flow.photo("coffee"), "style": flow.picture("autumn_avenue")}
    methods = {"AdaIN": "adain", "WCT": "wct", "MSG-Net": "msgnet", "EFDM": "efdm"}
    return {title: flow.node("StyleTransfer", **given, method=method) for title, method in methods.items()}


def painted_style(flow: Help) -> Pictures:
    content, first, second = flow.photo("coffee"), "kandinsky composition vii", "munch scream"
    return {
        "content": content,
        first: flow.node("PaintedStyle", content=content, style=first),
        second: flow.node("PaintedStyle", content=content, style=second),
        "half of each": flow.node("PaintedStyle", content=content, style=first, second_style=second, share=0.5),
    }


def wct_level(flow: Help) -> Pictures:
    sources = flow.net, flow.photo("chelsea"), flow.picture("autumn_avenue")
    return {level: flow.wct_level(CELL, sources, level, 1.0) for level in LEVELS if level != "relu2_1"}


HELP: dict[str, Callable[[Help], Pictures]] = {
    "BrushworkAdaIN": adain,
    "BrushworkBlendByAlpha": blend_by_alpha,
    "BrushworkBrushSize": brush_size,
    "BrushworkCoMatch": comatch,
    "BrushworkContactSheet": contact_sheet,
    "BrushworkLoadStyleNetwork": load_style_network,
    "BrushworkMixStyles": mix_styles,
    "BrushworkPaintedStyle": painted_style,
    "BrushworkPreserveColor": preserve_color,
    "BrushworkRegionMask": region_mask,
    "BrushworkSamplePicture": sample_picture,
    "BrushworkStyleBankFilter": stylebank_filter,
    "BrushworkStyleBankMix": stylebank_mix,
    "BrushworkStyleDecoder": style_decoder,
    "BrushworkStyleEncoder": style_encoder,
    "BrushworkStyleReport": style_report,
    "BrushworkStyleTransfer": style_transfer,
    "BrushworkStylizeLarge": stylize_large,
    "BrushworkTextureNoise": texture_noise,
    "BrushworkWCT": wct,
    "BrushworkWCTLevel": wct_level,
}


def hold_still() -> Image:
    """Two frames of a pan held still, and how neighbouring frames differ with the pan undone."""
    shift, frames = 3, 8
    wide = load_sample("coffee")
    content = torch.cat([wide[..., shift * number :][..., 40:340, :400] for number in range(frames)])
    crawling = render(content, load_sample("swirling_night"), method="adain")
    held = Steady()(content, crawling)
    apart = [(each[-1, :, :, :-shift] - each[-2, :, :, shift:]).abs().mul(2).clamp(0, 1) for each in (crawling, held)]
    labels = ["a frame held still", "the next", "difference, frame by frame", "difference, held still"]
    return to_pillow(sheet.contact_sheet([held[-2], held[-1], *apart], labels, 2, SIDE)[0].movedim(0, -1))


def draw_help(node: str) -> Workflow:
    """The workflow whose picture is shown: of the nodes in HELP."""
    flow = Help(node)
    pictures = HELP[node](flow)
    flow.save(CELL, flow.sheet(CELL, [*pictures.values()], [*pictures], 2, SIDE))
    return flow


def help_picture(node: str) -> Image:
    """The picture of a node's page: of the nodes in HELP, of HOLD, and of LEARN."""
    from PIL import Image, ImageOps

    if node == LEARN:
        return ImageOps.contain(Image.open(WORKFLOW_FOLDER / "stylebank_learn.jpg"), (360, 360))
    return hold_still() if node == HOLD else painted(draw_help(node).graph())
