"""Statistics smoothed over time, so that what moves through a video does not make it flicker."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

from .moments import Moments
from .quantiles import Quantiles

FRAMES = 4
"""Frames to either side that count with a frame: a third of a second in all at 25 frames a second."""

Statistics = TypeVar("Statistics", Moments, Quantiles)


class TemporalWindow:
    """The statistics of a video's last frames, for a video that comes in parts: its frames look back only, over as many
    as they would see to both sides, and no cut between parts shows."""

    def __init__(self) -> None:
        self._last: dict[Hashable, Any] = {}

    def smoothed(self, frames: Statistics, key: Hashable = None) -> Statistics:
        """Statistics of the next frames [B], each merged with those before it; a `key` for each kind of statistics."""
        batch = frames.count.shape[0]
        known = frames if key not in self._last else type(frames).joined([self._last[key], frames])  # pyright: ignore[reportArgumentType]
        self._last[key] = known.of_items(slice(-2 * FRAMES, None))
        return known.over_window(2 * FRAMES, 0).of_items(slice(-batch, None))


def smoothed(frames: Statistics, window: TemporalWindow | None = None, key: Hashable = None) -> Statistics:
    """Statistics of frames [B], merged with their neighbours' to both sides; a `window` goes on from the last ones."""
    return frames.over_window(FRAMES, FRAMES) if window is None else window.smoothed(frames, key)
