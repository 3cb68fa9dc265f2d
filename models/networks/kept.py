"""What a convolution makes of its weights, or for the size of a map, is made once and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import ref

import torch
from torch import Tensor, nn

Made = TypeVar("Made")


class KeepingConv(nn.Conv2d):
    """A convolution that keeps things by name. They go when the module moves, as ComfyUI moves it, or is cast."""

    def folded(self, name: str, make: Callable[[Tensor, Tensor | None], Made]) -> Made:
        """`make` of weight and bias: kept while both are what they were, and never where they learn."""
        weight, bias = self.weight, self.bias
        if weight.requires_grad or weight.is_inference():
            return make(weight, bias)
        parts = [weight] if bias is None else [weight, bias]
        return self.keep(name, tuple((ref(part), part._version) for part in parts), lambda: make(weight, bias))

    def keep(self, name: str, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, kept while the key is the same."""
        known: dict[str, tuple[Hashable, Any]] = self.__dict__.setdefault("_kept", {})
        if name not in known or known[name][0] != key:
            with torch.inference_mode(False):
                known[name] = key, make()
        return known[name][1]

    @property
    def kept(self) -> list[Any]:
        """All that is kept now: who records what this layer does has to hold it as well."""
        return [made for _, made in self.__dict__.get("_kept", {}).values()]

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> KeepingConv:
        self.__dict__.pop("_kept", None)
        return super()._apply(fn, recurse)

    def __getstate__(self) -> dict[str, Any]:
        """What is kept is not copied: weights are."""
        return {name: value for name, value in self.__dict__.items() if name != "_kept"}
