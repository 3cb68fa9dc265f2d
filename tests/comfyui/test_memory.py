"""What we take we give back, and what we do not get we do without."""

import re
from collections.abc import Iterator

import pytest

from brushwork.benchmarks.measure import decibels
from brushwork.runner.core_nodes import all_nodes, all_titles
from brushwork.runner.formats import read_workflow
from brushwork.runner.graph import Node
from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.graphs import adain, saved, small
from brushwork.tests.comfyui.server import Server
from brushwork.tests.tolerances import VISIBLE
from brushwork.tools.workflows import FOLDER

MIB = 1 << 20
PROMPTS = 50


def test_models_are_unloaded_and_come_back(client: Client) -> None:
    client.run(saved("picture", **small(), **adain(alpha=0.7)))
    assert client.loaded() != []
    client.unload_models()
    assert client.loaded() == []
    again = client.run(saved("picture", **small(), **adain(alpha=0.6)))
    assert again.end == "success" and "network" not in again.ran
    assert client.loaded() != []


def test_what_is_freed_is_gone(client: Client) -> None:
    client.run(saved("picture", **small(), **adain()))
    assert {"VggNetwork", "CachedFeatures"} <= set(client.get("/probe/alive"))
    client.free_memory()
    assert client.loaded() == []
    assert not {"VggNetwork", "HostedNetwork", "CachedFeatures", "FeatureMap"} & set(client.get("/probe/alive"))


def in_use(client: Client, server: Server) -> int:
    """Bytes of the device; where that is the CPU, ComfyUI's figure has what all programs use, so ask the system."""
    device = client.get("/system_stats")["devices"][0]
    return server.resident if device["type"] == "cpu" else device["vram_total"] - device["vram_free"]


def test_fifty_prompts_need_no_more_than_ten(client: Client, server: Server) -> None:
    taken = []
    for seed in range(PROMPTS):
        noise = Node("BrushworkTextureNoise", {"width": 512, "height": 512, "seed": seed})
        assert client.run(saved("picture", **small(512), noise=noise, **adain("noise"))).end == "success"
        taken.append(in_use(client, server))
    assert client.get("/probe/alive")["CachedFeatures"] == 4
    assert max(taken[10:]) - max(taken[:10]) < 64 * MIB


@pytest.fixture
def scarce(client: Client) -> Iterator[Client]:
    yield client
    client.limit(0)


@pytest.mark.parametrize(
    ("name", "most"),
    [("adain_regions", 6 * MIB), ("wct", 16 * MIB), ("msgnet", 8 * MIB), ("stylebank_regions", 4 * MIB)],
)
def test_a_full_memory_leads_to_smaller_tiles(name: str, most: int, scarce: Client) -> None:
    graph = read_workflow(FOLDER / f"{name}.json", all_nodes(), all_titles())
    for key, node in graph.nodes.items():
        if node.inputs.get("name") == "compact-adain":  # whose features at relu4_1 are larger than any of its maps
            graph = graph.with_node(key, node.with_inputs(name="compact"))
    expected = scarce.run(graph).picture
    scarce.free_memory()
    scarce.limit(most)
    outcome = scarce.run(graph)
    assert outcome.end == "success", outcome.message
    assert scarce.limit(0) > 0
    assert decibels(outcome.picture, expected) > VISIBLE


@pytest.mark.parametrize("name", ["msgnet", "stylebank_learn"])
def test_or_to_one_sentence(name: str, scarce: Client) -> None:
    scarce.limit(5 * MIB)
    outcome = scarce.run(read_workflow(FOLDER / f"{name}.json", all_nodes(), all_titles()))
    assert outcome.end == "error"
    assert re.fullmatch(r"[^\n.]*memory: [^\n.]*\.", outcome.message)
    scarce.limit(0)
    assert scarce.run(saved("picture", **small(), **adain())).end == "success"
