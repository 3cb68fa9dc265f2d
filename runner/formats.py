"""Workflow JSON, in the format that ComfyUI saves (UI) and in that of its API."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .graph import Graph, Link, Node, WorkflowError
from .sockets import sockets

NOTES, REROUTE, PRIMITIVE = ("Note", "MarkdownNote"), "Reroute", "PrimitiveNode"
MUTED, BYPASSED = 2, 4  # modes of a node
CONTROLS = ("fixed", "increment", "decrement", "randomize")  # values of the field "control after generate"


def read_workflow(path: Path, nodes: Mapping[str, type], titles: Mapping[str, str] | None = None) -> Graph:
    """The graph in a workflow file; `nodes` are all node classes by id, `titles` what the page calls them."""
    if not path.is_file():
        raise WorkflowError(f"there is no workflow file {path}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WorkflowError(f"{path} is not JSON ({error}): save the workflow in ComfyUI again") from error
    return parse_workflow(data, nodes, titles, str(path))


def parse_workflow(
    data: object, nodes: Mapping[str, type], titles: Mapping[str, str] | None = None, name: str = "this"
) -> Graph:
    """The graph in parsed JSON of either format; WorkflowError calls the data `name` where it is in neither."""
    try:
        if isinstance(data, dict) and isinstance(data.get("nodes"), list):
            return _read_ui(data, nodes, titles or {})
        if isinstance(data, dict) and data and all(isinstance(entry, dict) for entry in data.values()):
            return Graph({str(node_id): _api_node(str(node_id), entry) for node_id, entry in data.items()})
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise WorkflowError(f"{name} is damaged ({error!r}): save the workflow in ComfyUI again") from error
    raise WorkflowError(f"{name} is not a workflow: save one in ComfyUI, or export it as API format")


def _api_node(node_id: str, entry: dict[str, Any]) -> Node:
    kind, inputs = entry.get("class_type"), entry.get("inputs", {})
    if not isinstance(kind, str) or not isinstance(inputs, dict):
        raise WorkflowError(f"node {node_id} has no class_type or no inputs: export the workflow again as API format")
    title = (entry.get("_meta") or {}).get("title") or ""
    return Node(kind, {name: _api_value(value) for name, value in inputs.items()}, title)


def _api_value(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict) and set(value) == {"__value__"}:  # how the page writes a list that is no link
        return value["__value__"]
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and type(value[1]) is int:
        return Link(str(value[0]), value[1])
    return value


def _read_ui(data: dict[str, Any], classes: Mapping[str, type], titles: Mapping[str, str]) -> Graph:
    """The graph of a UI-format workflow, as the page itself would queue it.

    The node classes tell which values belong to which inputs; `titles` names the nodes that the person has not named.
    """
    subgraphs = {entry.get("id") for entry in (data.get("definitions") or {}).get("subgraphs") or []}
    for node in data["nodes"]:
        if node["type"] in subgraphs or node["type"].startswith(("workflow/", "workflow>")):
            name = node.get("title") or f"node {node['id']}"
            raise WorkflowError(f"'{name}' is a subgraph, which cannot run here: unpack it in ComfyUI and save again")
    nodes = {str(node["id"]): node for node in data["nodes"]}
    origins: dict[str, tuple[str, int]] = {}  # by a link's id the node and output slot it comes from
    for link in data.get("links") or []:
        keys = ("id", "origin_id", "origin_slot") if isinstance(link, dict) else (0, 1, 2)  # an object in newer files
        link_id, origin, slot = (link[key] for key in keys)
        origins[str(link_id)] = str(origin), slot

    def source(link_id: object, wanted: object, passed: tuple[str, ...] = ()) -> Link | tuple[Any] | None:
        """What a link brings to an input of type `wanted`, seen through reroutes, primitives, muted and bypassed nodes.

        A primitive's value is a tuple of one; None is nothing, as if there were no link. `passed` are the nodes already
        seen through.
        """
        if str(link_id) not in origins:
            return None
        node_id, slot = origins[str(link_id)]
        node = nodes.get(node_id)
        if node is None or node.get("mode") == MUTED:
            return None
        if node_id in passed:
            raise WorkflowError(f"nodes {', '.join(passed)} form a circle of links: remove one of the links")
        if node["type"] == PRIMITIVE:
            saved = node.get("widgets_values") or []
            return (next(iter(saved.values() if isinstance(saved, dict) else saved), None),)
        inlets = node.get("inputs") or []
        if node["type"] == REROUTE:
            inlet = next(iter(inlets), None)
        elif node.get("mode") == BYPASSED:  # the input opposite the output, else the first, of the wanted type
            opposite_first = inlets[slot : slot + 1] + inlets
            inlet = next((inlet for inlet in opposite_first if inlet.get("type") == wanted), None)
        else:
            return Link(node_id, slot)
        return None if inlet is None else source(inlet.get("link"), wanted, (*passed, node_id))

    running: dict[str, Node] = {}
    for node_id, node in nodes.items():
        kind = node["type"]
        if kind in (*NOTES, REROUTE, PRIMITIVE) or node.get("mode") in (MUTED, BYPASSED):
            continue
        inputs = _widget_values(node, classes[kind]) if kind in classes else {}
        for inlet in node.get("inputs") or []:
            found = source(inlet.get("link"), inlet.get("type"))
            if found is not None:
                inputs[(inlet.get("widget") or inlet)["name"]] = found if isinstance(found, Link) else found[0]
        running[node_id] = Node(kind, inputs, node.get("title") or titles.get(kind, ""))
    return Graph(running)


def _widget_values(node: Mapping[str, Any], node_class: type) -> dict[str, Any]:
    """The values of the input fields by name; fields younger than the saved workflow have their default."""
    fields = [socket for socket in sockets(node_class).values() if socket.widget]
    saved = node.get("widgets_values") or []
    if isinstance(saved, dict):
        return {field.name: saved.get(field.name, field.default) for field in fields}
    values: dict[str, Any] = {}
    rest = list(saved)
    for field in fields:
        values[field.name] = rest.pop(0) if rest else field.default
        if field.control and rest and rest[0] in CONTROLS:
            rest.pop(0)
    return values
