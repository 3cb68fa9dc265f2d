"""Workflow files: in the format that ComfyUI saves (UI), in that of its API, and inside of pictures that it saves."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .embedded import carrier, embedded_workflow
from .graph import Graph, Link, Node, WorkflowError
from .page import read_page

TOO_DEEP = "is nested too deeply for a workflow: save the workflow in ComfyUI again"
DEEPEST = 100
"""Levels of lists and objects in each other; a workflow has ten."""


def read_workflow(path: Path, nodes: Mapping[str, type], titles: Mapping[str, str] | None = None) -> Graph:
    """The graph in a workflow file, or in a picture or another file that ComfyUI has saved with the workflow inside.

    `nodes` are all node classes by id, `titles` what the page calls them. The JSON may be UTF-8, with or without a byte
    order mark, UTF-16 or UTF-32.
    """
    if not path.is_file():
        raise WorkflowError(f"there is no workflow file {path}")
    with path.open("rb") as file:
        kind = carrier(file.read(16), path.suffix)
    text = embedded_workflow(path, kind) if kind else path.read_bytes()
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise WorkflowError(f"{path} {TOO_DEEP}") from error
    except ValueError as error:
        raise WorkflowError(f"{path} is not JSON ({error}): save the workflow in ComfyUI again") from error
    return parse_workflow(data, nodes, titles, str(path))


def parse_workflow(
    data: object, nodes: Mapping[str, type], titles: Mapping[str, str] | None = None, name: str = "this"
) -> Graph:
    """The graph in parsed JSON of either format; WorkflowError calls the data `name` where it is in neither."""
    level, depth = [data], 0
    while level := [each for value in level if isinstance(value, dict | list) for each in _parts(value)]:
        depth += 1
        if depth > DEEPEST:
            raise WorkflowError(f"{name} {TOO_DEEP}")
    try:
        if isinstance(data, dict) and isinstance(data.get("prompt"), dict) and "class_type" not in data["prompt"]:
            data = data["prompt"]  # of what is sent to ComfyUI's server
        if isinstance(data, dict) and isinstance(data.get("nodes"), list):
            return read_page(data, nodes, titles or {})
        if isinstance(data, dict) and data and all(isinstance(entry, dict) for entry in data.values()):
            return Graph({str(node_id): _api_node(str(node_id), entry) for node_id, entry in data.items()})
    except WorkflowError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise WorkflowError(f"{name} is damaged ({error!r}): save the workflow in ComfyUI again") from error
    raise WorkflowError(f"{name} is not a workflow: save one in ComfyUI, or export it as API format")


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _api_node(node_id: str, entry: dict[str, Any]) -> Node:
    kind, inputs = entry.get("class_type"), entry.get("inputs", {})
    if not isinstance(kind, str) or not isinstance(inputs, dict):
        raise WorkflowError(f"node {node_id} has no class_type or no inputs: export the workflow again as API format")
    title = str((entry.get("_meta") or {}).get("title") or "")
    return Node(kind, {name: _api_value(value) for name, value in inputs.items()}, title)


def _api_value(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict) and set(value) == {"__value__"}:  # how the page writes a list that is no link
        return value["__value__"]
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and type(value[1]) is int:
        return Link(str(value[0]), value[1])
    return value
