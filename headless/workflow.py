"""Read a workflow file of either format."""

import json
from collections.abc import Mapping
from pathlib import Path

from .api_format import is_api_format, read_api_format
from .graph import Graph, WorkflowError
from .ui_format import is_ui_format, read_ui_format


def read_workflow(path: Path, nodes: Mapping[str, type], titles: Mapping[str, str] | None = None) -> Graph:
    """The graph in a workflow file; `nodes` are all node classes by id, `titles` what the page calls them."""
    return parse_workflow(_json(path), nodes, titles, str(path))


def parse_workflow(
    data: object, nodes: Mapping[str, type], titles: Mapping[str, str] | None = None, name: str = "this"
) -> Graph:
    """The graph in parsed JSON of either format."""
    try:
        if is_ui_format(data):
            return read_ui_format(data, nodes, titles or {})  # pyright: ignore[reportArgumentType]
        if is_api_format(data):
            return read_api_format(data)  # pyright: ignore[reportArgumentType]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise WorkflowError(f"{name} is damaged ({error!r}): save the workflow in ComfyUI again") from error
    raise WorkflowError(f"{name} is not a workflow: save one in ComfyUI, or export it as API format")


def _json(path: Path) -> object:
    if not path.is_file():
        raise WorkflowError(f"there is no workflow file {path}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WorkflowError(f"{path} is not JSON ({error}): save the workflow in ComfyUI again") from error
