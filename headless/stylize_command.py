"""Run what `stylize` draws up, for one picture or for every picture in a folder."""

from dataclasses import replace
from pathlib import Path

from .catalogue import all_nodes, all_titles
from .drafts import LongerSide
from .graph import WorkflowError
from .pictures import distinct_stems, pictures_in
from .progress import shown_progress
from .run import run_for_each
from .stylize import Stylization, stylize_graph


def stylize(order: Stylization) -> list[Path]:
    """Stylize a picture, or every picture in a folder; the output has the content's size."""
    nodes = {**all_nodes(), "LongerSide": LongerSide}
    graphs = {one.content: stylize_graph(one, nodes, all_titles()) for one in _one_by_one(order)}
    first = next(iter(graphs.values()))
    with shown_progress() as progress:
        # Node 1 is the content; the output, which differs too, depends on it.
        return run_for_each(first, nodes, graphs, "1", Path(), order.output.parent, progress)


def _one_by_one(order: Stylization) -> list[Stylization]:
    """The order for every single picture, with the file that it becomes."""
    content = Path(order.content)
    if content.is_dir():
        if order.output.suffix:
            raise WorkflowError(
                f"the content is a folder, so the output {order.output} has to be one: leave its suffix out"
            )
        pictures = pictures_in(content)
        outputs = [order.output / f"{stem}.png" for stem in distinct_stems(pictures)]
    else:
        pictures = [content]
        outputs = [order.output / f"{content.stem}.png" if order.output.is_dir() else order.output]
    sources = {Path(name).resolve() for name in (*map(str, pictures), *(order.style or []), str(order.mask or ""))}
    for output in outputs:
        if output.resolve() in sources:
            raise WorkflowError(
                f"the output {output} would replace a picture that it is made from: choose another name"
            )
    return [
        replace(order, content=str(picture), output=output) for picture, output in zip(pictures, outputs, strict=True)
    ]
