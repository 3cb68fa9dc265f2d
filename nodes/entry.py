"""The whole way in one node: a photograph in a painting's style, or in a style of the bank."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..methods import DEFAULT, METHODS
from ..methods.protocol import Method, Style
from ..methods.stylebank import bank_of
from ..models.weights.learnt_styles import EMPTY_SLOT as NONE
from ..transfer.colour import match_colours
from ..transfer.moments import check_batches
from ..transfer.resize import to_longer_side
from ..transfer.temporal import PER_IMAGE
from ._base import NETWORK, ImageNode, Input, Inputs, choice, number, slider, socket, statistics_choice, whole
from ._checks import choice_in, for_each, picture_in, picture_out, region_in, room_for, statistics_in
from ._host import HostedNetwork
from .networks import StyleByName, bank_styles, load_hosted, style_of
from .pictures import COLOUR_MATCHING, COLOUR_SOURCES, recoloured

METHOD_NAMES = tuple(name for name, method in METHODS.items() if method.style_input == "picture")
"""Those that take any painting."""
FIRST_STYLE = "van gogh starry night"
NO = "no"
COLORS = (NO, *COLOUR_SOURCES)
PLAIN_WORDS = ["style transfer", "neural style", "artistic", "stylize", "fast style transfer", "风格迁移"]
PAINTING_WORDS = ["painting", "oil painting", "van gogh", "starry night", "绘画", "油画"]
"""What somebody types who knows none of the papers; the latter find Painting Style first."""


class StyleTransfer(ImageNode):
    """Any picture in the style of any other."""

    TITLE = "Style Transfer (AdaIN, WCT, MSG-Net)"
    CATEGORY = "brushwork"
    DESCRIPTION = "Paints a picture in the style of another: connect both, choose a method, and run."
    SEARCH_ALIASES = [*PLAIN_WORDS, *PAINTING_WORDS, "adain", "wct", "msgnet", "msg-net", "efdm"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        method = (
            "'adain' is quick, 'wct' keeps faces and skies even, 'msgnet' has the clearest strokes, 'efdm' takes whole "
            "histograms; 'whitening-colouring' is WCT as its paper has it."
        )
        painting = (
            "The painting. With one content several give a result each; with several contents give one, or as many as "
            "contents."
        )
        strokes = (
            "The larger, the larger the strokes: at 1 the style picture gets the painted one's size, at 2 twice that."
        )
        return {
            "required": {
                "content": socket("IMAGE", "The picture to paint, of any size, or a batch."),
                "style": socket("IMAGE", painting),
                "method": choice(METHOD_NAMES, method, DEFAULT),
                "strength": slider("0 is the content, 1 the full strength of the method."),
                "stroke_size": number(1.0, 0.25, 4.0, 0.05, strokes),
                "keep_colors": keep_colors(),
                "size": size(),
            },
            "optional": {
                "network": socket(NETWORK, "Another network than the method's own, from Load Style Network."),
                **masked(),
                "style_mask": socket("MASK", "Which part of the style to learn from: white counts, black does not."),
                "statistics": statistics_choice(),
            },
        }

    def run(
        self,
        content: Tensor,
        style: Tensor,
        method: str = DEFAULT,
        strength: float = 1.0,
        stroke_size: float = 1.0,
        keep_colors: str = NO,
        size: int = 1024,
        network: HostedNetwork | None = None,
        mask: Tensor | None = None,
        style_mask: Tensor | None = None,
        statistics: str = PER_IMAGE,
    ) -> tuple[Tensor]:
        chosen, own = METHODS[choice_in(method, METHOD_NAMES, "method")], _sized(content, size)
        painting, side = picture_in(style, "style"), max(1, round(max(own.shape[-2:]) * stroke_size))
        room_for(painting.shape[0] * side**2, "use a smaller stroke_size")
        painting = to_longer_side(painting, side)
        own = for_each(own, painting)
        check_batches(len(own), len(painting))
        learnt_from = region_in(style_mask, "style_mask", painting, of_style=True)
        if choice_in(keep_colors, COLORS, "keep_colors") == COLOUR_MATCHING:
            painting = match_colours(for_each(painting, own), own, learnt_from).clamp(0, 1)
        source = Style(painting, mask=learnt_from)
        return (_painted(network, chosen, own, [source], strength, keep_colors, mask, statistics),)


class PaintedStyle(StyleByName, ImageNode):
    """Any picture in a style that the bank has learnt."""

    TITLE = "Painting Style (StyleBank)"
    CATEGORY = "brushwork"
    DESCRIPTION = "Paints a picture in a style that comes with the pack, or that you taught it; two can be mixed."
    SEARCH_ALIASES = [*PAINTING_WORDS, "stylebank", "style bank", "style preset"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        names = bank_styles(METHODS["stylebank"].network)
        return {
            "required": {
                "content": socket("IMAGE", "The picture to paint, of any size, or a batch."),
                "style": choice(names, "A style of the bank; Learn Style adds your own.", FIRST_STYLE),
                "strength": slider("0 is the content, 1 the full style."),
                "second_style": choice((NONE, *names), "Another style to mix in, or 'none'."),
                "share": slider("How much of the second style: 0 is the first alone, 1 the second.", 0.5),
                "keep_colors": keep_colors(),
                "size": size(),
            },
            "optional": {
                "network": socket(NETWORK, "Another bank than the built-in one, from Load Style Network."),
                **masked(),
                "statistics": statistics_choice(),
            },
        }

    @classmethod
    def VALIDATE_INPUTS(cls, style: str = "", second_style: str = "") -> bool:
        return True  # a bank may have learnt styles that no list knew; `run` names the ones there are

    def run(
        self,
        content: Tensor,
        style: str,
        strength: float = 1.0,
        second_style: str = NONE,
        share: float = 0.5,
        keep_colors: str = NO,
        size: int = 1024,
        network: HostedNetwork | None = None,
        mask: Tensor | None = None,
        statistics: str = PER_IMAGE,
    ) -> tuple[Tensor]:
        own, second = _sized(content, size), 0.0 if second_style == NONE else share
        weights = {style: 1.0 - second, second_style: second} if second_style != style else {style: 1.0}
        hosted = network or load_hosted("stylebank")
        bank = bank_of(hosted.network)
        sources = [Style(style_of(bank, name), weight) for name, weight in weights.items() if weight]
        choice_in(keep_colors, COLORS, "keep_colors")
        painted = _painted(hosted, METHODS["stylebank"], own, sources, strength, keep_colors, mask, statistics)
        return (painted,)


def keep_colors() -> Input:
    tip = "'luminance' keeps the hue of every pixel of the content, 'colour matching' its colours as a whole."
    return choice(COLORS, tip)


def size() -> Input:
    tip = "Pixels of the result's longer side: a larger content is shrunk to it, a smaller one stays; 0 keeps its size."
    return whole(1024, 0, 16384, tip)


def masked() -> dict[str, Input]:
    return {"mask": socket("MASK", "Where to paint: white is painted, black keeps the content's own pixels.")}


def _sized(content: Tensor, size: int) -> Tensor:
    picture = picture_in(content, "content")
    return to_longer_side(picture, size, shrink=True) if size else picture


def _painted(
    network: HostedNetwork | None,
    method: Method,
    content: Tensor,
    styles: list[Style],
    strength: float,
    keep_colors: str,
    mask: Tensor | None,
    statistics: str,
) -> Tensor:
    region = region_in(mask, "mask", content)
    placed = [replace(style, region=region) for style in styles]
    hosted, alpha = network or load_hosted(method.network), strength * method.strength
    painted = hosted.render(method, content, placed, alpha, statistics_in(statistics))
    if keep_colors == NO or (keep_colors == COLOUR_MATCHING and method.style_input == "picture"):  # its style has them
        return painted
    return picture_out(recoloured(painted.movedim(-1, 1), content, keep_colors, region))
