"""CUDA graphs: work that is handed out in the same way again and again is recorded once, and repeated by one launch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .kept import KeepingConv

log = logging.getLogger(__name__)

ONCE, UNFIT = "ran once", "cannot be recorded"
MOST = 4
"""Recordings that are kept, each with the memory of all that it computes."""


@dataclass(frozen=True)
class Recording:
    """A graph, what it reads and what it writes."""

    graph: torch.cuda.CUDAGraph
    given: Sequence[Tensor]
    result: Tensor
    held: Any
    """What it reads beside that, so that its memory stays."""

    def repeat(self, given: Sequence[Tensor]) -> Tensor:
        """A result of its own for each time."""
        torch._foreach_copy_(list(self.given), list(given))  # pyright: ignore[reportPrivateImportUsage]
        self.graph.replay()
        return self.result.clone()


class Graphs:
    """The recordings of one network, the last `MOST` of them.

    A network has one where nobody moves its weights: a graph knows memory, not modules. Weights that did move, or
    changed, are another key.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._known: dict[Hashable, Recording | str] = {}

    def run(self, key: Hashable, work: Callable[..., Tensor], given: Sequence[Tensor]) -> Tensor:
        """`work(*given)`, a tensor of the device.

        The first time it just runs, which makes ready what layers keep; the second time it is recorded. Work that
        cannot be recorded, since it waits for a value or memory is short, goes on as it is.
        """
        key = key, tuple((value.shape, value.stride(), value.dtype) for value in given), self._weights()
        known = self._known.get(key)
        if isinstance(known, Recording):
            return known.repeat(given)
        if known is None:
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
        elif known == ONCE and (recorded := self._recorded(work, given)):
            self._known[key] = recorded
            return recorded.repeat(given)
        self._known[key] = ONCE if known is None else UNFIT
        return work(*given)

    def clear(self) -> None:
        """Give their memory back."""
        self._known.clear()

    def _recorded(self, work: Callable[..., Tensor], given: Sequence[Tensor]) -> Recording | None:
        try:
            own, graph = [value.clone() for value in given], torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                result = work(*own)
        except RuntimeError as error:
            log.debug("not recorded: %s", error)
            self.clear()
            return None
        held = [layer.kept for layer in self._network.modules() if isinstance(layer, KeepingConv)]
        return Recording(graph, own, result, held)

    def _weights(self) -> Hashable:
        return tuple(
            (weight.data_ptr(), 0 if weight.is_inference() else weight._version)
            for weight in self._network.parameters()
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """A copy of the network starts without."""
        return None
