"""What all nodes share: the sockets and widgets that several have, in ComfyUI's V1 form, and validated inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from reprlib import repr as shortened
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from torch import Tensor

from ..methods import MATCHING
from ..transfer.temporal import STATISTICS
from ..transfer.wct import METHODS as WCT_METHODS
from ._host import CachedFeatures, HostedNetwork, with_room

NETWORK, FEATURES = "BRUSHWORK_NETWORK", "BRUSHWORK_FEATURES"


@runtime_checkable
class Video(Protocol):
    """What ComfyUI's VIDEO is asked for."""

    def get_components(self) -> Any: ...  # noqa: ANN401 - ComfyUI's: images, audio and frame_rate


SOCKET_TYPES: dict[str, type] = {
    "IMAGE": Tensor,
    "MASK": Tensor,
    "VIDEO": Video,
    "LATENT": dict,
    "STRING": str,
    NETWORK: HostedNetwork,
    FEATURES: CachedFeatures,
}
"""The classes of what sockets carry; other types are let through."""
MAX_WORD = 200
"""Characters of a word from a list."""

Input = tuple[str | list[str], dict[str, Any]]
Inputs = dict[str, dict[str, Any]]


def socket(kind: str, tooltip: str) -> Input:
    return kind, {"tooltip": tooltip}


def choice(options: Sequence[str], tooltip: str, default: str | None = None, advanced: bool = False) -> Input:
    return list(options), {"default": default or options[0], "tooltip": tooltip, "advanced": advanced}


def method_choice() -> Input:
    tip = (
        "'adain' moves each channel by itself; the next two are WCT's, and match the whole covariance; "
        "'efdm' matches each channel's whole histogram."
    )
    return choice(tuple(MATCHING), tip)


def solver() -> Input:
    tip = "Whitening-colouring is the paper's; optimal transport reaches the same statistics and moves features least."
    return choice(WCT_METHODS, tip)


def number(default: float, least: float, most: float, step: float, tooltip: str) -> Input:
    return "FLOAT", {"default": default, "min": least, "max": most, "step": step, "round": False, "tooltip": tooltip}


def whole(default: int, least: int, most: int, tooltip: str, **options: bool) -> Input:
    return "INT", {"default": default, "min": least, "max": most, "tooltip": tooltip, **options}


def slider(tooltip: str, default: float = 1.0) -> Input:
    return "FLOAT", {"default": default, "min": 0.0, "max": 1.0, "step": 0.01, "display": "slider", "tooltip": tooltip}


def weight(what: str, among: str = "") -> Input:
    return number(1.0, 0.0, 10.0, 0.05, f"How much {what} counts{among}; weights are scaled to the sum one.")


def statistics_choice() -> Input:
    tip = (
        "'per image' fits each picture of a batch by itself; 'whole batch' fits all at once, which keeps frames alike; "
        "'smoothed over time' fits each frame together with its neighbours, which keeps a video's colours steady."
    )
    return choice(STATISTICS, tip, advanced=True)


def fitting(of_style: bool = True) -> dict[str, Input]:
    """What a transform is fitted to: each picture or the whole batch, and which parts of content and style."""
    tip = "Where to restyle: white is restyled, black stays. The content's statistics come from there."
    inputs = {"statistics": statistics_choice(), "content_mask": socket("MASK", tip)}
    if of_style:
        inputs["style_mask"] = socket("MASK", "Which part of the style to learn from: white counts, black does not.")
    return inputs


def own_network() -> dict[str, Input]:
    return {"network": socket(NETWORK, "Not needed: features know the network that encoded them.")}


class Node:
    """A node says what it takes in INPUT_TYPES and does its work in `run`."""

    TITLE: str
    CATEGORY: str
    DESCRIPTION: str
    SEARCH_ALIASES: list[str] = []
    RETURN_TYPES: tuple[str, ...]
    RETURN_NAMES: tuple[str, ...]
    OUTPUT_TOOLTIPS: tuple[str, ...]
    FUNCTION = "execute"
    run: ClassVar[Callable[..., tuple[Any, ...]]]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        raise NotImplementedError

    def execute(self, **inputs: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever the sockets take
        """`run` on inputs that are what INPUT_TYPES says, wherever they are from; one sentence where memory is full."""
        return with_room(self.TITLE, lambda: self.run(**validated(self.INPUT_TYPES(), inputs)))


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


def validated(declared: Inputs, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as `run` takes it; what is optional and holds nothing counts as not connected, and so does what no input
    is named after: a link that another version of the pack had a place for.

    ValueError, with the remedy, for a value of another type than INPUT_TYPES declared, and a number out of its range.
    """
    inputs = {**declared["required"], **declared.get("optional", {})}
    present = [name for name in given if name in declared["required"] or (name in inputs and given[name] is not None)]
    return {name: _validated(name, given[name], *inputs[name]) for name in present}


def _validated(name: str, value: Any, kind: str | list[str], options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if isinstance(kind, list):  # any plain word: whether it is in the list is for the one who knows all choices to say
        if not isinstance(value, str) or len(value) > MAX_WORD or not value.isprintable():
            raise ValueError(f"'{name}' is {_said(value)}: choose one of its list.")
    elif kind in ("INT", "FLOAT"):
        number, words = (int, "a whole number") if kind == "INT" else (float, "a number")
        real = cast("float", value) if isinstance(value, Real) else math.nan
        least, most = options["min"], options["max"]
        if not least <= real <= most or number(real) != real:  # NaN is not between
            raise ValueError(f"'{name}' is {_said(value)}: use {words} from {least} to {most}.")
        return number(real)
    elif not isinstance(value, SOCKET_TYPES.get(kind, object)):
        raise ValueError(f"'{name}' holds {_said(value)} and takes {kind}: look at the node that made it.")
    return value


def _said(value: object) -> str:
    """A value in a message, short and on one line."""
    return shortened(value) if isinstance(value, str | Real) else f"a {type(value).__name__}"
