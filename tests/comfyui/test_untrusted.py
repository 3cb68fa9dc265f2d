"""A stranger's workflow on the real server: it is refused, or ends in a result or in one sentence, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from brushwork.nodes import NODES
from brushwork.nodes._base import FEATURES, NETWORK
from brushwork.runner.graph import Graph, Link, Node
from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.server import Server
from brushwork.tests.conftest import ROOT
from brushwork.tests.nodes.hostile import assert_sentence, kinds_of

PICTURES = ("pixel", "thread", "no pixels", "rgba", "grey", "not finite", "far out", "bytes", "nothing")
WORDS = ("long", "nul", "surrogate", "nan", "nothing")
SENT = {
    "INT": ("nan", "inf", "1e30", "minus", "half", "text"),
    "FLOAT": ("nan", "inf", "1e30", "minus", "text"),
    "STRING": WORDS,
    "COMBO": WORDS,
    "IMAGE": PICTURES,
    "MASK": ("three masks", *PICTURES),
    NETWORK: ("nothing", "text"),
    FEATURES: ("nothing", "text", "pixel"),
}
"""Over links, by what `probe/stranger.py` calls them."""
TYPED = ["../../evil", "/etc/passwd", "a\0b", "\ud800", "x" * 5000, "stylebank/../../evil", 3, True, {"a": 1}, None]
"""In widgets."""
OURS = ("models", "output", "temp")
"""Folders of ComfyUI where something may be written."""
FAST = {"steps": 1, "size": 16, "save": "do not save"}


def graph_of(node: str, **changed: object) -> Graph:
    """The node with inputs that it takes, but for those that are `changed`, and all that this needs."""
    network, level = {"BrushworkCoMatch": ("msgnet", "comatch")}.get(node, ("compact", "relu2_1"))
    if "StyleBank" in node or node == "BrushworkLearnStyle":
        network, level = "stylebank", "bank"
    declared = NODES[node].INPUT_TYPES()["required"]
    links = {"IMAGE": "picture", "MASK": "mask", NETWORK: "network", FEATURES: "features", "LATENT": "latent"}
    usual = {name: Link(links[kind], 0) for name, (kind, _) in declared.items() if str(kind) in links}
    usual |= {name: options["default"] for name, (_, options) in declared.items() if "default" in options}
    inputs: dict[str, Any] = usual | {name: value for name, value in FAST.items() if name in declared} | changed
    picture, ready = Link("picture", 0), Link("network", 0)
    nodes = {
        "sample": Node("BrushworkSamplePicture", {"name": "coffee"}),
        "picture": Node("BrushworkBrushSize", {"style": Link("sample", 0), "scale": 0.05}),
        "mask": Node("SolidMask", {"value": 1.0, "width": 24, "height": 24}),
        "network": Node("BrushworkLoadStyleNetwork", {"name": network, "precision": "float32"}),
        "features": Node("BrushworkStyleEncoder", {"network": ready, "image": picture, "level": level}),
        "latent": Node("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}),
        "strange": Node("TestStrange", {"what": "nan"}),
        "it": Node(node, inputs),
        "sink": Node("TestSink", {"value": Link("it", 0)}),
    }
    return Graph(nodes)


def withstands(client: Client, graph: Graph) -> None:
    outcome = client.run(graph)
    assert outcome.end in ("success", "error")
    if outcome.end == "error":
        assert_sentence(outcome.message)


def files(server: Server) -> set[Path]:
    """Everywhere that nothing may be written."""
    kept = [path for path in server.folder.iterdir() if path.name not in OURS and path != server.log]
    everywhere = [path for folder in [*kept, ROOT] for path in folder.rglob("*") if ".git" not in path.parts]
    return {path for path in everywhere if "__pycache__" not in path.parts}


@pytest.mark.parametrize("node", NODES)
def test_the_usual_runs(node: str, client: Client) -> None:
    outcome = client.run(graph_of(node))
    if "needs OpenCV" in outcome.message:
        pytest.skip(f"this ComfyUI has no OpenCV, which {node} needs")
    assert outcome.end == "success", outcome.message


@pytest.mark.parametrize("node", NODES)
def test_over_links(node: str, client: Client, server: Server) -> None:
    before = files(server)
    for name, kind in kinds_of(node).items():
        for what in SENT.get(kind, ("text",)):
            graph = graph_of(node, **{name: Link("strange", 0)})
            withstands(client, graph.with_node("strange", Node("TestStrange", {"what": what})))
    assert files(server) == before
    assert client.get("/system_stats")


@pytest.mark.parametrize("node", NODES)
def test_in_widgets(node: str, client: Client, server: Server) -> None:
    before = files(server)
    for name, kind in kinds_of(node).items():
        for value in TYPED if kind in ("STRING", "COMBO") else ["x", float("nan"), 1e30, {"a": 1}]:
            try:
                withstands(client, graph_of(node, **{name: value}))
            except RuntimeError as refusal:
                assert "prompt_outputs_failed_validation" in str(refusal)
    assert files(server) == before
    assert client.get("/system_stats")
