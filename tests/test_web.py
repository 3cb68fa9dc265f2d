"""What the page loads from the pack: thumbnails for all there is to choose, and scripts that can be read."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import brushwork
from brushwork.nodes import NODES
from brushwork.samples import sample_names
from brushwork.tools.thumbnails import SAMPLES, STYLES, bank_styles, thumbnail_path
from brushwork.tools.workflows.layout import THUMBNAILS

WEB = Path(__file__).parents[1] / brushwork.WEB_DIRECTORY
SCRIPTS = sorted(WEB.rglob("*.js"))
shelves = pytest.mark.parametrize(("shelf", "names"), [(SAMPLES, sample_names), (STYLES, bank_styles)])


@shelves
def test_every_choice_has_its_picture_and_no_other(shelf: str, names: Callable[[], list[str]]) -> None:
    index = json.loads((WEB / "thumbs" / "index.json").read_text(encoding="utf-8"))
    assert index[shelf] == list(names())
    assert set((WEB / "thumbs" / shelf).iterdir()) == {thumbnail_path(shelf, name) for name in names()}
    for path in (WEB / "thumbs" / shelf).iterdir():
        with Image.open(path) as picture:
            assert (picture.format, picture.width) == ("JPEG", picture.height)
            assert 96 <= picture.width <= 128


def test_thumbnails_are_light() -> None:
    assert sum(path.stat().st_size for path in (WEB / "thumbs").rglob("*.jpg")) < 400_000


def test_every_script_is_in_its_folder() -> None:
    """ComfyUI's page runs every script below the pack's web folder."""
    assert {path.parent for path in SCRIPTS} == {WEB / "js"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_is_a_module_that_parses(path: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    module = shutil.copy(path, tmp_path / f"{path.stem}.mjs")
    checked = subprocess.run([node, "--check", module], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_script_knows_the_lists_by_their_names() -> None:
    text = (WEB / "js" / "thumbnails.js").read_text(encoding="utf-8")
    listed = re.findall(r"^  (Brushwork\w+): \[(.+)\],$", text, re.MULTILINE)
    assert {name for name, _ in listed} == set(THUMBNAILS)
    for name, row in listed:
        shelf, *lists = json.loads(f"[{row}]")
        required = NODES[name].INPUT_TYPES()["required"]
        known = {SAMPLES: sample_names(), STYLES: bank_styles()}[shelf]
        assert all(set(known) <= set(required[entry][0]) for entry in lists)
        assert len(lists) == sum(isinstance(kind, list) for kind, _ in required.values())
