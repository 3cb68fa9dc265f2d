"""Subgraphs: the stages of each system in one node, in a form that pages with subgraphs open."""

import json
from typing import Any

import pytest

from brushwork.nodes import NODES
from brushwork.runner.core_nodes import known_nodes
from brushwork.runner.formats import parse_workflow
from brushwork.runner.graph import Graph, Link
from brushwork.tools.workflows.blueprints import BLUEPRINTS, FOLDER, INPUTS, OUTPUTS, blueprint, blueprint_text
from brushwork.tools.workflows.parts import Workflow

each_title = pytest.mark.parametrize("title", BLUEPRINTS)


def test_building_again_gives_the_same_files() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(BLUEPRINTS)
    for title in BLUEPRINTS:
        assert (FOLDER / f"{title}.json").read_text(encoding="utf-8") == blueprint_text(title), title


@each_title
def test_every_link_has_two_ends(title: str) -> None:
    (within,) = blueprint(title)["definitions"]["subgraphs"]
    nodes, links = {node["id"]: node for node in within["nodes"]}, within["links"]
    for link in links:
        start, end = link["origin_id"], link["target_id"]
        leaving = (
            within["inputs"][link["origin_slot"]]["linkIds"]
            if start == INPUTS
            else nodes[start]["outputs"][link["origin_slot"]]["links"]
        )
        assert link["id"] in leaving
        if end == OUTPUTS:
            assert within["outputs"][0]["linkIds"] == [link["id"]]
        else:
            assert nodes[end]["inputs"][link["target_slot"]]["link"] == link["id"]
    wired = [entry["link"] for node in nodes.values() for entry in node["inputs"] if entry["link"] is not None]
    assert sorted([*wired, within["outputs"][0]["linkIds"][0]]) == [link["id"] for link in links]


@each_title
def test_the_node_outside_shows_what_is_inside(title: str) -> None:
    whole = json.loads(blueprint_text(title))
    (outer,), (within,) = whole["nodes"], whole["definitions"]["subgraphs"]
    assert outer["type"] == within["id"] and outer["id"] not in {node["id"] for node in within["nodes"]}
    assert [entry["name"] for entry in outer["inputs"]] == [entry["name"] for entry in within["inputs"]]
    kinds = {str(node["id"]): node["type"] for node in within["nodes"]}
    assert set(kinds.values()) <= set(NODES)
    for node_id, name in outer["properties"]["proxyWidgets"]:
        assert name in NODES[kinds[node_id]].INPUT_TYPES()["required"]


@each_title
def test_it_runs_as_the_workflow_that_it_comes_from(title: str) -> None:
    """With samples before it and a saved picture behind, it is the same graph, whatever the ids."""
    draw, _ = BLUEPRINTS[title]
    flow, whole = Workflow(title), blueprint(title)
    draw(flow)
    (outer,), ends = whole["nodes"], {node["title"]: node for node in flow.to_json()["nodes"] if "title" in node}
    samples = [ends[name] for name in ("Content", "Style") if name in ends]
    for number, node in enumerate([*samples, ends["Result"]], 1):
        node["id"] = 100 + number
        whole["nodes"].append(node)
    for slot, node in enumerate(samples):
        whole["links"].append([slot + 1, node["id"], 0, outer["id"], slot, "IMAGE"])
        outer["inputs"][slot]["link"], node["outputs"][0]["links"] = slot + 1, [slot + 1]
    whole["links"].append([9, outer["id"], 0, ends["Result"]["id"], 0, "IMAGE"])
    outer["outputs"][0]["links"], ends["Result"]["inputs"][0]["link"] = [9], 9
    found = parse_workflow(whole, known_nodes())
    assert nested(found, "SaveImage") == nested(flow.graph(), "SaveImage")


def nested(graph: Graph, kind: str) -> Any:  # noqa: ANN401
    """What ends in the one node of a kind, each link as the node behind it."""

    def seen(node_id: str) -> Any:  # noqa: ANN401
        node = graph.nodes[node_id]
        links = {name: (seen(value.node), value.slot) for name, value in node.inputs.items() if isinstance(value, Link)}
        return node.kind, {**node.inputs, **links}

    (end,) = (node_id for node_id, node in graph.nodes.items() if node.kind == kind)
    return seen(end)
