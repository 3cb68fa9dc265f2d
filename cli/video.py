"""A video as `stylize` paints it, some frames at once."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from ..media.overlap import ahead, behind
from ..media.video_read import Part, reading
from ..media.video_write import VideoFile, is_unfinished, writing, written_order
from ..methods.motion import Steady
from ..transfer.temporal import TemporalWindow
from .painter import made_by
from .progress import Progress
from .record import fingerprint

if TYPE_CHECKING:
    from .painter import Painter

log = logging.getLogger(__name__)


def stylize_video(painter: Painter, content: Path, output: Path, on_progress: Progress) -> Path:
    """Stylize a video; the path of the new one.

    It has the old one's size with square pixels (H.264: rounded up to even sides), frame rate, times and sound, and
    stands upright. Frames pass in parts, so that memory does not grow with their number; statistics over time look back
    over the cuts between parts. What an interruption leaves can be played, see `VideoFile`, and the same order goes on
    from there; one that is finished is left alone unless it says `overwrite`.
    """
    order = _order(painter, content)
    if (
        not painter.order.overwrite
        and output.is_file()
        and not is_unfinished(output)
        and written_order(output) == order
    ):
        log.warning("%s is finished already: --overwrite paints it again.", output)
        return output
    window, steady, done = TemporalWindow(), Steady(painter.order.stability), 0
    file: VideoFile | None = None

    def write(frames: Tensor, part: Part, state: object) -> None:
        assert file is not None
        file.write(frames, part)
        file.checkpoint(state)

    try:
        with (
            reading(content) as source,
            writing(output, source, order, afresh=painter.order.overwrite) as file,
            behind() as later,
            # Each style is matched to the colours of one picture.
            closing(ahead(source.parts(1 if painter.matches_styles else None, skip=file.kept))) as parts,
        ):
            on_progress(0, source.count, content.name)
            if file.state:
                window.load_state_dict(file.state["window"])
                steady.load_state_dict(file.state["steady"])
            for part in parts:
                if done < file.kept:
                    later(file.write, part.frames, part)
                else:
                    frames = part.frames.movedim(-1, 1)
                    painted = steady(frames, painter.paint(frames, window)).movedim(1, -1)
                    # Written while the next frames are painted, which leave it as it is.
                    later(write, painted, part, {"window": window.state_dict(), "steady": steady.state_dict()})
                done += len(part.times)
                on_progress(done, max(done, source.count), content.name)
    except BaseException:
        if file is not None and file.done and output.is_file():
            log.warning("%s holds the first %d frames.", output, file.done)
        raise
    return output


def _order(painter: Painter, content: Path) -> str:
    """What tells this video from any other: its content, and all that was asked for."""
    source = content.stat()
    seen = {"content": content.name, "size": source.st_size, "time": source.st_mtime_ns, "by": made_by(painter.order)}
    return f"brushwork {fingerprint(seen, [])}"
