"""A video as `stylize` paints it, some frames at once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ..media.video_read import reading
from ..media.video_write import writing
from ..methods.motion import Steady
from ..transfer.temporal import TemporalWindow
from .progress import Progress

if TYPE_CHECKING:
    from .painter import Painter

log = logging.getLogger(__name__)


def stylize_video(painter: Painter, content: Path, output: Path, on_progress: Progress) -> Path:
    """Stylize a video; the path of the new one.

    It has the old one's size (H.264: rounded up to even sides), frame rate, times and sound, and stands upright. Frames
    pass in parts, so that memory does not grow with their number; statistics over time look back over the cuts between
    parts. What an interruption leaves can be played, see `VideoFile`.
    """
    done, window, steady = 0, TemporalWindow(), Steady(painter.order.stability)
    try:
        with reading(content) as source, writing(output, source) as file:
            on_progress(0, source.count, content.name)
            # Each style is matched to the colours of one picture.
            for part in source.parts(1 if painter.matches_styles else None):
                frames = part.frames.movedim(-1, 1)
                file.write(steady(frames, painter.paint(frames, window)).movedim(1, -1), part)
                done += len(part.times)
                on_progress(done, max(done, source.count), content.name)
    except BaseException:
        if done:
            log.warning("%s holds the first %d frames.", output, done)
        raise
    return output
