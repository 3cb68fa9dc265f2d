"""Workflows that ComfyUI's page saved before nodes had their newest inputs still mean what they meant."""

from pathlib import Path

import pytest

from brushwork.models.networks.base import DECODERS
from brushwork.runner.check import checked
from brushwork.runner.core_nodes import all_nodes, all_titles
from brushwork.runner.formats import read_workflow
from brushwork.runner.run import INPUT_FOLDER, SAVER, Saver
from brushwork.tests.frozen.doors import HERE
from brushwork.tools.workflows import FOLDER

SAVED = sorted((HERE / "workflows").glob("*.json"))


@pytest.mark.parametrize("saved", SAVED, ids=lambda path: path.stem)
def test_a_saved_workflow_is_todays(saved: Path, tmp_path: Path) -> None:
    """The same nodes, links and values; inputs that came later have their defaults, and decoders are still named."""
    nodes = all_nodes()
    old, new = (read_workflow(path, nodes, all_titles()) for path in (saved, FOLDER / saved.name))
    asked = {INPUT_FOLDER: tmp_path, SAVER: Saver(tmp_path)}
    for node_id, node in old.nodes.items():
        if node.kind == "BrushworkStyleDecoder":
            assert node.inputs["trained_for"] in DECODERS
            new = new.with_node(node_id, new.nodes[node_id].with_inputs(trained_for=node.inputs["trained_for"]))
    assert len(old.nodes) > 5 and checked(old, nodes, asked) == checked(new, nodes, asked)
