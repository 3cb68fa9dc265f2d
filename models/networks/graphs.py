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
    """What it reads beside that, so that its memory stays, and no other parameter becomes the same one."""

    def repeat(self, given: Sequence[Tensor]) -> Tensor:
        """A result of its own for each time."""
        torch._foreach_copy_(list(self.given), list(given))  # pyright: ignore[reportPrivateImportUsage]
        self.graph.replay()
        return self.result.clone()


class Graphs:
    """The recordings of one network, the last `MOST` of them.

    A network has one where nobody moves its weights: a graph knows memory, not modules. Weights that did move, or
    changed, are another key, and the recordings of what they were are dropped.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._known: dict[tuple[Hashable, ...], Recording | str] = {}
        self.recording = False
        """Whether work is being recorded: what fails in it must fail, and not be tried in another way."""

    def run(self, key: Hashable, work: Callable[..., Tensor], given: Sequence[Tensor]) -> Tensor:
        """`work(*given)`, a tensor of the device.

        The first time it just runs, which makes ready what layers keep; the second time it is recorded. Work that
        cannot be recorded, since it waits for a value or memory is short, goes on as it is.
        """
        key = self._weights(), key, tuple((value.shape, value.stride(), value.dtype) for value in given)
        known = self._known.get(key)
        if isinstance(known, Recording):
            return known.repeat(given)
        if known is None:
            self.drop_stale()
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

    def drop_stale(self) -> None:
        """Give back the memory of recordings of weights that have moved or changed since."""
        weights = self._weights()
        self._known = {key: known for key, known in self._known.items() if key[0] == weights}

    def _recorded(self, work: Callable[..., Tensor], given: Sequence[Tensor]) -> Recording | None:
        self.recording = True
        try:
            own, graph = [value.clone() for value in given], torch.cuda.CUDAGraph()
            # The outer one comes back to this stream where the capture fails, too.
            with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph):
                result = work(*own)
        except RuntimeError as error:
            log.debug("not recorded: %s", error)
            self.clear()
            return None
        finally:
            self.recording = False
        kept = [layer.kept for layer in self._network.modules() if isinstance(layer, KeepingConv)]
        return Recording(graph, own, result, (kept, [*self._network.parameters()]))

    def _weights(self) -> Hashable:
        return tuple(
            (id(weight), weight.data_ptr(), weight.dtype, 0 if weight.is_inference() else weight._version)
            for weight in self._network.parameters()
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """A copy of the network starts without."""
        return None
