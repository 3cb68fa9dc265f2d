"""The API format of a workflow, as ComfyUI's `Export (API)` writes it: `{id: {class_type, inputs, _meta}}`."""

from typing import Any

from .graph import Graph, Link, Node, WorkflowError


def is_api_format(data: object) -> bool:
    return isinstance(data, dict) and bool(data) and all(isinstance(entry, dict) for entry in data.values())


def read_api_format(data: dict[str, Any]) -> Graph:
    """The graph of an API-format workflow."""
    return Graph({str(node_id): _node(str(node_id), entry) for node_id, entry in data.items()})


def _node(node_id: str, entry: dict[str, Any]) -> Node:
    kind, inputs = entry.get("class_type"), entry.get("inputs", {})
    if not isinstance(kind, str) or not isinstance(inputs, dict):
        raise WorkflowError(f"node {node_id} has no class_type or no inputs: export the workflow again as API format")
    title = (entry.get("_meta") or {}).get("title") or ""
    return Node(kind, {name: _value(value) for name, value in inputs.items()}, title)


def _value(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict) and set(value) == {"__value__"}:  # how the page writes a list that is no link
        return value["__value__"]
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and type(value[1]) is int:
        return Link(str(value[0]), value[1])
    return value
