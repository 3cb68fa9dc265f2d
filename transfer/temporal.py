"""Statistics smoothed over time, so that what moves through a video does not make it flicker."""

from __future__ import annotations

from .moments import Moments

REACH = 4
"""Frames to either side that count with a frame: a third of a second in all at 25 frames a second."""


class TemporalWindow:
    """The moments of a video's last frames, for a video that comes in parts: its frames look back only, over as many
    as they would see to both sides, and no cut between parts shows."""

    def __init__(self) -> None:
        self._last: Moments | None = None

    def smoothed(self, frames: Moments) -> Moments:
        """Moments of the next frames [B], each merged with those before it."""
        batch = frames.count.shape[0]
        known = frames if self._last is None else Moments.joined([self._last, frames])
        self._last = known.of_items(slice(-2 * REACH, None))
        return known.over_window(2 * REACH, 0).of_items(slice(-batch, None))


def smoothed(frames: Moments, past: TemporalWindow | None = None) -> Moments:
    """Moments of frames [B], each merged with its neighbours' to both sides; a `past` makes the batch go on from it."""
    return frames.over_window(REACH, REACH) if past is None else past.smoothed(frames)
