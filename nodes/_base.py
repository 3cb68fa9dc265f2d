"""What all nodes share: the sockets and widgets that several have, in ComfyUI's V1 form, and validated inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..methods import MATCHING
from ..transfer.temporal import STATISTICS
from ..transfer.wct import METHODS as WCT_METHODS
from . import _host
from ._checks import FEATURES, NETWORK, Input, Inputs, validated


def network(tooltip: str = "From Load Style Network.") -> Input:
    return NETWORK, {"tooltip": tooltip}


def features(tooltip: str) -> Input:
    return FEATURES, {"tooltip": tooltip}


def image(tooltip: str) -> Input:
    return "IMAGE", {"tooltip": tooltip}


def mask(tooltip: str) -> Input:
    return "MASK", {"tooltip": tooltip}


def latent(tooltip: str) -> Input:
    return "LATENT", {"tooltip": tooltip}


def model(tooltip: str) -> Input:
    return "MODEL", {"tooltip": tooltip}


def choice(options: Sequence[str], tooltip: str, default: str | None = None, advanced: bool = False) -> Input:
    return list(options), {"default": default or options[0], "tooltip": tooltip, "advanced": advanced}


def method() -> Input:
    tip = (
        "'adain' moves each channel by itself; the next two are WCT's, and match the whole covariance; "
        "'efdm' matches each channel's whole histogram."
    )
    return choice(tuple(MATCHING), tip)


def wct_method() -> Input:
    tip = "Whitening-colouring is the paper's; optimal transport reaches the same statistics and moves features least."
    return choice(WCT_METHODS, tip)


def number(default: float, least: float, most: float, step: float, tooltip: str) -> Input:
    return "FLOAT", {"default": default, "min": least, "max": most, "step": step, "round": False, "tooltip": tooltip}


def whole(default: int, least: int, most: int, tooltip: str, **options: bool) -> Input:
    return "INT", {"default": default, "min": least, "max": most, "tooltip": tooltip, **options}


def alpha(tooltip: str, default: float = 1.0) -> Input:
    return "FLOAT", {"default": default, "min": 0.0, "max": 1.0, "step": 0.01, "display": "slider", "tooltip": tooltip}


def weight(what: str) -> Input:
    return number(1.0, 0.0, 10.0, 0.05, f"How much {what} counts; weights are scaled to the sum one.")


def transform(**widgets: Input) -> Inputs:
    """The inputs of a transform of content features by style features, with `widgets` of its own."""
    return {
        "required": {
            "content": features("The content's features, from Style Encoder."),
            "style": features("The style's features, from the same network and level; one picture, or one a content."),
            **widgets,
        },
        "optional": fitting(),
    }


def statistics() -> Input:
    tip = (
        "'per image' fits each picture of a batch by itself; 'whole batch' fits all at once, which keeps frames alike; "
        "'smoothed over time' fits each frame together with its neighbours, which follows a video without flicker."
    )
    return choice(STATISTICS, tip, advanced=True)


def fitting() -> dict[str, Input]:
    """What a transform is fitted to: each picture or the whole batch, and which parts of content and style."""
    return {
        "statistics": statistics(),
        "content_mask": mask(
            "Where to restyle: white is restyled, black stays. The content's statistics come from there."
        ),
        "style_mask": mask("Which part of the style to learn from: white counts, black does not."),
    }


PLAIN_WORDS = ("style transfer", "neural style", "painting", "artistic")
"""What somebody types who knows none of the papers."""


class Node:
    """A node says what it takes in INPUT_TYPES and does its work in `run`; the plain words find it too."""

    TITLE: str
    CATEGORY: str
    DESCRIPTION: str
    SEARCH_ALIASES: list[str] = []
    RETURN_TYPES: tuple[str, ...]
    RETURN_NAMES: tuple[str, ...]
    OUTPUT_TOOLTIPS: tuple[str, ...]
    FUNCTION = "execute"
    run: ClassVar[Callable[..., tuple[Any, ...]]]

    def __init_subclass__(cls) -> None:
        cls.SEARCH_ALIASES = list(dict.fromkeys([*cls.SEARCH_ALIASES, *PLAIN_WORDS]))

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        raise NotImplementedError

    def execute(self, **inputs: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever the sockets take
        """`run` on inputs that are what INPUT_TYPES says, wherever they are from; one sentence where memory is full."""
        with _host.out_of_memory_message(self.TITLE):
            return self.run(**validated(self.INPUT_TYPES(), inputs))


class ImageNode(Node):
    """A node with one picture as its result."""

    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("The picture, in 0..1.",)


class FeatureNode(Node):
    """A node with features as its result."""

    RETURN_TYPES = (FEATURES,)
    RETURN_NAMES = ("features",)
    OUTPUT_TOOLTIPS = ("Features, for another stage or for Style Decoder.",)
