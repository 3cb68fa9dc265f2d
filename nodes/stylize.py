"""AdaIN or the whole cascade of WCT on pictures of any size, in one node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..methods import MATCHING
from ..methods.protocol import Style
from ..models.networks.base import ADAIN
from ..transfer.temporal import PER_IMAGE
from . import _base, _host
from ._base import ImageNode
from ._checks import choice_in, picture_in, region_in, statistics_in, style_mask_in

SLOTS = (1, 2, 3, 4)


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
    def INPUT_TYPES(cls) -> _base.Inputs:
        return {
            "required": {
                "network": _base.network("From Load Style Network; for MSG-Net and StyleBank there are other nodes."),
                "content": _base.image("The picture to restyle, of any size, or a batch."),
                "style_1": _style(),
                "method": _base.method(),
                "alpha_relu5_1": _alpha(0.0, "large shapes"),
                "alpha_relu4_1": _alpha(1.0, "shapes and strokes, where AdaIN works"),
                "alpha_relu3_1": _alpha(0.0, "strokes"),
                "alpha_relu2_1": _alpha(0.0, "fine strokes"),
                "alpha_relu1_1": _alpha(0.0, "colours and grain"),
            },
            "optional": {
                **{f"style_{slot}": _style() for slot in SLOTS[1:]},
                **{f"weight_{slot}": _weight(slot) for slot in SLOTS},
                **{f"mask_{slot}": _mask(slot) for slot in SLOTS},
                "style_mask": _base.mask("Which part of style_1 to learn from: white counts, black does not."),
                "statistics": _base.statistics(),
            },
        }

    def run(
        self,
        network: _host.HostedNetwork,
        content: Tensor,
        style_1: Tensor,
        method: str = ADAIN,
        alpha_relu5_1: float = 0.0,
        alpha_relu4_1: float = 1.0,
        alpha_relu3_1: float = 0.0,
        alpha_relu2_1: float = 0.0,
        alpha_relu1_1: float = 0.0,
        statistics: str = PER_IMAGE,
        style_mask: Tensor | None = None,
        **slots: Any,  # noqa: ANN401 - style_2 ... style_4, and weight_1 and mask_1 to weight_4 and mask_4
    ) -> tuple[Tensor]:
        alphas = {
            "relu5_1": alpha_relu5_1,
            "relu4_1": alpha_relu4_1,
            "relu3_1": alpha_relu3_1,
            "relu2_1": alpha_relu2_1,
            "relu1_1": alpha_relu1_1,
        }
        choice_in(method, tuple(MATCHING), "method")
        picture = picture_in(content, "content")
        given = {"style_1": style_1, **slots}
        styles = [
            _style_in(slot, given, picture, style_mask) for slot in SLOTS if given.get(f"style_{slot}") is not None
        ]
        chosen, how = _chosen(alphas), statistics_in(statistics)
        return (network.render(MATCHING[method], picture, styles, chosen, how),)


def _style() -> _base.Input:
    return _base.image("A style picture; one, or one a content.")


def _alpha(default: float, what: str) -> _base.Input:
    return _base.alpha(f"Strength at this level ({what}): 0 leaves the level out, 1 is the full style.", default)


def _weight(slot: int) -> _base.Input:
    what = f"style_{slot} counts among the styles without a mask; weights are scaled to the sum one."
    return _base.number(1.0, 0.0, 10.0, 0.05, f"How much {what}")


def _mask(slot: int) -> _base.Input:
    return _base.mask(f"Where style_{slot} goes, over the styles before it: white is restyled, black is not.")


def _style_in(slot: int, given: Mapping[str, Any], content: Tensor, style_mask: Tensor | None) -> Style:
    name = f"style_{slot}"
    picture = picture_in(given[name], name)
    region = region_in(given.get(f"mask_{slot}"), f"mask_{slot}", content)
    style_mask = style_mask_in(style_mask, "style_mask", picture) if slot == SLOTS[0] else None
    return Style(picture, given.get(f"weight_{slot}", 1.0), region, style_mask)


def _chosen(alphas: Mapping[str, float]) -> dict[str, float]:
    """The levels that take part."""
    chosen = {level: alpha for level, alpha in alphas.items() if alpha != 0}
    if not chosen:
        raise ValueError("every alpha is 0, so nothing would change: raise one, such as alpha_relu4_1.")
    return chosen
