"""Run a graph: nodes in order, each result kept while a node needs it, pictures written when all has succeeded."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

import torch
from torch import Tensor

from ..media.images import check_folder, existing_parent, save_picture, write_whole
from .check import checked
from .errors import error_context, one_line
from .graph import Graph, Link, WorkflowError
from .prefixes import filled, fitting, legal, server_tokens
from .sockets import hidden, shown

log = logging.getLogger(__name__)

INPUT_FOLDER, SAVER = "BRUSHWORK_INPUT_FOLDER", "BRUSHWORK_SAVER"
"""What hidden inputs may ask for: the folder of the pictures to read, and the `Saver` of the run."""
MEMORY_BYTES = 1 << 24  # up to which a file waits in memory, and not as a nameless one on the disk

LONGEST_PATH = 1000
"""Bytes of a name with its folders; systems take 4096 and less of the whole path."""

Values = list[Any]  # of one output: a node that maps over a list has many
Progress = Callable[[int, int, str], None]  # called with the steps done, their total, and the name of the next one


def silent(done: int, total: int, name: str) -> None:
    """The progress of a run that nobody watches."""


def run_for_each(
    graph: Graph,
    nodes: Mapping[str, type],
    runs: Mapping[str, Graph],
    varied: str,
    input_dir: Path,
    output_dir: Path,
    on_progress: Progress = silent,
) -> tuple[list[Path], dict[str, WorkflowError]]:
    """Run variants of `graph` by stem, which differ in the node `varied`; what does not depend on it runs once.

    The paths of the saved files, and by stem why a variant failed, which does not keep the others from running.
    """
    saving = {node_id for node_id, node in graph.nodes.items() if getattr(nodes.get(node.kind), "OUTPUT_NODE", False)}
    results = Results(frozenset(graph.nodes) - graph.descendants(varied) - saving)
    files: list[Path] = []
    failed: dict[str, WorkflowError] = {}
    for stem, variant in runs.items():
        try:
            files += run_workflow(variant, nodes, input_dir, output_dir, on_progress, stem, results)
        except WorkflowError as error:
            failed[stem] = error
    return files, failed


def run_workflow(
    graph: Graph,
    nodes: Mapping[str, type],
    input_dir: Path,
    output_dir: Path,
    on_progress: Progress = silent,
    stem: str = "",
    results: "Results | None" = None,
) -> list[Path]:
    """Run all that the output nodes need; the paths of the saved files, which are written at the end, or not at all.

    `nodes` are all node classes by id. `on_progress` is called before each node and at the end. `stem` goes before the
    names of the saved files. `results` hands outputs from one run to the next. Output nodes that lack something are
    left out, with a warning. WorkflowError says why a graph cannot run, and which node had to give up.
    """
    saver = Saver(output_dir, stem)
    hidden_inputs: dict[str, object] = {INPUT_FOLDER: input_dir, SAVER: saver}
    results = Results() if results is None else results
    graph = checked(filled(graph, saver.now), nodes, hidden_inputs, results.warn)
    results.expect(graph)
    with torch.inference_mode():  # as ComfyUI does
        for done, (node_id, node) in enumerate(graph.nodes.items()):
            on_progress(done, len(graph.nodes), graph.name(node_id))
            if node_id in results.outputs:
                continue
            links = node.links
            inputs = {name: results.read(links[name]) if name in links else [node.inputs[name]] for name in node.inputs}
            known = {**hidden_inputs, "UNIQUE_ID": node_id}
            asked = {name: known.get(kind) for name, kind in hidden(nodes[node.kind]).items()}
            with error_context(graph.name(node_id)):
                results.add(node_id, _call(nodes[node.kind], inputs, asked))
    on_progress(len(graph.nodes), len(graph.nodes), "")
    return saver.write()


def _call(node_class: Any, inputs: Mapping[str, Values], hidden_inputs: Mapping[str, object]) -> list[Values]:  # noqa: ANN401
    """The node's outputs. `lazy` inputs are all evaluated: a node that can do without one can also take it."""
    calls: list[Mapping[str, Any]] = [inputs]
    if not getattr(node_class, "INPUT_IS_LIST", False):  # a shorter list repeats its last value
        count = max((len(values) for values in inputs.values()), default=1)
        calls = [{name: values[min(k, len(values) - 1)] for name, values in inputs.items()} for k in range(count)]
    function = getattr(node_class(), node_class.FUNCTION)
    outputs: list[Values] = [[] for _ in node_class.RETURN_TYPES]
    is_list = getattr(node_class, "OUTPUT_IS_LIST", [False] * len(outputs))
    for arguments in calls:
        result = function(**arguments, **hidden_inputs)
        if isinstance(result, dict):
            if "expand" in result:
                raise WorkflowError("nodes that expand into other nodes run in ComfyUI only")
            result = result.get("result", ())
        for slot, values in enumerate(outputs):
            values += result[slot] if is_list[slot] else (result[slot],)
    return outputs


@dataclass
class Results:
    """The outputs of nodes that have run; those in `kept` stay for the next run, the others until their last reader."""

    kept: frozenset[str] = frozenset()
    outputs: dict[str, list[Values]] = field(default_factory=dict)
    readers: Counter[str] = field(default_factory=Counter)
    warnings: set[str] = field(default_factory=set)

    def warn(self, line: str) -> None:
        """Log a warning, once in all runs."""
        if line not in self.warnings:
            self.warnings.add(line)
            log.warning("%s", one_line(line))

    def expect(self, graph: Graph) -> None:
        """Count the links that will be read in a run of `graph`, dropping what an earlier run need not keep."""
        self.outputs = {node_id: outputs for node_id, outputs in self.outputs.items() if node_id in self.kept}
        running = [node for node_id, node in graph.nodes.items() if node_id not in self.outputs]
        self.readers = Counter(link.node for node in running for link in node.links.values())

    def add(self, node_id: str, outputs: list[Values]) -> None:
        """Keep what somebody will read."""
        if self.readers[node_id] or node_id in self.kept:
            self.outputs[node_id] = outputs

    def read(self, link: Link) -> Values:
        """What a link brings; after its last reader it is dropped."""
        values = self.outputs[link.node][link.slot]
        self.readers[link.node] -= 1
        if not self.readers[link.node] and link.node not in self.kept:
            del self.outputs[link.node]
        return values


class Saver:
    """The pictures of one run, as files without a name until `write`, so that a failed run leaves nothing."""

    def __init__(self, folder: Path, stem: str = "") -> None:
        check_folder(folder)
        self.folder, self.stem, self._nearest = folder, stem, existing_parent(folder)
        self.now = datetime.now()
        self._files: dict[Path, IO[bytes]] = {}
        self._counts: Counter[Path] = Counter()

    def add(self, images: Tensor, prefix: str | Path) -> None:
        """Name and encode images [B, H, W, 3], or 4 with their alpha.

        A text is a prefix inside the folder, `prefix_00001.png` and on, after the stem if the run has one, with what
        ComfyUI's server fills in; unlike ComfyUI's the numbers start at 1 in every run, so that the same command makes
        the same files. A path (which only a caller can give, never a workflow file) is the file itself.
        """
        for index, image in enumerate(images):
            if isinstance(prefix, Path):
                path = prefix.with_stem(f"{prefix.stem}_{index + 1}") if index else prefix
            else:
                text = server_tokens(prefix, image.shape[1], image.shape[0], self.now)
                base = inside(self.folder, legal(text.replace("%batch_num%", str(index))))
                base = base.with_name(fitting("_".join(dict.fromkeys(filter(None, (self.stem, base.name))))))
                self._counts[base] += 1
                path = base.with_name(f"{base.name}_{self._counts[base]:05}.png")
            file = cast(IO[bytes], SpooledTemporaryFile(MEMORY_BYTES, dir=str(self._nearest)))  # noqa: SIM115
            save_picture(image[..., :3], path.suffix, file, image[..., 3] if image.shape[-1] == 4 else None)
            self._files[path] = file

    def write(self) -> list[Path]:
        """Write all files, each at once, and return their paths."""
        for path, file in self._files.items():
            file.seek(0)
            with file:
                write_whole(path, file)
        return list(self._files)


def inside(folder: Path, name: str) -> Path:
    """`folder / name`, where the name (from a workflow, which may come from a stranger) does not lead out of it.

    A workflow made on Windows has backslashes for slashes.
    """
    plain = PurePosixPath(name.replace("\\", "/"))
    path = folder / plain
    try:
        length = len(os.fsencode(plain))
    except UnicodeEncodeError:
        length = 0
    if length > LONGEST_PATH:
        raise WorkflowError(f"'{shown(name)}' is too long for a name inside the folder {folder}")
    if (
        not length
        or "\0" in name
        or ".." in plain.parts
        or plain.is_absolute()
        or PureWindowsPath(name).is_absolute()
        or path == folder
    ):
        raise WorkflowError(f"'{shown(name)}' is not a name inside the folder {folder}")
    return path
