"""Check a workflow before anything runs; each fault is one clear line."""

import logging
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from .errors import error_context
from .graph import Graph, Link, Node, WorkflowError
from .sockets import compatible, hidden, listed, shown, socket_type, sockets, takes

log = logging.getLogger(__name__)


def checked(
    graph: Graph,
    nodes: Mapping[str, type],
    hidden_inputs: Mapping[str, object],
    warn: Callable[[str], object] = log.warning,
) -> Graph:
    """What the output nodes need that have all they need, in the order to run it, constants in their declared types.

    `nodes` are the node classes by id; `hidden_inputs` what hidden inputs may ask for, by type. As in ComfyUI the other
    output nodes are left out, and inputs that a node does not have passed over: `warn` is told. WorkflowError where no
    output node is left, with the first fault, which names the node.
    """
    outputs = [node_id for node_id, node in graph.nodes.items() if getattr(nodes.get(node.kind), "OUTPUT_NODE", False)]
    unknown = dict[str, WorkflowError]()
    for node_id, node in graph.nodes.items():
        if node.kind not in nodes:
            fault = f"node {shown(node_id)} is a '{shown(node.kind)}', which is unknown here"
            unknown[node_id] = WorkflowError(f"{fault}: run this workflow in ComfyUI")
    trimmed, strange = dict(graph.nodes), dict[str, list[str]]()
    for node_id, node in graph.nodes.items():
        declared = () if node_id in unknown else sockets(nodes[node.kind])
        strange[node_id] = [
            name
            for name in node.inputs
            if node_id not in unknown and name not in declared and not get_close_matches(name, declared, 1)
        ]  # one that is nearly the name of another is a slip, and no input of another version's
        inputs = {name: value for name, value in node.inputs.items() if name not in strange[node_id]}
        trimmed[node_id] = Node(node.kind, inputs, node.title, node.alias)
    graph = Graph(trimmed)
    faults: dict[str, WorkflowError] = {}
    needed = dict[str, None]()
    for output in outputs:
        try:
            needed |= dict.fromkeys(graph.order([output], needed))
        except WorkflowError as error:
            faults[output] = error
    result: dict[str, Node] = {}
    for node_id in needed:
        node = graph.nodes[node_id]
        fault = next((faults[link.node] for link in node.links.values() if link.node in faults), unknown.get(node_id))
        try:
            if fault is not None:
                raise fault
            with error_context(graph.name(node_id)):
                result[node_id] = _checked_node(graph, node, nodes, hidden_inputs)
        except WorkflowError as error:
            faults[node_id] = error
    complete = [output for output in outputs if output not in faults]
    if not complete:
        missing = WorkflowError("this workflow has no output node: add a Save Image or a Preview Image")
        raise next(iter((*unknown.values(), *faults.values())), missing)
    for output in outputs:
        if output in faults:
            name, fault = graph.name(output), str(faults[output])
            warn(f"left out: {fault if fault.startswith(name) else f'{name}, which needs another: {fault}'}")
    order = graph.order(complete)
    for node_id in order:
        for name in strange[node_id]:
            warn(f"{graph.name(node_id)}: '{shown(name)}' is none of its inputs and is passed over")
    fed = {link.node for node in graph.nodes.values() for link in node.links.values()}
    for node_id, fault in unknown.items():
        if node_id not in fed:
            warn(f"left out: {fault}")
    return Graph({node_id: result[node_id] for node_id in order})


def _checked_node(graph: Graph, node: Node, nodes: Mapping[str, Any], hidden_inputs: Mapping[str, object]) -> Node:
    """The node with constants in their declared types, if it has all it needs and its own VALIDATE_INPUTS agrees."""
    declared = sockets(nodes[node.kind])
    for name in node.inputs:
        if name not in declared:
            raise WorkflowError(f"there is no input '{shown(name)}'; the inputs are {listed(declared)}")
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
