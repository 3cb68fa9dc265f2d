"""`brushwork run`: run a workflow file."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from ..runner.core_nodes import all_nodes, all_titles
from ..runner.errors import one_line
from ..runner.formats import read_workflow
from ..runner.graph import Graph, WorkflowError
from ..runner.run import run_for_each, run_workflow
from ..runner.settings import apply_setting, folder_setting, for_each_picture, parse_setting
from ..runner.sockets import listed
from .progress import shown_progress

log = logging.getLogger(__name__)
FILE = "A workflow saved by ComfyUI, in the UI or the API format, or a picture with the workflow inside."
SET = "NODE.INPUT=VALUE, with the node's title or id; a folder of pictures runs the workflow for each."


def run(
    workflow: Annotated[Path, Argument(help=FILE)],
    settings: Annotated[list[str] | None, Option("--set", help=SET)] = None,
    output: Annotated[Path, Option("--output", "-o", help="The folder for the pictures.")] = Path("out"),
    inputs: Annotated[
        Path | None, Option("--input", "-i", help="Where the workflow's pictures are; else its own folder.")
    ] = None,
) -> Iterator[Path]:
    """Run a workflow without ComfyUI, and name the pictures it saved."""
    nodes = all_nodes()
    graph = read_workflow(workflow, nodes, all_titles())
    for setting in settings or []:
        graph = apply_setting(graph, parse_setting(setting), nodes)
    folder, input_folder = folder_setting(graph), inputs or workflow.parent
    runs: dict[str, Graph] = {}
    failed: dict[str, WorkflowError] = {}
    with shown_progress() as progress:
        if folder is None:
            files = run_workflow(graph, nodes, input_folder, output, progress)
        else:
            runs = for_each_picture(graph, *folder)
            files, failed = run_for_each(graph, nodes, runs, folder[0], input_folder, output, progress)
    yield from files
    if failed and len(failed) == len(runs):
        raise next(iter(failed.values()))
    for stem, error in failed.items():
        log.error("%s", one_line(f"{stem}: {error}"))
    if failed:
        raise WorkflowError(f"{len(failed)} of {len(runs)} pictures failed: {listed(failed)}; the others are written")
