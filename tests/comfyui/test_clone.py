"""A `git clone` into custom_nodes is all: it paints by every method, with nothing that ComfyUI does not bring."""

import os
import subprocess
from pathlib import Path

import pytest

from brushwork.media.images import read_picture
from brushwork.methods import METHODS
from brushwork.nodes import NODES
from brushwork.nodes.entry import FIRST_STYLE, METHOD_NAMES
from brushwork.runner.graph import Graph, Link, Node
from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.graphs import save
from brushwork.tests.comfyui.server import Server
from brushwork.tests.conftest import ROOT

NOT_COMFYUIS = ["cv2", "hypothesis", "jsonschema", "kornia", "pooch", "pytest", "ray", "rich", "skimage", "typer"]
"""What our extras bring, what an older version asked for, and kornia, which ComfyUI calls non-essential."""
WITHOUT = f"""
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.partition(".")[0] in {NOT_COMFYUIS!r}
        return None if absent else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


def painted_by_every_method() -> Graph:
    content = Node("BrushworkSamplePicture", {"name": "chelsea"})
    nodes = {"content": content, "style": Node("BrushworkSamplePicture", {"name": "hokusai_ejiri"})}
    for method in METHOD_NAMES:
        pictures = {"content": Link("content", 0), "style": Link("style", 0)}
        nodes[method] = _small("BrushworkStyleTransfer", **pictures, method=method)
    nodes["stylebank"] = _small("BrushworkPaintedStyle", content=Link("content", 0), style=FIRST_STYLE)
    return Graph({**nodes, **{f"save {name}": save(name) for name in (*METHOD_NAMES, "stylebank")}})


def _small(kind: str, **inputs: object) -> Node:
    required = NODES[kind].INPUT_TYPES()["required"]
    defaults = {name: options["default"] for name, (_, options) in required.items() if "default" in options}
    return Node(kind, {**defaults, "size": 160, **inputs})


def test_a_clone_paints_by_every_method(tmp_path: Path) -> None:
    comfyui, python = os.environ.get("COMFYUI_DIR"), os.environ.get("COMFYUI_PYTHON")
    if not comfyui or not python:
        pytest.skip("no ComfyUI is at hand: set COMFYUI_DIR and COMFYUI_PYTHON")
    clone, absent, base = (tmp_path / name for name in ("clone", "absent", "base"))
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    absent.mkdir()
    base.mkdir()
    (absent / "sitecustomize.py").write_text(WITHOUT)
    server = Server(base, Path(comfyui), Path(python), clone, {"PYTHONPATH": str(absent)})
    try:
        client = Client(server.port, server.folder)
        outcome = client.run(painted_by_every_method())
        client.close()
    finally:
        server.stop()
    assert outcome.end == "success", outcome.message
    pictures = [read_picture(path)[0][0] for path in outcome.pictures]
    assert len(pictures) == len(METHODS)
    assert {tuple(picture.shape) for picture in pictures} == {(106, 160, 3)}
    assert all((one - other).abs().mean() > 0.01 for one in pictures for other in pictures if one is not other)
