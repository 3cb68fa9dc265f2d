"""Draw the pictures of the help pages, one a node: `python -m brushwork.tools.help_pictures`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..models.networks.base import ADAIN
from ..runner.core_nodes import all_nodes
from ..runner.formats import parse_workflow
from ..runner.run import run_workflow
from .workflows.canvas import Box, Canvas, Outlet
from .workflows.page import to_page
from .workflows.parts import decode, encode, network, save, sheet

FOLDER = Path(__file__).parents[1] / "web" / "pictures"
SIDE, QUALITY = 200, 78
Pictures = Mapping[str, Box | Outlet]
"""What is shown side by side, by label."""
CELL = (1, 1)
LEVELS = (5, 4, 3, 2, 1)


class Desk(Canvas):
    """A canvas of which only the result is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network(self)

    def node(self, kind: str, **inputs: Any) -> Box:  # noqa: ANN401
        return self.add(f"Brushwork{kind}", CELL, **inputs)

    def picture(self, name: str, side: int = 300, left: int = 75) -> Box:
        """A square of a sample."""
        whole = self.node("SamplePicture", name=name)
        return self.add("ImageCrop", CELL, image=whole, width=side, height=side, x=left)

    def style(self, name: str) -> Box:
        return self.node("SamplePicture", name=name)

    def features(self, image: Box, level: str = "relu4_1", net: Box | None = None) -> Box:
        return encode(self, CELL, net or self.net, image, level)

    def adain(self, content: Box, style: Box, **inputs: Any) -> Box:  # noqa: ANN401
        return self.node("AdaIN", content=content, style=style, **inputs)

    def paint(self, features: Box) -> Box:
        return self.node("StyleDecoder", network=self.net, features=features, trained_for=ADAIN)

    def level(self, content: Box, style: Box, level: int = 3, **inputs: Any) -> Box:  # noqa: ANN401
        return self.node(
            "WCTLevel",
            network=self.net,
            content=content,
            style=style,
            level=f"relu{level}_1",
            **{"alpha": 1.0, **inputs},
        )

    def mask(self, image: Box) -> Box:
        """What is bright in the photograph's blue."""
        return self.add(
            "ThresholdMask", CELL, mask=self.add("ImageToMask", CELL, image=image, channel="blue"), value=0.65
        )


def adain(desk: Desk) -> Pictures:
    content, style = desk.picture("astronaut", 512, 0), desk.style("paper_leaves")
    own, target = desk.features(content), desk.features(style)
    mask = desk.mask(content)
    return {
        "content": content,
        "style": style,
        "AdaIN": desk.paint(desk.adain(own, target)),
        "content_mask": desk.paint(desk.adain(own, target, content_mask=mask)),
    }


def blend_by_alpha(desk: Desk) -> Pictures:
    own = desk.features(desk.picture("coffee", 400, 80))
    restyled = desk.adain(own, desk.features(desk.style("swirling_night")))
    blends = {
        alpha: desk.node("BlendByAlpha", content=own, stylised=restyled, alpha=alpha) for alpha in (0, 0.33, 0.67, 1)
    }
    return {f"alpha {alpha:g}": desk.paint(blend) for alpha, blend in blends.items()}


def brush_size(desk: Desk) -> Pictures:
    net = network(desk, name="msgnet")
    content, style = desk.picture("coffee", 400, 80), desk.style("rose_window")
    scaled = {f"scale {scale:g}": desk.node("BrushSize", style=style, scale=scale) for scale in (0.4, 0.8, 1.6)}
    return {"style": style, **{label: _matched(desk, net, content, image) for label, image in scaled.items()}}


def comatch(desk: Desk) -> Pictures:
    net = network(desk, name="msgnet")
    content = desk.picture("chelsea")
    styles = [desk.style(name) for name in ("autumn_avenue", "swirling_night")]
    painted = [_matched(desk, net, content, style) for style in styles]
    return {"style 1": styles[0], "content, style 1": painted[0], "content, style 2": painted[1], "style 2": styles[1]}


def contact_sheet(desk: Desk) -> Pictures:
    return {name.replace("_", " "): desk.style(name) for name in ("coffee", "rose_window", "chelsea", "ink_mountains")}


def load_style_network(desk: Desk) -> Pictures:
    content, style = desk.picture("chelsea"), desk.style("autumn_avenue")
    own = desk.features(content)
    bank = network(desk, name="stylebank")
    return {
        "compact, AdaIN": desk.paint(desk.adain(own, desk.features(style))),
        "compact, WCT": _cascade(desk, content, style, 0.6),
        "msgnet": _matched(desk, network(desk, name="msgnet"), content, style),
        "stylebank": _filtered(desk, bank, content, "van gogh starry night"),
    }


def mix_styles(desk: Desk) -> Pictures:
    own = desk.features(desk.picture("chelsea"))
    one, other = (desk.adain(own, desk.features(desk.style(name))) for name in ("swirling_night", "sea_mosaic"))
    mixed = {
        f"{first:g} : {1 - first:g}": desk.node(
            "MixStyles", features_1=one, features_2=other, weight_1=first, weight_2=1 - first
        )
        for first in (1, 0.75, 0.25, 0)
    }
    return {label: desk.paint(features) for label, features in mixed.items()}


def preserve_color(desk: Desk) -> Pictures:
    content, style = desk.picture("chelsea"), desk.style("sea_mosaic")
    own = desk.features(content)
    plain = desk.paint(desk.adain(own, desk.features(style)))
    matched = desk.node("PreserveColor", stylised=style, content=content, how="colour matching")
    return {
        "content": content,
        "as it comes": plain,
        "luminance": desk.node("PreserveColor", stylised=plain, content=content, how="luminance"),
        "colour matching": desk.paint(desk.adain(own, desk.features(matched))),
    }


def region_mask(desk: Desk) -> Pictures:
    content = desk.picture("astronaut", 512, 0)
    own, mask = desk.features(content), desk.mask(content)
    inside, outside = (desk.adain(own, desk.features(desk.style(name))) for name in ("swirling_night", "paper_leaves"))
    regions = {"inside": inside, "outside": outside}
    for feather in (0, 60):
        joined = desk.node("RegionMask", inside=inside, outside=outside, mask=mask, feather=feather)
        regions[f"feather {feather}"] = joined
    return {label: desk.paint(features) for label, features in regions.items()}


def sample_picture(desk: Desk) -> Pictures:
    names = ("astronaut", "rocket", "dotted_river", "ink_mountains")
    return {name: desk.style(name) for name in names}


def stylebank_filter(desk: Desk) -> Pictures:
    bank, content = network(desk, name="stylebank"), desk.picture("coffee", 400, 80)
    names = ("munch scream", "roman mosaic", "mondrian composition", "monet haystacks")
    return {name: _filtered(desk, bank, content, name) for name in names}


def stylebank_mix(desk: Desk) -> Pictures:
    bank, content = network(desk, name="stylebank"), desk.picture("chelsea")
    own = desk.features(content, "bank", bank)
    pictures: dict[str, Box] = {}
    for first in (1, 0.75, 0.25, 0):
        chosen = {
            "style_1": "van gogh starry night",
            "weight_1": first,
            "style_2": "munch scream",
            "weight_2": 1 - first,
        }
        fused = desk.node("StyleBankMix", network=bank, features=own, **chosen)
        pictures[f"{first:g} : {1 - first:g}"] = decode(desk, CELL, bank, fused)
    return pictures


def style_decoder(desk: Desk) -> Pictures:
    content, style = desk.picture("coffee", 400, 80), desk.style("swirling_night")
    own = desk.features(content)
    restyled = desk.adain(own, desk.features(style))
    return {
        "content": content,
        "reconstruction, as encoded": decode(desk, CELL, desk.net, own),
        "reconstruction, after AdaIN": decode(desk, CELL, desk.net, restyled),
        "adain, after AdaIN": desk.paint(restyled),
    }


def style_encoder(desk: Desk) -> Pictures:
    content = desk.picture("astronaut", 128, 160)
    levels = [f"relu{level}_1" for level in (2, 3, 4, 5)]
    return {level: decode(desk, CELL, desk.net, desk.features(content, level)) for level in levels}


def style_report(desk: Desk) -> Pictures:
    content, style = desk.picture("chelsea"), desk.style("autumn_avenue")
    result = _cascade(desk, content, style, 0.6)
    report = desk.node("StyleReport", network=desk.net, content=content, style=style, result=result)
    return {"content": content, "style": style, "result": result, "chart": report.output("chart")}


def stylize_large(desk: Desk) -> Pictures:
    content, style = desk.picture("coffee", 400, 80), desk.style("autumn_avenue")
    strengths = {"coarse levels": (0.9, 0.7, 0.3, 0, 0), "all levels": (0.6,) * 5, "fine levels": (0, 0, 0.5, 0.8, 1.0)}
    pictures: dict[str, Box] = {"content": content}
    for label, alphas in strengths.items():
        levels = {f"alpha_relu{level}_1": alpha for level, alpha in zip(LEVELS, alphas, strict=True)}
        pictures[label] = desk.node("StylizeLarge", network=desk.net, content=content, style_1=style, **levels)
    return pictures


def texture_noise(desk: Desk) -> Pictures:
    style = desk.style("rose_window")
    noises = [desk.node("TextureNoise", width=256, height=256, seed=seed) for seed in (1, 2)]
    woven = [_cascade(desk, noise, style, 1.0) for noise in noises]
    return {"seed 1": noises[0], "seed 1, restyled": woven[0], "seed 2, restyled": woven[1], "style": style}


def wct(desk: Desk) -> Pictures:
    content, style = desk.picture("chelsea"), desk.style("autumn_avenue")
    own, target = (desk.features(image, "relu3_1") for image in (content, style))
    pictures = {"content": content, "AdaIN": decode(desk, CELL, desk.net, desk.adain(own, target))}
    for method in ("whitening-colouring", "optimal transport"):
        pictures[method] = decode(desk, CELL, desk.net, desk.node("WCT", content=own, style=target, method=method))
    return pictures


def wct_level(desk: Desk) -> Pictures:
    content, style = desk.picture("chelsea"), desk.style("autumn_avenue")
    return {f"relu{level}_1": desk.level(content, style, level) for level in (5, 4, 3, 1)}


HELP: dict[str, Callable[[Desk], Pictures]] = {
    "BrushworkAdaIN": adain,
    "BrushworkBlendByAlpha": blend_by_alpha,
    "BrushworkBrushSize": brush_size,
    "BrushworkCoMatch": comatch,
    "BrushworkContactSheet": contact_sheet,
    "BrushworkLoadStyleNetwork": load_style_network,
    "BrushworkMixStyles": mix_styles,
    "BrushworkPreserveColor": preserve_color,
    "BrushworkRegionMask": region_mask,
    "BrushworkSamplePicture": sample_picture,
    "BrushworkStyleBankFilter": stylebank_filter,
    "BrushworkStyleBankMix": stylebank_mix,
    "BrushworkStyleDecoder": style_decoder,
    "BrushworkStyleEncoder": style_encoder,
    "BrushworkStyleReport": style_report,
    "BrushworkStylizeLarge": stylize_large,
    "BrushworkTextureNoise": texture_noise,
    "BrushworkWCT": wct,
    "BrushworkWCTLevel": wct_level,
}


def draw(name: str, target: Path) -> None:
    """The picture of a node's page: what its inputs change, side by side."""
    from PIL import Image

    desk = Desk()
    pictures = HELP[name](desk)
    result = sheet(desk, CELL, [*pictures.values()], [*pictures], 2)
    result.inputs["side"] = SIDE
    save(desk, CELL, result, name)
    graph = parse_workflow(to_page(desk, name), all_nodes())
    with TemporaryDirectory() as folder:
        Image.open(run_workflow(graph, all_nodes(), FOLDER, Path(folder))[0]).save(
            target, quality=QUALITY, optimize=True
        )


def _cascade(desk: Desk, image: Box, style: Box, alpha: float) -> Box:
    for level in LEVELS:
        image = desk.level(image, style, level, alpha=alpha)
    return image


def _matched(desk: Desk, net: Box, content: Box, style: Box) -> Box:
    own, target = (desk.features(image, "comatch", net) for image in (content, style))
    return decode(desk, CELL, net, desk.node("CoMatch", network=net, content=own, style=target))


def _filtered(desk: Desk, bank: Box, content: Box, style: str) -> Box:
    own = desk.features(content, "bank", bank)
    return decode(desk, CELL, bank, desk.node("StyleBankFilter", network=bank, features=own, style=style))


def main() -> None:
    """All pictures; Learn Style's is its workflow's, which takes minutes."""
    from PIL import Image, ImageOps

    FOLDER.mkdir(exist_ok=True)
    learnt = Image.open(Path(__file__).parents[1] / "workflows" / "stylebank_learn.jpg")
    ImageOps.contain(learnt, (360, 360)).save(FOLDER / "BrushworkLearnStyle.jpg", quality=QUALITY, optimize=True)
    for node in HELP:
        draw(node, FOLDER / f"{node}.jpg")


if __name__ == "__main__":
    main()
