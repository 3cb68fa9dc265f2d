"""Every workflow, queued as the page queues it, paints what it paints without ComfyUI."""

from pathlib import Path

import pytest

from brushwork.benchmarks.measure import decibels
from brushwork.headless.catalogue import all_nodes, all_titles
from brushwork.headless.graph import Graph
from brushwork.headless.pictures import read_picture
from brushwork.headless.run import run_workflow
from brushwork.headless.workflow import read_workflow
from brushwork.tests.comfyui.client import Client
from brushwork.workflows.build import FOLDER, WORKFLOWS

SAME = 50.0
STEPS = 2


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_same_picture_as_without_comfyui(
    name: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", "")
    monkeypatch.setenv("BRUSHWORK_OFFLINE", "1")
    graph = shortened(read_workflow(FOLDER / f"{name}.json", all_nodes(), all_titles()))
    outcome = client.run(graph)
    assert outcome.end == "success", outcome.message
    expected = run_workflow(graph, all_nodes(), FOLDER, tmp_path)
    assert len(outcome.pictures) == len(expected)
    for ours, theirs in zip(expected, outcome.pictures, strict=True):
        assert decibels(read_picture(theirs)[0], read_picture(ours)[0]) > SAME
    assert client.run(graph).ran == []  # since nothing changed


def shortened(graph: Graph) -> Graph:
    """Learning takes two steps."""
    learning = {i: node.with_inputs(steps=STEPS) for i, node in graph.nodes.items() if "steps" in node.inputs}
    return Graph({**graph.nodes, **learning})
