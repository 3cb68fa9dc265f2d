"""Check a workflow before anything runs; the first fault is one clear line."""

from collections.abc import Mapping
from typing import Any

from .errors import error_context
from .graph import Graph, Link, Node, WorkflowError
from .sockets import compatible, hidden, listed, socket_type, sockets, takes


def checked(graph: Graph, nodes: Mapping[str, type], hidden_inputs: Mapping[str, object]) -> Graph:
    """The part of the graph that its output nodes need, in the order to run it, constants in their declared types.

    `nodes` are the node classes by id; `hidden_inputs` what hidden inputs may ask for, by type. WorkflowError names the
    node at fault.
    """
    for node_id, node in graph.nodes.items():
        if node.kind not in nodes:
            fault = f"node {node_id} is a '{node.kind}', which is unknown here"
            raise WorkflowError(f"{fault}: run this workflow in ComfyUI")
    outputs = [node_id for node_id, node in graph.nodes.items() if getattr(nodes[node.kind], "OUTPUT_NODE", False)]
    if not outputs:
        raise WorkflowError("this workflow has no output node: add a Save Image or a Preview Image")
    needed = Graph({node_id: graph.nodes[node_id] for node_id in graph.order(outputs)})
    result: dict[str, Node] = {}
    for node_id, node in needed.nodes.items():
        with error_context(graph.name(node_id)):
            result[node_id] = _checked_node(needed, node, nodes, hidden_inputs)
    return Graph(result)


def _checked_node(graph: Graph, node: Node, nodes: Mapping[str, Any], hidden_inputs: Mapping[str, object]) -> Node:
    """The node with constants in their declared types, if it has all it needs and its own VALIDATE_INPUTS agrees."""
    declared = sockets(nodes[node.kind])
    for name in node.inputs:
        if name not in declared:
            raise WorkflowError(f"there is no input '{name}'; the inputs are {listed(declared)}")
    for name, socket in declared.items():
        if socket.required and name not in node.inputs:
            remedy = "give it a value" if socket.widget else f"link an output of type {socket.type} to it"
            raise WorkflowError(f"the input '{name}' is missing: {remedy}")
    constants: dict[str, object] = {}
    for name, value in node.inputs.items():
        if not isinstance(value, Link):
            constants[name] = declared[name].accept(value)
            continue
        source, outputs = graph.name(value.node), nodes[graph.nodes[value.node].kind].RETURN_TYPES
        if not 0 <= value.slot < len(outputs):
            raise WorkflowError(f"'{name}' is linked to output {value.slot} of {source}, which has {len(outputs)}")
        given = socket_type(outputs[value.slot])
        if not compatible(given, declared[name].type):
            raise WorkflowError(f"'{name}' takes {declared[name].type}, but {source} gives {given}")
    validate = getattr(nodes[node.kind], "VALIDATE_INPUTS", None)
    if validate is not None:  # it is called with those constants (links are None) and hidden inputs that it names
        known = {name: hidden_inputs.get(kind) for name, kind in hidden(nodes[node.kind]).items()}
        known |= dict.fromkeys(node.inputs) | constants
        answer = validate(**{name: value for name, value in known.items() if takes(validate, name)})
        if answer is not True:
            raise WorkflowError(str(answer or "its inputs are not valid"))
    return node.with_inputs(**constants)
