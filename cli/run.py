"""`brushwork run`: run a workflow file."""

from pathlib import Path
from typing import Annotated

from ..runner.core_nodes import all_nodes, all_titles
from ..runner.formats import read_workflow
from ..runner.graph import Graph
from ..runner.run import run_for_each, run_workflow
from ..runner.settings import apply_setting, folder_setting, for_each_picture, parse_setting
from .progress import shown_progress


def run(
    workflow: Annotated[Path, "A workflow saved by ComfyUI, in the UI or the API format."],
    settings: Annotated[
        list[str] | None,
        "--set",
        "NODE.INPUT=VALUE, with the node's title or id; a folder of pictures runs the workflow for each.",
    ] = None,
    output: Annotated[Path, "--output", "-o", "The folder for the pictures."] = Path("out"),
    inputs: Annotated[Path | None, "--input", "-i", "Where the workflow's pictures are; else its own folder."] = None,
) -> list[Path]:
    """Run a workflow without ComfyUI, and name the pictures it saved."""
    nodes = all_nodes()
    graph = read_workflow(workflow, nodes, all_titles())
    for setting in settings or []:
        graph = apply_setting(graph, parse_setting(setting), nodes)
    return run_graph(graph, nodes, inputs or workflow.parent, output)


def run_graph(graph: Graph, nodes: dict[str, type], input_dir: Path, output_dir: Path) -> list[Path]:
    """Run a graph with a progress bar; once for each picture, if one of its constants is a folder."""
    folder = folder_setting(graph)
    with shown_progress() as progress:
        if folder is None:
            return run_workflow(graph, nodes, input_dir, output_dir, progress)
        runs = for_each_picture(graph, *folder)
        return run_for_each(graph, nodes, runs, folder[0], input_dir, output_dir, progress)
