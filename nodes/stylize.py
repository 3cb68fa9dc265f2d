"""AdaIN or the whole cascade of WCT on pictures of any size, in one node."""

from __future__ import annotations

from logging import WARNING
from typing import Any

from torch import Tensor

from ..methods import MATCHING
from ..methods.protocol import Style
from ..models.networks.base import ADAIN
from ..transfer.temporal import PER_IMAGE
from ._base import NETWORK, ImageNode, Input, Inputs, choice, method_choice, slider, socket, statistics_choice, weight
from ._checks import choice_in, for_each, picture_in, region_in, statistics_in
from ._host import HostedNetwork, say
from .networks import COARSE_TO_FINE

SLOTS = (1, 2, 3, 4)
BY_ALPHAS, OF_PAPER = "by the alphas", "the paper's"


class StylizeLarge(ImageNode):
    """Tiles that leave no seam, since statistics are those of the whole picture."""

    TITLE = "Stylize Large"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = (
        "AdaIN or the whole WCT cascade on a picture of any size: in tiles, in little memory, and without a seam."
    )
    SEARCH_ALIASES = [
        "tiled style transfer",
        "high resolution",
        "out of memory",
        "wct cascade",
        "adain",
        "seamless tiles",
    ]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        picture = socket("IMAGE", "A style picture: one, or one for each content.")
        region = "Where style_{} goes, over the styles before it: white is restyled, black is not."
        return {
            "required": {
                "network": socket(NETWORK, "From Load Style Network; for MSG-Net and StyleBank there are other nodes."),
                "content": socket("IMAGE", "The picture to restyle, of any size, or a batch."),
                "style_1": picture,
                "method": method_choice(),
                "alpha_relu5_1": _alpha(0.0, "large shapes"),
                "alpha_relu4_1": _alpha(1.0, "shapes and strokes, where AdaIN works"),
                "alpha_relu3_1": _alpha(0.0, "strokes"),
                "alpha_relu2_1": _alpha(0.0, "fine strokes"),
                "alpha_relu1_1": _alpha(0.0, "colours and grain"),
            },
            "optional": {
                **{f"style_{slot}": picture for slot in SLOTS[1:]},
                **{f"weight_{slot}": weight(f"style_{slot}", " among the styles without a mask") for slot in SLOTS},
                **{f"mask_{slot}": socket("MASK", region.format(slot)) for slot in SLOTS},
                "style_mask": socket("MASK", "Which part of style_1 to learn from: white counts, black does not."),
                "statistics": statistics_choice(),
                "levels": choice(
                    (BY_ALPHAS, OF_PAPER),
                    "'the paper's' ignores the alphas: relu4_1 at full strength for 'adain' and 'efdm', all five "
                    "levels for WCT, at 0.6, or at 0.8 by optimal transport.",
                ),
            },
        }

    def run(
        self,
        network: HostedNetwork,
        content: Tensor,
        style_1: Tensor,
        method: str = ADAIN,
        alpha_relu5_1: float = 0.0,
        alpha_relu4_1: float = 1.0,
        alpha_relu3_1: float = 0.0,
        alpha_relu2_1: float = 0.0,
        alpha_relu1_1: float = 0.0,
        statistics: str = PER_IMAGE,
        levels: str = BY_ALPHAS,
        style_mask: Tensor | None = None,
        **slots: Any,  # noqa: ANN401 - style_2 ... style_4, and weight_1 and mask_1 to weight_4 and mask_4
    ) -> tuple[Tensor]:
        alphas = (alpha_relu5_1, alpha_relu4_1, alpha_relu3_1, alpha_relu2_1, alpha_relu1_1)
        chosen = MATCHING[choice_in(method, tuple(MATCHING), "method")]
        strengths = dict.fromkeys(chosen.default_levels(network.network), chosen.strength)
        if choice_in(levels, (BY_ALPHAS, OF_PAPER), "levels") == BY_ALPHAS:
            strengths = {level: alpha for level, alpha in zip(COARSE_TO_FINE, alphas, strict=True) if alpha}
            if not strengths:
                raise ValueError("every alpha is 0, so nothing would change: raise one, such as alpha_relu4_1.")
        given, styles = {"style_1": style_1, **slots}, list[Style]()
        pictures = {
            slot: picture_in(image, f"style_{slot}")
            for slot in SLOTS
            if (image := given.get(f"style_{slot}")) is not None
        }
        for slot in SLOTS:
            if given.get(f"mask_{slot}") is not None and slot not in pictures:
                say(f"'mask_{slot}' has no 'style_{slot}' to go with it: connect one.", WARNING)
        own = for_each(picture_in(content, "content"), *pictures.values())
        for slot, picture in pictures.items():
            region = region_in(given.get(f"mask_{slot}"), f"mask_{slot}", own)
            part = region_in(style_mask, "style_mask", picture, of_style=True) if slot == 1 else None
            styles.append(Style(picture, given.get(f"weight_{slot}", 1.0), region, part))
        return (network.render(chosen, own, styles, strengths, statistics_in(statistics)),)


def _alpha(default: float, what: str) -> Input:
    return slider(f"Strength at this level ({what}): 0 leaves the level out, 1 is the full style.", default)
