"""Inputs are what a node declares: ComfyUI checks widgets, and nothing of what comes over a link."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from reprlib import repr as shortened
from typing import Any, cast

from torch import Tensor

from ..transfer.over_time import Past
from ._host import HostedNetwork
from ._inputs import FEATURES, NETWORK, PAST, Inputs
from ._residency import KeptFeatures

CARRIED: dict[str, type] = {
    "IMAGE": Tensor,
    "MASK": Tensor,
    "LATENT": dict,
    "STRING": str,
    NETWORK: HostedNetwork,
    FEATURES: KeptFeatures,
    PAST: Past,
}
"""What the values of each type of socket are; other types are let through."""
LONGEST = 200
"""Characters of a word from a list."""


def accepted(declared: Inputs, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as `run` takes it; what is optional and holds nothing counts as not connected.

    ValueError, with the remedy, for a value of another type than INPUT_TYPES declared, and a number out of its range.
    """
    inputs = {**declared["required"], **declared.get("optional", {}), **declared.get("hidden", {})}
    present = {name: value for name, value in given.items() if value is not None or name in declared["required"]}
    return {name: _accepted(name, value, *inputs[name]) for name, value in present.items()}


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
