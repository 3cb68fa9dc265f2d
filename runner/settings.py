"""`NODE.INPUT=VALUE` of the command line: change one constant of a workflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..media.images import distinct_stems, pictures_in
from .errors import error_context
from .graph import Graph, Node, WorkflowError
from .sockets import listed, sockets


@dataclass(frozen=True)
class Setting:
    """A new value for an input of a node."""

    node: str
    input: str
    value: str


def parse_setting(text: str) -> Setting:
    """`NODE.INPUT=VALUE`; the node's title may have spaces and dots, the value anything."""
    target, equals, value = text.partition("=")
    node, dot, name = target.rpartition(".")
    if not (equals and dot and node and name):
        raise WorkflowError(f"'{text}' is no setting: write NODE.INPUT=VALUE, with the node's title or id")
    return Setting(node, name, value)


def apply_setting(graph: Graph, setting: Setting, nodes: Mapping[str, type]) -> Graph:
    """The graph with one value changed.

    A file or folder that exists is meant where the input takes a picture's name. A picture given to a node that makes
    one (Sample Picture, say), and takes none or may go without, takes that node's place. WorkflowError where the node,
    the input or the value is not to be had.
    """
    node_id = graph.find(setting.node)
    node = graph.nodes[node_id]
    declared = sockets(nodes[node.kind]) if node.kind in nodes else {}
    outputs = getattr(nodes.get(node.kind), "RETURN_TYPES", ())
    wired = declared.get("image")  # where a picture may come over a link
    free = wired is None or (wired.type == "IMAGE" and not wired.required)
    if setting.input == "image" and free and outputs == ("IMAGE",) and not node.links:
        node, declared = Node("LoadImage", {}, node.title), sockets(nodes["LoadImage"])
    if setting.input not in declared:
        raise WorkflowError(f"{graph.name(node_id)} has no input '{setting.input}'; its inputs are {listed(declared)}")
    socket, value = declared[setting.input], setting.value
    with error_context(graph.name(node_id)):
        value = Path(value) if socket.picture and value and Path(value).exists() else socket.accept(value)
    return graph.with_node(node_id, node.with_inputs(**{setting.input: value}))


def folder_setting(graph: Graph) -> tuple[str, str, Path] | None:
    """The node, input and path of a constant that is a folder, if there is one."""
    found = [
        (node_id, name, value)
        for node_id, node in graph.nodes.items()
        for name, value in node.inputs.items()
        if isinstance(value, Path) and value.is_dir()
    ]
    if len(found) > 1:
        raise WorkflowError("only one input may be a folder: give the others one picture each")
    return found[0] if found else None


def for_each_picture(graph: Graph, node_id: str, name: str, folder: Path) -> dict[str, Graph]:
    """The graph with each picture of the folder in turn, by the name that its outputs carry."""
    pictures = pictures_in(folder)
    node = graph.nodes[node_id]
    variants = [graph.with_node(node_id, node.with_inputs(**{name: picture})) for picture in pictures]
    return dict(zip(distinct_stems(pictures), variants, strict=True))
