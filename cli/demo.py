"""`brushwork demo`: the four systems on the sample photographs, and all they painted on one sheet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from torch import Tensor

from ..media.images import read_picture, write_picture
from ..media.sheet import contact_sheet
from ..runner.core_nodes import all_nodes, all_titles
from ..runner.formats import read_workflow
from ..runner.graph import Graph
from ..runner.run import Progress, run_for_each
from ..samples import CONTENT, load_sample
from .progress import shown_progress

WORKFLOWS = Path(__file__).parent.parent / "workflows"
SYSTEMS = {"adain": "AdaIN", "wct": "WCT", "msgnet": "MSG-Net", "stylebank": "StyleBank"}
"""Workflow and name of each."""
VARIED = "Content"
"""The title of the node that names the photograph."""
SHEET, SIDE = "contact_sheet.png", 256


def demo(output: Annotated[Path, "The folder for the pictures."]) -> list[Path]:
    """Paint the sample photographs with AdaIN, WCT, MSG-Net and StyleBank; name the pictures, a sheet of all first."""
    nodes = all_nodes()
    with shown_progress() as progress:
        painted = {system: _paint(system, nodes, output, progress) for system in SYSTEMS}
    write_picture(output / SHEET, _sheet(painted))
    return [output / SHEET, *(file for files in painted.values() for file in files)]


def _paint(system: str, nodes: Mapping[str, type], output: Path, progress: Progress) -> list[Path]:
    """A system's workflow on every photograph, in order."""
    graph = read_workflow(WORKFLOWS / f"{system}.json", nodes, all_titles())
    runs = {photo: _of(graph, photo) for photo in CONTENT}
    return run_for_each(graph, nodes, runs, graph.find(VARIED), WORKFLOWS, output, progress)


def _of(graph: Graph, photo: str) -> Graph:
    place = graph.find(VARIED)
    return graph.with_node(place, graph.nodes[place].with_inputs(name=photo))


def _sheet(painted: Mapping[str, list[Path]]) -> Tensor:
    """A row a photograph, a column a system [H, W, 3]."""
    pictures: list[Tensor] = []
    for index, photo in enumerate(CONTENT):
        results = [read_picture(files[index])[0].movedim(-1, 1) for files in painted.values()]
        pictures += [_square(image[0]) for image in (load_sample(photo), *results)]
    labels = ["photograph", *SYSTEMS.values()] * len(CONTENT)
    return contact_sheet(pictures, labels, 1 + len(SYSTEMS), SIDE)[0].movedim(0, -1)


def _square(picture: Tensor) -> Tensor:
    """The middle of a picture [3, H, W]."""
    side = min(picture.shape[1:])
    top, left = ((length - side) // 2 for length in picture.shape[1:])
    return picture[:, top : top + side, left : left + side]
