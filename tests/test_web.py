"""What the page loads from the pack: thumbnails for all there is to choose, and scripts that can be read."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

import brushwork
from brushwork.nodes import NODES
from brushwork.tools.thumbnails import SAMPLES, STYLES, thumbnail_names, thumbnail_path
from brushwork.tools.workflows.page import THUMBNAIL_HEIGHTS

WEB = Path(__file__).parents[1] / brushwork.WEB_DIRECTORY
SCRIPTS = sorted(WEB.rglob("*.js"))
NAMES = thumbnail_names()


@pytest.mark.parametrize("folder", [SAMPLES, STYLES])
def test_every_choice_has_its_picture_and_no_other(folder: str) -> None:
    index = json.loads((WEB / "thumbs" / "index.json").read_text(encoding="utf-8"))
    assert index == NAMES
    assert set((WEB / "thumbs" / folder).iterdir()) == {thumbnail_path(folder, name) for name in NAMES[folder]}
    for path in (WEB / "thumbs" / folder).iterdir():
        with Image.open(path) as picture:
            assert (picture.format, picture.width) == ("JPEG", picture.height)
            assert 96 <= picture.width <= 128


def test_thumbnails_are_light() -> None:
    assert sum(path.stat().st_size for path in (WEB / "thumbs").rglob("*.jpg")) < 400_000


def test_every_script_is_in_its_folder() -> None:
    """ComfyUI's page runs every script below the pack's web folder."""
    assert {path.parent for path in SCRIPTS} == {WEB / "js"}


def test_scripts_are_modules_that_parse(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    for path in SCRIPTS:
        module = shutil.copy(path, tmp_path / f"{path.stem}.mjs")
        checked = subprocess.run([node, "--check", module], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_the_script_knows_the_lists_by_their_names() -> None:
    text = (WEB / "js" / "thumbnails.js").read_text(encoding="utf-8")
    listed = re.findall(r"^  (Brushwork\w+): \[(.+)\],$", text, re.MULTILINE)
    assert {name for name, _ in listed} == set(THUMBNAIL_HEIGHTS)
    for name, row in listed:
        folder, *lists = json.loads(f"[{row}]")
        required = NODES[name].INPUT_TYPES()["required"]
        assert all(set(NAMES[folder]) <= set(required[entry][0]) for entry in lists)
        assert lists == [entry for entry, (kind, _) in required.items() if set(NAMES[folder]) <= set(kind)]
