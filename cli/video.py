"""A video as `stylize` paints it, some frames at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from torch import Tensor

from ..media.overlap import ahead, behind
from ..media.video_read import Part, reading
from ..media.video_write import VideoFile, is_unfinished, writing, written_order
from ..methods.motion import Steady
from .order import Stylization, made_by, matches_styles
from .progress import Progress
from .record import fingerprint

Paint = Callable[[Iterable[Part], Any], Iterator[tuple[Part, Tensor, Any]]]
"""`Painter.video`."""

log = logging.getLogger(__name__)


def stylize_video(one: Stylization, paint: Paint, on_progress: Progress) -> Path:
    """Stylize a video; the path of the new one.

    It has the old one's size with square pixels (H.264: rounded up to even sides), frame rate, times and sound, and
    stands upright. Frames pass in parts, so that memory does not grow with their number; statistics over time look back
    over the cuts between parts. What an interruption leaves can be played, see `VideoFile`, and the same order goes on
    from there; one that is finished is left alone unless it says `overwrite`.
    """
    content, output = Path(one.contents[0]), one.output
    order = _order(one, content)
    if not one.overwrite and output.is_file() and not is_unfinished(output) and written_order(output) == order:
        log.warning("%s is finished already: --overwrite paints it again.", output)
        return output
    steady, done = Steady(one.stability), 0
    file: VideoFile | None = None

    def write(frames: Tensor, part: Part, state: object) -> None:
        assert file is not None
        file.write(frames, part)
        file.checkpoint(state)

    try:
        with (
            reading(content) as source,
            writing(output, source, order, afresh=one.overwrite) as file,
            behind() as later,
            closing(ahead(source.parts(1 if matches_styles(one) else None, skip=file.kept))) as parts,
        ):
            on_progress(0, source.count, content.name)
            if file.state:
                steady.load_state_dict(file.state["steady"])
            for part, painted, seen in paint(parts, file.state and file.state["window"]):
                if done < file.kept:
                    later(file.write, part.frames, part)
                else:
                    held = steady(part.frames.movedim(-1, 1), painted).movedim(1, -1)
                    # Written while the next frames are painted, which leave it as it is.
                    later(write, held, part, {"window": seen, "steady": steady.state_dict()})
                done += len(part.times)
                on_progress(done, max(done, source.count), content.name)
    except BaseException:
        if file is not None and file.done and output.is_file():
            log.warning("%s holds the first %d frames.", output, file.done)
        raise
    return output


def _order(one: Stylization, content: Path) -> str:
    """What tells this video from any other: its content, and all that was asked for."""
    source = content.stat()
    seen = {"content": content.name, "size": source.st_size, "time": source.st_mtime_ns, "by": made_by(one)}
    return f"brushwork {fingerprint(seen, [])}"
