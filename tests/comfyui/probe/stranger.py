"""Nodes of the tests' ComfyUI: one sends what no node should, one takes whatever comes of it. Not for pytest."""

import math
from collections.abc import Callable
from typing import Any

import torch


class Anything(str):
    """A type of socket that goes with all others."""

    __hash__ = str.__hash__

    def __ne__(self, other: object) -> bool:
        return False


VALUES: dict[str, Callable[[], Any]] = {
    "nan": lambda: math.nan,
    "inf": lambda: -math.inf,
    "1e30": lambda: 1e30,
    "minus": lambda: -7,
    "half": lambda: 0.5,
    "nothing": lambda: None,
    "text": lambda: "7",
    "long": lambda: "../" * 100_000,
    "nul": lambda: "a\0b",
    "surrogate": lambda: "\ud800",
    "pixel": lambda: torch.ones(1, 1, 1, 3),
    "thread": lambda: torch.rand(1, 1, 20_000, 3),
    "no pixels": lambda: torch.ones(0, 8, 8, 3),
    "rgba": lambda: torch.rand(1, 9, 9, 4),
    "grey": lambda: torch.rand(2, 9, 9, 1),
    "not finite": lambda: torch.full((1, 9, 9, 3), math.nan),
    "far out": lambda: torch.full((1, 9, 9, 3), 1e30),
    "bytes": lambda: torch.zeros(1, 9, 9, 3, dtype=torch.uint8),
    "three masks": lambda: torch.ones(3, 9, 9),
}
STRANGE = Anything("*")


class Strange:
    """Gives a value by its name."""

    RETURN_TYPES = (STRANGE,)
    FUNCTION, CATEGORY = "give", "tests"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"what": (list(VALUES),)}}

    def give(self, what: str) -> tuple[Any]:
        return (VALUES[what](),)


class Sink:
    """Takes a result, so that what made it is run."""

    RETURN_TYPES = ()
    FUNCTION, CATEGORY, OUTPUT_NODE = "take", "tests", True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": (STRANGE,)}}

    def take(self, value: object) -> dict[str, Any]:
        return {"ui": {"text": [type(value).__name__]}}


NODE_CLASS_MAPPINGS: dict[str, type] = {"TestStrange": Strange, "TestSink": Sink}
