"""From a video file to a video file, with core's nodes around ours."""

import av
import pytest
import torch

from brushwork.runner.graph import Graph, Link, Node
from brushwork.samples import CLIP
from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.graphs import STYLE
from brushwork.tests.comfyui.test_interruption import begins, check_stops_soon, goes_on
from brushwork.tests.comfyui.test_workflows import graph_of
from brushwork.tests.media.clips import RATE, moving, write_clip

TEMPLATE = "3_video"


def by_kind(graph: Graph) -> dict[str, str]:
    """The id of each of the template's nodes."""
    return {node.kind: key for key, node in graph.nodes.items()}


def of_size(graph: Graph, size: int) -> Graph:
    return Graph(
        {key: node.with_inputs(size=size) if "size" in node.inputs else node for key, node in graph.nodes.items()}
    )


def test_the_template_runs_at_the_first_click(client: Client) -> None:
    outcome = client.run(of_size(graph_of(TEMPLATE), 96))
    assert outcome.end == "success", outcome.message
    (path,) = outcome.pictures
    with av.open(str(path)) as file, av.open(str(CLIP)) as clip:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        assert file.streams.video[0].average_rate == clip.streams.video[0].average_rate
    assert len(pictures) == 48 and pictures[0].shape == (54, 96, 3)
    assert min(float(picture.std()) for picture in pictures) > 20
    assert client.run(of_size(graph_of(TEMPLATE), 96)).ran == []  # since nothing changed


def test_your_own_video_keeps_its_rate_and_its_sound(client: Client) -> None:
    """By one wire, from Load Video to the sample."""
    write_clip(client.folder / "input" / "own.mp4", moving(10, (48, 64)), pixels="yuv420p")
    graph = of_size(graph_of(TEMPLATE), 64)
    sample = by_kind(graph)["BrushworkSampleVideo"]
    own = graph.nodes[sample].with_inputs(video=Link("own", 0))
    outcome = client.run(Graph({**graph.nodes, sample: own, "own": Node("LoadVideo", {"file": "own.mp4"})}))
    assert outcome.end == "success", outcome.message
    with av.open(str(outcome.pictures[0])) as file:
        assert {stream.type for stream in file.streams} == {"video", "audio"}
        assert file.streams.video[0].average_rate == RATE
        assert sum(1 for _ in file.decode(video=0)) == 10


def test_what_is_no_video_is_refused(client: Client) -> None:
    graph = graph_of(TEMPLATE)
    sample = graph.nodes[by_kind(graph)["BrushworkSampleVideo"]].with_inputs(video=Link("picture", 0))
    nodes = {**graph.nodes, by_kind(graph)["BrushworkSampleVideo"]: sample, "picture": STYLE["style"]}
    with pytest.raises(RuntimeError, match="return_type_mismatch"):
        client.run(Graph(nodes))


@pytest.mark.parametrize("event", [begins, goes_on])
def test_painting_a_video_stops_soon(event: type, client: Client) -> None:
    graph = of_size(graph_of(TEMPLATE), 128)
    check_stops_soon(client, graph, event(by_kind(graph)["BrushworkStyleTransfer"]))


def test_holding_a_video_still_stops_soon(client: Client) -> None:
    """Without OpenCV it has nothing to do, and is over before anybody could stop it."""
    graph = of_size(graph_of(TEMPLATE), 256)
    held = by_kind(graph)["BrushworkHoldStill"]
    frames = Link(by_kind(graph)["GetVideoComponents"], 0)
    graph = Graph({**graph.nodes, held: graph.nodes[held].with_inputs(painted=frames, content=frames)})
    asked: list[bool] = []
    look = goes_on(held)
    outcome = client.run(graph, lambda event: asked.append(True) if look(event) else None)
    assert outcome.end == "success", outcome.message
    if not asked:
        pytest.skip("ComfyUI has no OpenCV")
    client.free_memory()
    check_stops_soon(client, graph, goes_on(held))


def test_frames_are_those_of_the_clip(client: Client) -> None:
    """What core's node makes of our VIDEO is what the file holds."""
    nodes = {
        "clip": Node("BrushworkSampleVideo", {}),
        "parts": Node("GetVideoComponents", {"video": Link("clip", 0)}),
        "first": Node("ImageFromBatch", {"image": Link("parts", 0), "batch_index": 0, "length": 1}),
        "saved": Node("SaveImage", {"images": Link("first", 0), "filename_prefix": "frame"}),
    }
    outcome = client.run(Graph(nodes))
    assert outcome.end == "success", outcome.message
    with av.open(str(CLIP)) as file:
        expected = torch.from_numpy(next(file.decode(video=0)).to_ndarray(format="rgb24")) / 255
    assert torch.allclose(outcome.picture[0], expected, atol=1 / 255)
