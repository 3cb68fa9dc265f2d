"""Every workflow, queued as the page queues it, paints what it paints without ComfyUI."""

import json
from pathlib import Path

import pytest

from brushwork.benchmarks.measure import decibels
from brushwork.media.images import read_picture
from brushwork.runner.core_nodes import all_nodes, all_titles, known_nodes
from brushwork.runner.formats import read_workflow
from brushwork.runner.graph import Graph
from brushwork.runner.run import run_workflow
from brushwork.tests.comfyui.client import Client
from brushwork.tools.previews import runs_here
from brushwork.tools.workflows import FOLDER, WORKFLOWS

SAME = 50.0
"""Decibels of PSNR."""
STEPS = 2
"""Of learning."""
FILES = {"ckpt_name", "lora_name"}
"""Inputs that name weights of diffusion models."""


def graph_of(name: str) -> Graph:
    return shortened(read_workflow(FOLDER / f"{name}.json", known_nodes(), all_titles()))


def shortened(graph: Graph) -> Graph:
    learning = {i: node for i, node in graph.nodes.items() if node.kind == "BrushworkLearnStyle"}
    return Graph({**graph.nodes, **{i: node.with_inputs(steps=STEPS) for i, node in learning.items()}})


OURS = [name for name in WORKFLOWS if runs_here(graph_of(name))]
DIFFUSION = [name for name in WORKFLOWS if name.startswith("diffusion")]


@pytest.mark.parametrize("name", OURS)
def test_the_same_picture_as_without_comfyui(
    name: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", "")
    monkeypatch.setenv("BRUSHWORK_OFFLINE", "1")
    graph = graph_of(name)
    outcome = client.run(graph)
    assert outcome.end == "success", outcome.message
    expected = run_workflow(graph, all_nodes(), FOLDER, tmp_path)
    assert len(outcome.pictures) == len(expected)
    for ours, theirs in zip(expected, outcome.pictures, strict=True):
        assert decibels(read_picture(theirs)[0], read_picture(ours)[0]) > SAME
    assert client.run(graph).ran == []  # since nothing changed


@pytest.mark.parametrize("name", DIFFUSION)
def test_nothing_is_missing_but_checkpoints(name: str, client: Client) -> None:
    with pytest.raises(RuntimeError) as refused:
        client.run(graph_of(name))
    refusals = json.loads(str(refused.value))["node_errors"].values()
    errors = [error for refusal in refusals for error in refusal["errors"]]
    assert {error["type"] for error in errors} == {"value_not_in_list"}
    assert {error["extra_info"]["input_name"] for error in errors} <= FILES
