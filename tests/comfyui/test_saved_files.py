"""What the real ComfyUI saves is a workflow here, and what it loads and names is the same here."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from brushwork.media.images import read_picture
from brushwork.runner.core_nodes import all_nodes
from brushwork.runner.formats import read_workflow
from brushwork.runner.graph import Graph, Link, Node
from brushwork.runner.run import run_workflow
from brushwork.tests.comfyui.client import Client

FRAMES = Link("frames", 0)
WEBP = {"lossless": True, "quality": 80, "method": "default"}
SAVERS = {
    "png": Node("SaveImage", {"images": FRAMES}),
    "webp": Node(
        "SaveAnimatedWEBP", {"images": FRAMES, "fps": 6.0, "lossless": True, "quality": 80, "method": "default"}
    ),
    "apng": Node("SaveAnimatedPNG", {"images": FRAMES, "fps": 6.0, "compress_level": 4}),
    "latent": Node("SaveLatent", {"samples": Link("latent", 0)}),
    "webm": Node("SaveWEBM", {"images": FRAMES, "codec": "vp9", "fps": 6.0, "crf": 32.0}),
    "mp4": Node("SaveVideo", {"video": Link("video", 0), "format": "mp4", "codec": "h264"}),
}


@pytest.mark.parametrize("kind", SAVERS)
def test_a_saved_file_is_a_workflow(kind: str, client: Client) -> None:
    size = {"width": 64, "height": 48, "batch_size": 1}
    sources = {
        "red": Node("EmptyImage", {**size, "color": 0xFF0000}),
        "blue": Node("EmptyImage", {**size, "color": 0x0000FF}),
        "frames": Node("ImageBatch", {"image1": Link("red", 0), "image2": Link("blue", 0)}),
        "latent": Node("EmptyLatentImage", size),
        "video": Node("CreateVideo", {"images": FRAMES, "fps": 6.0}),
    }
    graph = Graph({**sources, "save": SAVERS[kind].with_inputs(filename_prefix=f"workflows/{kind}")})
    outcome = client.run(graph)
    assert outcome.end == "success", outcome.message
    made = sorted((client.folder / "output" / "workflows").glob(f"{kind}_*"))
    assert made and all(read_workflow(path, all_nodes()) == graph for path in made)


@pytest.mark.parametrize("name", ["moving.gif", "moving.webp", "moving.png"])
def test_an_animation_is_loaded_and_its_frames_named_as_there(name: str, client: Client, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime", "blue")]
    for folder in (client.folder / "input", tmp_path):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], lossless=True)
    prefix = "%width%x%height%/%year%" + name.replace(".", "_")
    save = Node("SaveImage", {"images": Link("load", 0), "filename_prefix": prefix})
    graph = Graph({"load": Node("LoadImage", {"image": name}), "save": save})
    theirs = client.run(graph).pictures
    ours = run_workflow(graph, all_nodes(), tmp_path, tmp_path / "out")
    assert [path.relative_to(client.folder / "output").as_posix().replace("_.png", ".png") for path in theirs] == [
        path.relative_to(tmp_path / "out").as_posix() for path in ours
    ]
    for their, our in zip(theirs, ours, strict=True):
        assert torch.equal(read_picture(their)[0], read_picture(our)[0])


def test_complete_outputs_run_there_too(client: Client, tmp_path: Path) -> None:
    picture = Node("EmptyImage", {"width": 8, "height": 8, "batch_size": 1, "color": 255})
    graph = Graph(
        {
            "picture": picture,
            "whole": Node("SaveImage", {"images": Link("picture", 0), "filename_prefix": "whole", "older input": 3}),
            "open": Node("PreviewImage", {}),
            "absent": Node("SaveImage", {"images": Link("load", 0), "filename_prefix": "absent"}),
            "load": Node("LoadImage", {"image": "not there.png"}),
        }
    )
    outcome = client.run(graph)
    assert outcome.end == "success" and [path.name for path in outcome.pictures] == ["whole_00001_.png"]
    here = Graph({**graph.nodes, "picture": Node("BrushworkSamplePicture", {"name": "coffee"})})
    assert [path.name for path in run_workflow(here, all_nodes(), tmp_path, tmp_path)] == ["whole_00001.png"]
