"""Subgraphs: the stages of each system in one node, in a form that pages with subgraphs open."""

import json

import pytest

from brushwork.nodes import NODES
from brushwork.tools.workflows.blueprints import BLUEPRINTS, FOLDER, INPUTS, OUTPUTS, blueprint, blueprint_text

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
