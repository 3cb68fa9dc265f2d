"""Run a graph: nodes in order, each result kept while somebody needs it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..nodes._inputs import PAST
from ..transfer.temporal import TemporalWindow
from .check import checked
from .core_nodes import INPUT_FOLDER, SAVER
from .errors import blamed_on
from .graph import Graph, Link, WorkflowError
from .saving import Saver
from .sockets import hidden

Values = list[Any]


def call_node(node_class: Any, inputs: Mapping[str, Values], hidden: Mapping[str, object]) -> list[Values]:  # noqa: ANN401
    """The node's outputs, a list of values each.

    `lazy` inputs are all evaluated: a node that can do without one can also take it.
    """
    node = node_class()
    function = getattr(node, node_class.FUNCTION)
    if getattr(node_class, "INPUT_IS_LIST", False):
        answers = [function(**inputs, **hidden)]
    else:
        # A shorter list repeats its last value.
        rounds = max((len(values) for values in inputs.values()), default=1)
        chosen = [{name: values[min(k, len(values) - 1)] for name, values in inputs.items()} for k in range(rounds)]
        answers = [function(**arguments, **hidden) for arguments in chosen]
    return _by_output(node_class, [_result(answer) for answer in answers])


def _result(answer: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as nodes return it
    if isinstance(answer, dict):
        if "expand" in answer:
            raise WorkflowError("nodes that expand into other nodes run in ComfyUI only")
        answer = answer.get("result", ())
    return tuple(answer or ())


def _by_output(node_class: Any, results: list[tuple[Any, ...]]) -> list[Values]:  # noqa: ANN401
    count = len(node_class.RETURN_TYPES)
    is_list = getattr(node_class, "OUTPUT_IS_LIST", (False,) * count)
    return [
        [value for result in results for value in (result[slot] if is_list[slot] else (result[slot],))]
        for slot in range(count)
    ]


Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, name: str) -> None:
    """The progress of a run that nobody watches."""


@dataclass
class Results:
    """The outputs of nodes that have run; those in `kept` stay for the next run, the others until their last reader."""

    kept: frozenset[str] = frozenset()
    outputs: dict[str, list[Values]] = field(default_factory=dict)
    readers: Counter[str] = field(default_factory=Counter)
    pasts: dict[str, TemporalWindow] | None = None
    """By node, where the runs are parts of one video."""

    def expect(self, graph: Graph) -> None:
        """Count the links that will be read in a run of `graph`, dropping what an earlier run need not keep."""
        self.outputs = {node_id: outputs for node_id, outputs in self.outputs.items() if node_id in self.kept}
        running = [node for node_id, node in graph.nodes.items() if node_id not in self.outputs]
        self.readers = Counter(link.node for node in running for link in node.links.values())

    def add(self, node_id: str, outputs: list[Values]) -> None:
        if self.readers[node_id] or node_id in self.kept:
            self.outputs[node_id] = outputs

    def read(self, link: Link) -> Values:
        values = self.outputs[link.node][link.slot]
        self.readers[link.node] -= 1
        if not self.readers[link.node] and link.node not in self.kept:
            del self.outputs[link.node]
        return values


def run_workflow(
    graph: Graph,
    nodes: Mapping[str, type],
    input_dir: Path,
    output_dir: Path,
    on_progress: Progress = silent,
    stem: str = "",
    results: Results | None = None,
) -> list[Path]:
    """Run all that the output nodes need; the paths of the saved files, which are written at the end, or not at all.

    `nodes` are all node classes by id. `on_progress(done, total, name)` is called before each node and at the end.
    `stem` goes before the names of the saved files. `results` hands outputs from one run to the next.
    """
    saver = Saver(output_dir, stem)
    surroundings: dict[str, object] = {INPUT_FOLDER: input_dir, SAVER: saver}
    results = Results() if results is None else results
    graph = checked(graph, nodes, surroundings)
    results.expect(graph)
    with torch.inference_mode():  # as ComfyUI does
        for done, node_id in enumerate(graph.nodes):
            on_progress(done, len(graph.nodes), graph.name(node_id))
            if node_id not in results.outputs:
                results.add(node_id, _run_node(graph, node_id, nodes, results, surroundings))
    on_progress(len(graph.nodes), len(graph.nodes), "")
    return saver.write()


def run_for_each(
    graph: Graph,
    nodes: Mapping[str, type],
    runs: Mapping[str, Graph],
    varied: str,
    input_dir: Path,
    output_dir: Path,
    on_progress: Progress = silent,
) -> list[Path]:
    """Run variants of `graph` by stem, which differ in the node `varied`; what does not depend on it runs once."""
    results = results_kept(graph, nodes, varied)
    files: list[Path] = []
    for stem, variant in runs.items():
        files += run_workflow(variant, nodes, input_dir, output_dir, on_progress, stem, results)
    return files


def results_kept(graph: Graph, nodes: Mapping[str, type], varied: str) -> Results:
    """Results that keep what does not depend on the node `varied`, for runs that differ in it."""
    fixed = frozenset(graph.nodes) - graph.descendants(varied)
    return Results(frozenset(i for i in fixed if not getattr(nodes.get(graph.nodes[i].kind), "OUTPUT_NODE", False)))


def _run_node(
    graph: Graph, node_id: str, nodes: Mapping[str, type], results: Results, surroundings: Mapping[str, object]
) -> list[Values]:
    node = graph.nodes[node_id]
    node_class = nodes[node.kind]
    inputs = {name: results.read(value) if isinstance(value, Link) else [value] for name, value in node.inputs.items()}
    answers = {**surroundings, "UNIQUE_ID": node_id, PAST: None if results.pasts is None else results.pasts[node_id]}
    asked = {name: answers.get(kind) for name, kind in hidden(node_class).items()}
    with blamed_on(graph.name(node_id)):
        return call_node(node_class, inputs, asked)
