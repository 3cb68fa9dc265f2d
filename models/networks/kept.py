"""What a convolution makes of its weights, or for the size of a map, is made once and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import ref

import torch
from torch import Tensor, nn

Made = TypeVar("Made")

SIZES = 8
"""Of maps that a layer is ready for: those of content and style, of tiles at a picture's edges and inside."""


class KeepingConv(nn.Conv2d):
    """A convolution that keeps things by name, until the module moves, as ComfyUI moves it, is cast or filled."""

    fuses: bool = True
    """Until cuDNN has no kernel of convolution, bias and ReLU for it."""

    @property
    def observed(self) -> bool:
        """Whether somebody waits for its calls, which then must not become part of others."""
        return bool(self._forward_hooks or self._forward_pre_hooks)

    def folded(self, name: str, make: Callable[[Tensor, Tensor | None], Made]) -> Made:
        """`make` of weight and bias: kept while both are what they were, and never where they learn."""
        weight, bias = self.weight, self.bias
        if weight.requires_grad:
            return make(weight, bias)
        # What moved in inference mode tells no versions: nothing writes into it but what is seen below.
        parts = (part for part in (weight, bias) if part is not None)
        key = tuple((ref(part), 0 if part.is_inference() else part._version) for part in parts)
        return self.keep(name, key, lambda: make(weight, bias))

    def keep(self, name: str, key: Hashable, make: Callable[[], Made], most: int = 1) -> Made:
        """What `make` gives for a key; by each name the last `most` are kept."""
        known: dict[Hashable, Made] = self.__dict__.setdefault("_kept", {}).setdefault(name, {})
        if key not in known:
            while len(known) >= most:
                del known[next(iter(known))]
            with torch.inference_mode(False):
                known[key] = make()
        return known[key]

    @property
    def kept(self) -> list[Any]:
        """All that is kept now: who records what this layer does has to hold it as well."""
        return [made for known in self.__dict__.get("_kept", {}).values() for made in known.values()]

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> KeepingConv:
        self.__dict__.pop("_kept", None)
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - torch's own
        self.__dict__.pop("_kept", None)
        super()._load_from_state_dict(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """What is kept is not copied: weights are."""
        return {name: value for name, value in self.__dict__.items() if name != "_kept"}
