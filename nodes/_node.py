"""What all nodes share, in ComfyUI's V1 form written the V3 way: no state, argument names equal input ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from . import _host, _inputs
from ._door import accepted

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
