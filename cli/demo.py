"""`brushwork demo`: the four systems on the sample photographs, and all they painted on one sheet."""

from pathlib import Path
from typing import Annotated

from torch import Tensor
from typer import Argument

from ..media.images import read_picture, write_picture
from ..media.sheet import contact_sheet
from ..runner.core_nodes import all_nodes, all_titles
from ..runner.formats import read_workflow
from ..runner.run import run_for_each
from ..samples import CONTENT, load_sample
from .progress import shown_progress

WORKFLOWS = Path(__file__).parent.parent / "workflows"
SYSTEMS = {"adain": "AdaIN", "wct": "WCT", "msgnet": "MSG-Net", "stylebank": "StyleBank"}
"""Workflow and name of each."""
PHOTOGRAPH = "Content"
"""The title of the node that names the photograph."""
SHEET, SIDE = "contact_sheet.png", 256


def demo(output: Annotated[Path, Argument(help="The folder for the pictures.")]) -> list[Path]:
    """Paint the sample photographs with AdaIN, WCT, MSG-Net and StyleBank; name the pictures, a sheet of all first."""
    nodes = all_nodes()
    painted: list[list[Path]] = []
    with shown_progress() as progress:
        for system in SYSTEMS:
            graph = read_workflow(WORKFLOWS / f"{system}.json", nodes, all_titles())
            place = graph.find(PHOTOGRAPH)
            runs = {photo: graph.with_node(place, graph.nodes[place].with_inputs(name=photo)) for photo in CONTENT}
            painted.append(run_for_each(graph, nodes, runs, place, WORKFLOWS, output, progress))
    pictures: list[Tensor] = []
    for row, photo in enumerate(CONTENT):
        results = (read_picture(files[row])[0].movedim(-1, 1) for files in painted)
        for picture in (load_sample(photo), *results):
            side = min(picture.shape[2:])
            top, left = ((length - side) // 2 for length in picture.shape[2:])
            pictures.append(picture[0, :, top : top + side, left : left + side])
    labels = ["photograph", *SYSTEMS.values()] * len(CONTENT)
    sheet = contact_sheet(pictures, labels, 1 + len(SYSTEMS), SIDE)
    write_picture(output / SHEET, sheet[0].movedim(0, -1))
    return [output / SHEET, *(file for files in painted for file in files)]
