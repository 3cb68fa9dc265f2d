"""Every workflow runs without ComfyUI and without a downloaded file, here with all pixels a quarter of their number;
but for those with a diffusion model, which are ready for ComfyUI."""

import json
from pathlib import Path

import pytest
import torch.nn.functional as F
from torch import Tensor

import brushwork.nodes.pictures
from brushwork.media.images import read_picture
from brushwork.runner.check import checked
from brushwork.runner.core_nodes import all_nodes, all_titles, known_nodes
from brushwork.runner.formats import read_workflow
from brushwork.runner.graph import Graph, Node, WorkflowError
from brushwork.runner.run import SAVER, Saver, run_workflow
from brushwork.samples import load_sample
from brushwork.tools.previews import preview, runs_here, without_diffusion
from brushwork.tools.workflows import FOLDER, WORKFLOWS

SHARE = 4
IN_PIXELS = ("width", "height", "x", "y", "feather", "size")
STEPS = 2
"""Of learning."""
SIDE = 48
"""Of a picture on a contact sheet: with a gap of 1 around it, and 4 for a line of text."""
EXPECTED = {
    "1_style_transfer": (128, 128),
    "2_painted_style": (100, 150),
    "adain": (128, 128),
    "adain_alpha_sweep": (107, 99),
    "adain_four_styles": (148, 148),
    "adain_regions": (128, 128),
    "adain_colors": (107, 99),
    "wct": (100, 150),
    "wct_levels": (160, 148),
    "wct_two_styles": (75, 112),
    "wct_texture": (128, 128),
    "wct_texture_mix": (128, 128),
    "msgnet": (128, 128),
    "msgnet_brush_size": (107, 99),
    "msgnet_interpolation": (107, 148),
    "stylebank": (128, 128),
    "stylebank_fusion": (107, 148),
    "stylebank_regions": (128, 128),
    "stylebank_learn": (107, 99),
    "mixed": (128, 128),
    "stylize_large": (300, 448),
}
"""Height and width of the result: the content's, the noise's or the sheet's."""
ELSEWHERE = {
    "diffusion_refine": ["Content", "Style", "Stylize Large"],
    "diffusion_restyle": ["Style"],
    "diffusion_align": ["Content", "Style"],
}
"""Workflows that need a checkpoint, and what can be seen of them here."""
VIDEO = "3_video"
"""The one that needs ComfyUI for its videos."""


@pytest.fixture
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brushwork.nodes.pictures, "load_sample", small_sample)


@pytest.fixture
def fresh_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights but those built in, and no way to get others."""
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", "")
    monkeypatch.setenv("BRUSHWORK_OFFLINE", "1")
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("fresh_clone", "small_samples")
@pytest.mark.parametrize("name", EXPECTED)
def test_a_workflow_paints_a_picture_of_its_size(name: str, tmp_path: Path) -> None:
    graph = read_workflow(FOLDER / f"{name}.json", all_nodes(), all_titles())
    (file,) = run_workflow(small(graph), all_nodes(), FOLDER, tmp_path)
    assert file == tmp_path / "brushwork" / f"{name}_00001.png"
    picture, _ = read_picture(file)  # a picture with NaN would not have been saved
    assert tuple(picture.shape) == (1, *EXPECTED[name], 3)
    assert picture.std(dim=(1, 2)).min() > 0.1


def test_every_workflow_runs_here_or_needs_a_checkpoint() -> None:
    assert {*EXPECTED, *ELSEWHERE, VIDEO} == set(WORKFLOWS)
    assert not EXPECTED.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_workflow_with_diffusion_is_valid_and_says_where_it_runs(name: str, tmp_path: Path) -> None:
    path = FOLDER / f"{name}.json"
    graph = read_workflow(path, known_nodes(), all_titles())
    assert not runs_here(graph)
    assert checked(graph, known_nodes(), {SAVER: Saver(tmp_path)}).nodes.keys() == graph.nodes.keys()
    with pytest.raises(WorkflowError, match="'CheckpointLoaderSimple', which is unknown here: run this workflow in"):
        run_workflow(read_workflow(path, all_nodes(), all_titles()), all_nodes(), FOLDER, tmp_path)


def test_a_workflow_with_video_is_valid_and_says_where_it_runs(tmp_path: Path) -> None:
    path = FOLDER / f"{VIDEO}.json"
    graph = read_workflow(path, known_nodes(), all_titles())
    assert checked(graph, known_nodes(), {SAVER: Saver(tmp_path)}).nodes.keys() == graph.nodes.keys()
    with pytest.raises(WorkflowError, match="'GetVideoComponents', which is unknown here: run this workflow in"):
        run_workflow(read_workflow(path, all_nodes(), all_titles()), all_nodes(), FOLDER, tmp_path)


@pytest.mark.usefixtures("fresh_clone")
def test_what_is_painted_of_a_video_can_be_seen() -> None:
    picture = preview(VIDEO)
    assert picture.size == (512, 512)
    assert min(max(high - low for low, high in picture.getextrema()), 255) > 100


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_page_can_offer_every_file_that_a_workflow_needs(name: str) -> None:
    """ComfyUI's page looks at the file's name, its address and where it goes."""
    page = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    wanted = {"CheckpointLoaderSimple": "checkpoints", "LoraLoaderModelOnly": "loras"}
    loaders = [node for node in page["nodes"] if node["type"] in wanted]
    assert loaders
    for node in loaders:
        (model,) = node["properties"]["models"]
        assert model["name"] == node["widgets_values"][0] == model["url"].rpartition("/")[2]
        assert model["directory"] == wanted[node["type"]]
        assert model["url"].startswith("https://huggingface.co/") and model["url"].endswith(".safetensors")


@pytest.mark.usefixtures("fresh_clone", "small_samples")
@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_comes_before_diffusion_can_be_seen(name: str, tmp_path: Path) -> None:
    shown = without_diffusion(read_workflow(FOLDER / f"{name}.json", all_nodes(), all_titles()))
    labels = shown.nodes["sheet"].inputs["labels"].splitlines()
    assert labels == [*ELSEWHERE[name], "the rest is diffusion"]
    (file,) = run_workflow(small(shown), all_nodes(), FOLDER, tmp_path)
    picture, _ = read_picture(file)
    assert picture.std(dim=(1, 2)).min() > 0.1


def small_sample(name: str) -> Tensor:
    return F.avg_pool2d(load_sample(name), SHARE)


def small(graph: Graph) -> Graph:
    return Graph({node_id: small_node(node) for node_id, node in graph.nodes.items()})


def small_node(node: Node) -> Node:
    scaled = {name: node.inputs[name] // SHARE for name in IN_PIXELS if name in node.inputs}
    fixed = {name: value for name, value in {"side": SIDE, "steps": STEPS}.items() if name in node.inputs}
    return node.with_inputs(**scaled, **fixed)
