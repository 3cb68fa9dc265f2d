"""Whose statistics an operator is fitted to: each picture's, the whole batch's, or those of frames close in time.

Smoothed over time, what moves through a video does not make it flicker. No frame counts with those beyond a cut.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import torch
from torch import Tensor

from .moments import Moments
from .quantiles import Quantiles

PER_IMAGE, WHOLE_BATCH, SMOOTHED = "per image", "whole batch", "smoothed over time"
STATISTICS = (PER_IMAGE, WHOLE_BATCH, SMOOTHED)
FRAMES = 4
"""Frames to either side that count with a frame: a third of a second in all at 25 frames a second."""
CUT = 0.25
"""Of the channels' deviation, by which their means differ at a cut. Between the frames of clips that move it was under
0.07, in whichever network, and 0.16 where they went by eight times as fast; at cuts 0.36 and more."""

Statistics = TypeVar("Statistics", Moments, Quantiles)


class TemporalWindow:
    """The statistics of a video's last frames, for a video that comes in parts: its frames look back only, over as many
    as they would see to both sides, and no border between parts shows."""

    def __init__(self) -> None:
        self._last: dict[Hashable, Any] = {}
        self._shots: Tensor | None = None

    def smoothed(self, frames: Statistics, key: Hashable = None) -> Statistics:
        """Statistics of the next frames [B], each merged with those before it; a `key` for each kind of statistics, in
        the same order for all frames. The first kind finds the cuts: later levels of a cascade see painted frames.
        """
        batch = frames.count.shape[0]
        known = frames if key not in self._last else type(frames).joined([self._last[key], frames])  # pyright: ignore[reportArgumentType]
        if self._shots is None or key == next(iter(self._last), key):
            self._shots = shots(known)
        self._last[key] = known.of_items(slice(-2 * FRAMES, None))
        return known.over_window(2 * FRAMES, 0, self._shots).of_items(slice(-batch, None))

    def state_dict(self) -> dict[Hashable, tuple[str, tuple[Tensor, ...]]]:
        """What `load_state_dict` goes on from: tensors, and the name of the statistics that they make up. Later frames
        leave it as it is."""
        return {
            key: (type(last).__name__, tuple(getattr(last, each.name) for each in fields(last)))
            for key, last in self._last.items()
        }

    def load_state_dict(self, state: Mapping[Hashable, tuple[str, tuple[Tensor, ...]]]) -> None:
        """Be the window that `state_dict` was taken of."""
        kinds = {kind.__name__: kind for kind in (Moments, Quantiles)}
        self._last = {key: kinds[name](*tensors) for key, (name, tensors) in state.items()}


def shots(frames: Moments | Quantiles) -> Tensor:
    """The number of each frame's shot [B], from 0: a cut is where statistics leap. Empty frames belong to the last."""
    if isinstance(frames, Quantiles):
        frames = Moments.of(frames.values[..., None], frames.weights[:, None, :, None])
    step = (frames.mean[1:] - frames.mean[:-1]).square().sum(1)
    spread = (frames.variance[1:] + frames.variance[:-1]).sum(1) / 2
    known = (frames.count[1:] > 0) & (frames.count[:-1] > 0)
    return torch.cat([known.new_zeros(1), known & (step > CUT**2 * spread)]).cumsum(0)


def pooled_content(
    content: Any,  # noqa: ANN401 - statistics of any kind, and the same again
    statistics: str,
    window: TemporalWindow | None = None,
    key: Hashable = None,
) -> Any:  # noqa: ANN401
    """The content's statistics [B] over what `statistics`, one of STATISTICS, says; over the batch they are [1].

    Over time each frame's are merged with those of its neighbours in its shot to both sides; a `window` goes on from a
    video's last frames, and `key` tells several statistics of one window apart.
    """
    if statistics != SMOOTHED:
        return pooled_style(content, statistics)
    return content.over_window(FRAMES, FRAMES, shots(content)) if window is None else window.smoothed(content, key)


def pooled_style(style: Any, statistics: str) -> Any:  # noqa: ANN401 - as above
    """The styles' statistics [1 or B] likewise: time is the content's alone."""
    return style.over_batch() if statistics == WHOLE_BATCH else style
