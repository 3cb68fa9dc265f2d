"""A workflow as a value: nodes whose inputs are constants or links to other nodes' outputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


class WorkflowError(ValueError):
    """A workflow, or a setting for one, that cannot run; the message is one sentence with the remedy."""


@dataclass(frozen=True)
class Link:
    """The output `slot` of the node `node`, as another node's input."""

    node: str
    slot: int


@dataclass(frozen=True)
class Node:
    """One node: its class's id, its inputs by name, the title a person gave it (or ""), and its name in file prefixes.

    That one (`alias`, the page's "Node name for S&R") is "" where it is the class's id.
    """

    kind: str
    inputs: Mapping[str, Any]
    title: str = ""
    alias: str = ""

    @property
    def links(self) -> dict[str, Link]:
        """The inputs that are links, by name."""
        return {name: value for name, value in self.inputs.items() if isinstance(value, Link)}

    def with_inputs(self, **inputs: Any) -> "Node":  # noqa: ANN401 - a constant of any type
        """The node with these inputs new or in the place of others."""
        return replace(self, inputs={**self.inputs, **inputs})


@dataclass(frozen=True)
class Graph:
    """Nodes by id."""

    nodes: Mapping[str, Node]

    def with_node(self, node_id: str, node: Node) -> "Graph":
        """The graph with this node new or in the place of another."""
        return Graph({**self.nodes, node_id: node})

    def name(self, node_id: str) -> str:
        """What messages call a node: `AdaIN (node 5)`."""
        node = self.nodes[node_id]
        return f"{node.title or node.kind} (node {node_id})"

    def find(self, name: str) -> str:
        """The id of the node with this id, else this title, else this kind; a title's case does not matter."""
        if name in self.nodes:
            return name
        folded = name.lower()
        for matches in (
            lambda node: node.title == name,
            lambda node: node.title.lower() == folded,
            lambda node: node.kind == name,
        ):
            found = [node_id for node_id, node in self.nodes.items() if matches(node)]
            if len(found) > 1:
                raise WorkflowError(f"{len(found)} nodes are called '{name}': use one of their ids, {', '.join(found)}")
            if found:
                return found[0]
        names = ", ".join(self.name(node_id) for node_id in self.nodes)
        raise WorkflowError(f"no node is called '{name}'; this workflow has {names}")

    def order(self, targets: Iterable[str], before: Iterable[str] = ()) -> list[str]:
        """`targets` and all they depend on, every node after its sources, one branch after the other.

        What is ordered already comes `before`. WorkflowError where a link leads nowhere or links form a circle.
        """
        done, opened = dict.fromkeys(before), dict[str, None]()
        stack = list(targets)[::-1]
        while stack:
            node_id = stack[-1]
            waiting = [source for source in self._sources(node_id) if source not in done]
            opened[node_id] = None
            if not waiting:
                done[stack.pop()] = None
            elif circle := next((source for source in waiting if source in opened), None):
                path = [node_id for node_id in opened if node_id not in done]
                names = " -> ".join(map(self.name, [circle, *reversed(path[path.index(circle) :])]))
                raise WorkflowError(f"these nodes form a circle: {names}; remove one of the links")
            else:
                stack += waiting[::-1]
        return list(done)

    def descendants(self, node_id: str) -> set[str]:
        """The node and all that depend on it."""
        found = {node_id}
        for later in self.order(self.nodes):
            if any(link.node in found for link in self.nodes[later].links.values()):
                found.add(later)
        return found

    def _sources(self, node_id: str) -> list[str]:
        links = self.nodes[node_id].links
        for name, link in links.items():
            if link.node not in self.nodes:
                fault = f"'{name}' is linked to node {link.node}, which does not exist"
                raise WorkflowError(f"{self.name(node_id)}: {fault}")
        return [link.node for link in links.values()]
