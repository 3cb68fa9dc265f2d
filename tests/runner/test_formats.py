"""Both formats give the same graph, and the page's own devices (reroutes, primitives, muting) leave no trace."""

import json
from pathlib import Path
from typing import Any

import pytest

from brushwork.runner.formats import parse_workflow, read_workflow
from brushwork.runner.graph import Graph, Link, WorkflowError
from brushwork.tests.runner.fakes import Json, api, inlet, ui, ui_node

API = api(
    n1=("Paint", {"level": 0.25, "width": 4}, "dark"),
    n2=("Noise", {"seed": 7, "width": 4}),
    n3=("Blend", {"a": ["1", 0], "b": ["2", 0], "alpha": 0.75, "how": "add"}),
    n4=("SaveImage", {"images": ["3", 0], "filename_prefix": "sum"}),
)


def two_into_blend(**changes: Any) -> Json:  # noqa: ANN401
    """`API` as the page saves it, with other nodes or links in their places."""
    nodes = {
        1: ui_node(1, "Paint", [0.25, 4], title="dark"),
        2: ui_node(2, "Noise", [7, "randomize", 4]),
        3: ui_node(3, "Blend", [0.75, "add"], [inlet("a", "IMAGE", 10), inlet("b", "IMAGE", 11)]),
        4: ui_node(4, "SaveImage", ["sum"], [inlet("images", "IMAGE", 12)]),
    }
    links = {10: [10, 1, 0, 3, 0, "IMAGE"], 11: [11, 2, 0, 3, 1, "IMAGE"], 12: [12, 3, 0, 4, 0, "IMAGE"]}
    nodes |= changes.get("nodes", {})
    links |= changes.get("links", {})
    return ui(list(nodes.values()), list(links.values()))


def test_api_and_ui_agree(nodes: dict[str, type]) -> None:
    assert parse_workflow(API, nodes) == parse_workflow(two_into_blend(), nodes)


def test_what_is_sent_to_the_server(nodes: dict[str, type]) -> None:
    assert parse_workflow({"prompt": API, "client_id": "x"}, nodes) == parse_workflow(API, nodes)
    odd = {"prompt": API["1"]}
    assert set(parse_workflow(odd, nodes).nodes) == {"prompt"}


def test_links_of_newer_files_are_objects(nodes: dict[str, type]) -> None:
    data = two_into_blend()
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    data["links"] = [dict(zip(names, link, strict=True)) for link in data["links"]]
    assert parse_workflow(data, nodes) == parse_workflow(API, nodes)


@pytest.mark.parametrize(
    ("values", "seed", "width"),
    [
        ([7, "fixed", 5], 7, 5),
        ([7, 5], 7, 5),  # saved without the control
        ([7], 7, 3),  # saved before there was a width
        (None, 0, 3),
        ({"width": 9, "seed": 8, "videopreview": {}}, 8, 9),
    ],
)
def test_widget_values(values: Any, seed: int, width: int, nodes: dict[str, type]) -> None:  # noqa: ANN401
    graph = parse_workflow(ui([ui_node(1, "Noise", values)], []), nodes)
    assert graph.nodes["1"].inputs == {"seed": seed, "width": width}


def test_the_upload_button_of_load_image(nodes: dict[str, type]) -> None:
    graph = parse_workflow(ui([ui_node(1, "LoadImageMask", ["a.png", "red", "image"])], []), nodes)
    assert graph.nodes["1"].inputs == {"image": "a.png", "channel": "red", "upload": "image"}


def test_a_forced_input_has_no_value(nodes: dict[str, type]) -> None:
    graph = parse_workflow(ui([ui_node(1, "Tint", [0.1])], []), nodes)
    assert graph.nodes["1"].inputs == {}


@pytest.mark.parametrize("saved", [[0.9, "fixed"], {"value": 0.9}])
def test_primitives_and_converted_fields(saved: Any, nodes: dict[str, type]) -> None:  # noqa: ANN401
    field = [inlet("level", "FLOAT", 13, widget=True)]
    changes = {1: ui_node(1, "Paint", [0.25, 4], field, title="dark"), 9: ui_node(9, "PrimitiveNode", saved)}
    graph = parse_workflow(two_into_blend(nodes=changes, links={13: [13, 9, 0, 1, 0, "FLOAT"]}), nodes)
    assert graph.nodes["1"].inputs == {"level": 0.9, "width": 4}
    assert "9" not in graph.nodes


def test_a_link_into_a_field_wins_over_its_value(nodes: dict[str, type]) -> None:
    field = [inlet("level", "FLOAT", 13, widget=True)]
    changes = {1: ui_node(1, "Paint", [0.25, 4], field), 9: ui_node(9, "PrimitiveFloat", [0.5])}
    graph = parse_workflow(two_into_blend(nodes=changes, links={13: [13, 9, 0, 1, 0, "FLOAT"]}), nodes)
    assert graph.nodes["1"].inputs == {"level": Link("9", 0), "width": 4}


def test_notes_vanish_and_reroutes_are_seen_through(nodes: dict[str, type]) -> None:
    changes = {
        5: ui_node(5, "Note", ["hello"]),
        6: ui_node(6, "MarkdownNote", ["hello"]),
        7: ui_node(7, "Reroute", None, [inlet("", "*", 13)]),
        8: ui_node(8, "Reroute", None, [inlet("", "*", 14)]),
    }
    links = {12: [12, 8, 0, 4, 0, "*"], 14: [14, 7, 0, 8, 0, "*"], 13: [13, 3, 0, 7, 0, "*"]}
    assert parse_workflow(two_into_blend(nodes=changes, links=links), nodes) == parse_workflow(API, nodes)


def test_a_circle_of_reroutes(nodes: dict[str, type]) -> None:
    loop = [
        ui_node(1, "Reroute", None, [inlet("", "*", 1)]),
        ui_node(2, "SaveImage", ["x"], [inlet("images", "IMAGE", 2)]),
    ]
    with pytest.raises(WorkflowError, match="^nodes 1 form a circle of links: remove one of the links$"):
        parse_workflow(ui(loop, [[1, 1, 0, 1, 0, "*"], [2, 1, 0, 2, 0, "*"]]), nodes)


def test_a_bypassed_node_hands_its_first_picture_through(nodes: dict[str, type]) -> None:
    inlets = [inlet("alpha", "FLOAT", None, widget=True), inlet("a", "IMAGE", 10), inlet("b", "IMAGE", 11)]
    bypassed = {3: ui_node(3, "Blend", [0.75, "add"], inlets, mode=4)}
    graph = parse_workflow(two_into_blend(nodes=bypassed), nodes)
    assert graph.nodes["4"].inputs["images"] == Link("1", 0)
    assert set(graph.nodes) == {"1", "2", "4"}


def test_a_bypassed_node_prefers_the_input_opposite_its_output(nodes: dict[str, type]) -> None:
    bypassed = {3: ui_node(3, "Blend", [], [inlet("a", "IMAGE", 10), inlet("b", "IMAGE", 11)], mode=4)}
    graph = parse_workflow(two_into_blend(nodes=bypassed, links={12: [12, 3, 1, 4, 0, "IMAGE"]}), nodes)
    assert graph.nodes["4"].inputs["images"] == Link("2", 0)


def test_a_bypassed_source_is_no_link(nodes: dict[str, type]) -> None:
    graph = parse_workflow(two_into_blend(nodes={1: ui_node(1, "Paint", [0.25, 4], mode=4)}), nodes)
    assert "a" not in graph.nodes["3"].inputs


def test_a_muted_node_is_gone_with_its_links(nodes: dict[str, type]) -> None:
    graph = parse_workflow(two_into_blend(nodes={1: ui_node(1, "Paint", [0.25, 4], mode=2)}), nodes)
    assert set(graph.nodes) == {"2", "3", "4"}
    assert "a" not in graph.nodes["3"].inputs


def test_titles_fall_back_to_what_the_page_shows(nodes: dict[str, type]) -> None:
    graph = parse_workflow(two_into_blend(), nodes, {"Paint": "Paint it", "Blend": "Blend Two"})
    assert [graph.nodes[i].title for i in "123"] == ["dark", "", "Blend Two"]


@pytest.mark.parametrize("kind", ["workflow/old group", "workflow>old group"])
def test_old_group_nodes_are_refused_in_one_sentence(kind: str, nodes: dict[str, type]) -> None:
    data = ui([ui_node(1, kind, title="Both")], [])
    with pytest.raises(WorkflowError, match="^'Both' is a subgraph, which cannot run here: unpack it in ComfyUI"):
        parse_workflow(data, nodes)


def test_lists_that_are_no_links(nodes: dict[str, type]) -> None:
    data = api(n1=("Paint", {"level": {"__value__": ["1", 0]}, "width": [1, 2, 3], "deep": ["a", 0.5]}))
    assert parse_workflow(data, nodes).nodes["1"].inputs == {"level": ["1", 0], "width": [1, 2, 3], "deep": ["a", 0.5]}


@pytest.mark.parametrize("data", [[], {}, 3, {"a": 3}, {"nodes": 3}])
def test_other_json_is_not_a_workflow(data: object, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError, match="^x is not a workflow: save one in ComfyUI, or export it as API format$"):
        parse_workflow(data, nodes, name="x")


@pytest.mark.parametrize("data", [{"nodes": [3]}, {"nodes": [{}]}, {"nodes": [{"id": 1, "type": "A", "inputs": [3]}]}])
def test_damaged_ui_files(data: Json, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError, match="^x is damaged .*: save the workflow in ComfyUI again$"):
        parse_workflow(data, nodes, name="x")


@pytest.mark.parametrize("entry", [{}, {"class_type": 3}, {"class_type": "A", "inputs": []}])
def test_damaged_api_files(entry: Json, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError, match="^node 5 has no class_type or no inputs"):
        parse_workflow({"5": entry}, nodes)


def test_files(tmp_path: Path, nodes: dict[str, type]) -> None:
    path = tmp_path / "w.json"
    with pytest.raises(WorkflowError, match=r"^there is no workflow file .*w\.json$"):
        read_workflow(path, nodes)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(WorkflowError, match=r"w\.json is not JSON \(.*\): save the workflow in ComfyUI again$"):
        read_workflow(path, nodes)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WorkflowError, match=r"w\.json is not JSON"):
        read_workflow(path, nodes)
    path.write_text(json.dumps(API), encoding="utf-8")
    assert isinstance(read_workflow(path, nodes), Graph)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(encoding: str, tmp_path: Path, nodes: dict[str, type]) -> None:
    data = api(n1=("Paint", {"level": 0.25, "width": 4}, "名"))
    (tmp_path / "w.json").write_bytes(json.dumps(data, ensure_ascii=False).encode(encoding))
    assert read_workflow(tmp_path / "w.json", nodes) == parse_workflow(data, nodes)


DEEP = {
    "lists": "[" * 100_000 + "]" * 100_000,
    "unclosed": "[" * 100_000,
    "objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a value": '{"1": {"class_type": "Paint", "inputs": {"level": ' + "[" * 500 + "]" * 500 + "}}}",
    "a widget": '{"nodes": [{"id": 1, "type": "Paint", "widgets_values": ' + "[" * 150 + "]" * 150 + "}]}",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_files(text: str, tmp_path: Path, nodes: dict[str, type]) -> None:
    (tmp_path / "w.json").write_text(text, encoding="utf-8")
    with pytest.raises(WorkflowError, match=r"w\.json is nested too deeply for a workflow: save the workflow"):
        read_workflow(tmp_path / "w.json", nodes)


@pytest.mark.parametrize(
    "change",
    [
        {"links": [3]},
        {"links": [[1, 2]]},
        {"links": [[1, 1, "x", 2, 0, "*"]]},
        {"links": [[1, 1, float("inf"), 2, 0, "*"]]},
        {"links": {"a": 1}},
        {"definitions": 3},
        {"definitions": {"subgraphs": [{}]}},
        {"definitions": {"subgraphs": {"a": 1}}},
        {"nodes": [{"id": 1, "type": ["A"]}]},
        {"nodes": [{"id": 1, "type": None}]},
        {"nodes": [{"id": 1, "type": "Paint", "widgets_values": 3}]},
        {"nodes": [{"id": 1, "type": "Paint", "properties": [3]}]},
        {"nodes": [{"id": 1, "type": "Paint", "inputs": {"a": 1}}]},
    ],
)
def test_parts_of_the_wrong_kind(change: Json, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError, match="^x is damaged .*: save the workflow in ComfyUI again$"):
        parse_workflow(
            {**ui([ui_node(1, "Paint", [0.5, 4], [inlet("level", "FLOAT", 1)])], []), **change}, nodes, name="x"
        )
