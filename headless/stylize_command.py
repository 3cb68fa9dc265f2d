"""Run what `stylize` draws up, for one picture or video or for every one in a folder."""

from dataclasses import replace
from pathlib import Path

from ..pictures.files import READABLE
from .catalogue import all_nodes, all_titles
from .drafts import LongerSide
from .graph import WorkflowError
from .pictures import distinct_stems
from .progress import shown_progress
from .run import run_for_each
from .stylize import Stylization, stylize_graph
from .stylize_video import stylize_video
from .video_in import VIDEOS
from .video_out import KINDS, check_video_suffix, is_unfinished, unfinished

CONTENT = "1"
"""The node that loads the content."""


def stylize(order: Stylization) -> list[Path]:
    """Stylize a picture or a video, or every one in a folder; the output has the content's size."""
    nodes = {**all_nodes(), "LongerSide": LongerSide}
    orders = _one_by_one(order)
    graphs = {one.content: stylize_graph(one, nodes, all_titles()) for one in orders}
    videos = {one.content: one for one in orders if _is_video(one)}
    pictures = {content: graph for content, graph in graphs.items() if content not in videos}
    files: list[Path] = []
    with shown_progress() as progress:
        if pictures:
            # The output, which differs too, depends on the content.
            first = next(iter(pictures.values()))
            files += run_for_each(first, nodes, pictures, CONTENT, Path(), order.output.parent, progress)
        return files + [stylize_video(one, graphs[name], CONTENT, nodes, progress) for name, one in videos.items()]


def _one_by_one(order: Stylization) -> list[Stylization]:
    """The order for every single picture and video, with the file that it becomes."""
    content = Path(order.content)
    if content.is_dir():
        if order.output.suffix:
            raise WorkflowError(
                f"the content is a folder, so the output {order.output} has to be one: leave its suffix out"
            )
        contents = _contents_of(content)
        outputs = [
            order.output / _named(stem, each) for stem, each in zip(distinct_stems(contents), contents, strict=True)
        ]
    else:
        contents = [content]
        outputs = [order.output / _named(content.stem, content) if order.output.is_dir() else order.output]
    sources = {Path(name).resolve() for name in (*map(str, contents), *(order.style or []), str(order.mask or ""))}
    for output in outputs:
        if not sources.isdisjoint((output.resolve(), unfinished(output).resolve())):
            raise WorkflowError(
                f"the output {output} would replace a picture or video that it is made from: choose another name"
            )
    orders = [replace(order, content=str(each), output=output) for each, output in zip(contents, outputs, strict=True)]
    for one in filter(_is_video, orders):
        check_video_suffix(one.output.suffix)
    return orders


def _contents_of(folder: Path) -> list[Path]:
    endings = (*READABLE, *VIDEOS)
    files = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in endings and file.is_file()]
    found = [file for file in files if not is_unfinished(file)]  # what a killed run left is no content
    if not found:
        raise FileNotFoundError(
            f"there is no picture or video in {folder}: put some in, ending in one of {', '.join(endings)}"
        )
    return found


def _named(stem: str, content: Path) -> str:
    """A picture becomes a PNG; a video stays of its kind where that can be written."""
    ending = content.suffix.lower()
    return stem + (".png" if ending not in VIDEOS else ending if ending in KINDS else ".mp4")


def _is_video(order: Stylization) -> bool:
    """A GIF is one where a video is asked for."""
    ending = Path(order.content).suffix.lower()
    return ending in VIDEOS or (ending == ".gif" and order.output.suffix.lower() in KINDS)
