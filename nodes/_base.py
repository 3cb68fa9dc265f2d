"""What all nodes share: their declared inputs are checked before they run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from reprlib import repr as shortened
from typing import Any, ClassVar, cast

from torch import Tensor

from . import _host, _inputs
from ._host import HostedNetwork, KeptFeatures
from ._inputs import FEATURES, NETWORK, Inputs

CARRIED: dict[str, type] = {
    "IMAGE": Tensor,
    "MASK": Tensor,
    "LATENT": dict,
    "STRING": str,
    NETWORK: HostedNetwork,
    FEATURES: KeptFeatures,
}
"""What the values of each type of socket are; other types are let through."""
LONGEST = 200
"""Characters of a word from a list."""


def accepted(declared: Inputs, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as `run` takes it; what is optional and holds nothing counts as not connected, and so does what no input
    is named after: a link that another version of the pack had a place for.

    ValueError, with the remedy, for a value of another type than INPUT_TYPES declared, and a number out of its range.
    """
    inputs = {**declared["required"], **declared.get("optional", {})}
    present = [name for name in given if name in declared["required"] or (name in inputs and given[name] is not None)]
    return {name: _accepted(name, given[name], *inputs[name]) for name in present}


def _accepted(name: str, value: Any, kind: str | list[str], options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if isinstance(kind, list):
        return _word(name, value)
    if kind in ("INT", "FLOAT"):
        return _number(name, value, kind, options["min"], options["max"])
    if not isinstance(value, CARRIED.get(kind, object)):
        raise ValueError(f"'{name}' holds {_said(value)} and takes {kind}: look at the node that made it.")
    return value


def _word(name: str, value: object) -> str:
    """Any plain word: whether it is in the list is for the one who knows all the choices to say."""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise ValueError(f"'{name}' is {_said(value)}: choose one of its list.")
    return value


def _number(name: str, value: object, kind: str, least: float, most: float) -> float:
    number, words = (int, "a whole number") if kind == "INT" else (float, "a number")
    real = cast("float", value) if isinstance(value, Real) else math.nan
    if not least <= real <= most or number(real) != real:  # NaN is not between
        raise ValueError(f"'{name}' is {_said(value)}: use {words} from {least} to {most}.")
    return number(real)


def _said(value: object) -> str:
    """A value in a message, short and on one line."""
    return shortened(value) if isinstance(value, str | Real) else f"a {type(value).__name__}"


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
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        raise NotImplementedError

    def execute(self, **inputs: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever the sockets take
        """`run` on inputs that are what INPUT_TYPES says, wherever they are from; one sentence where memory is full."""
        with _host.memory_advice(self.TITLE):
            return self.run(**accepted(self.INPUT_TYPES(), inputs))


class ImageNode(Node):
    """A node with one picture as its result."""

    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("The picture, in 0..1.",)


class FeatureNode(Node):
    """A node with features as its result."""

    RETURN_TYPES = (_inputs.FEATURES,)
    RETURN_NAMES = ("features",)
    OUTPUT_TOOLTIPS = ("Features, for another stage or for Style Decoder.",)
