"""Workflows that ComfyUI's page saved before nodes had their newest inputs still mean what they meant."""

from pathlib import Path

import pytest

from brushwork.runner.check import checked
from brushwork.runner.core_nodes import all_nodes, all_titles
from brushwork.runner.formats import read_workflow
from brushwork.runner.run import INPUT_FOLDER, SAVER, Saver
from brushwork.tests.frozen.entry import HERE
from brushwork.tools.workflows import FOLDER

SAVED = sorted((HERE / "workflows").glob("*.json"))


@pytest.mark.parametrize("saved", SAVED, ids=lambda path: path.stem)
def test_a_saved_workflow_is_todays(saved: Path, tmp_path: Path) -> None:
    """The same nodes, links and values; inputs that came later have their defaults."""
    nodes = all_nodes()
    old, new = (read_workflow(path, nodes, all_titles()) for path in (saved, FOLDER / saved.name))
    asked = {INPUT_FOLDER: tmp_path, SAVER: Saver(tmp_path)}
    assert len(old.nodes) > 5 and checked(old, nodes, asked) == checked(new, nodes, asked)
