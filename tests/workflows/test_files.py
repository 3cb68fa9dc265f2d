"""The workflow files: as the builder writes them, consistent in themselves, and in step with the node classes."""

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from PIL import Image

from brushwork.runner.core_nodes import known_nodes
from brushwork.runner.sockets import sockets
from brushwork.tools.workflows import FOLDER, WORKFLOWS, draw_workflow, workflow_text
from brushwork.tools.workflows.page import Page
from brushwork.tools.workflows.wires import Wires, behind

Json = dict[str, Any]
Rectangle = tuple[float, float, float, float]
NOTE = "MarkdownNote"
TITLE = 30
SHOWN_BELOW = {"BrushworkStyleTransfer": 220, "BrushworkPaintedStyle": 220, "BrushworkStylizeLarge": 220}
SHOWN_BELOW |= {"BrushworkHoldStill": 60}
"""Of a picture while a node paints, and of two lines that it may say."""


@pytest.fixture(scope="module")
def pages() -> dict[str, Json]:
    """Every workflow file by its name."""
    return {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in WORKFLOWS}


def test_building_again_gives_the_same_files() -> None:
    texts = {name: (FOLDER / f"{name}.json").read_text(encoding="utf-8") for name in WORKFLOWS}
    assert [name for name, text in texts.items() if text != workflow_text(name)] == []


def test_every_file_is_built_and_has_its_picture() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(WORKFLOWS)
    assert {path.stem for path in FOLDER.glob("*.jpg")} == set(WORKFLOWS)


def test_pictures_are_square_and_light() -> None:
    paths = list(FOLDER.glob("*.jpg"))
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            assert picture.width == picture.height >= 256
    sizes = [path.stat().st_size for path in paths]
    assert max(sizes) < 120_000
    assert sum(sizes) < 2_000_000


def test_nodes_have_the_sockets_and_widgets_of_their_classes(pages: dict[str, Json]) -> None:
    for name, node in nodes_of(pages):
        declared = sockets(known_nodes()[node["type"]])
        shown = sorted(declared.values(), key=lambda socket: socket.widget)  # the page lists sockets first
        assert [(entry["name"], entry["type"]) for entry in node["inputs"]] == [(s.name, s.type) for s in shown], name
        assert [entry.get("widget") for entry in node["inputs"]] == [
            {"name": s.name} if s.widget else None for s in shown
        ], name
        outputs = [entry["type"] for entry in node["outputs"]]
        assert outputs == list(known_nodes()[node["type"]].RETURN_TYPES), name
        assert node["properties"]["Node name for S&R"] == node["type"], name


def test_widget_values_are_in_the_order_of_the_class_and_acceptable(pages: dict[str, Json]) -> None:
    for name, node in nodes_of(pages):
        values = list(node["widgets_values"])
        for socket in sockets(known_nodes()[node["type"]]).values():
            if socket.widget:
                value = values.pop(0)
                assert socket.accept(value) == value, (name, node["type"], socket.name)
            if socket.control:
                assert values.pop(0) == "fixed", (name, node["type"], socket.name)
        assert not values, (name, node["type"])


def test_required_sockets_are_linked(pages: dict[str, Json]) -> None:
    assert [
        (name, node["type"], node["id"], entry["name"])
        for name, node in nodes_of(pages)
        for entry in node["inputs"]
        if "widget" not in entry and entry.get("shape") is None and entry["link"] is None
    ] == []


def test_links_say_the_same_at_both_ends(pages: dict[str, Json]) -> None:
    for name, page in pages.items():
        nodes = {node["id"]: node for node in page["nodes"]}
        for link, source, out, target, into, kind in page["links"]:
            assert link in nodes[source]["outputs"][out]["links"], (name, link)
            assert nodes[source]["outputs"][out]["type"] == kind == nodes[target]["inputs"][into]["type"], (name, link)
            assert nodes[target]["inputs"][into]["link"] == link, (name, link)
            assert nodes[source]["order"] < nodes[target]["order"], (name, link)
        arriving = [entry["link"] for node in page["nodes"] for entry in node["inputs"] if entry["link"] is not None]
        leaving = [link for node in page["nodes"] for entry in node["outputs"] for link in entry["links"]]
        assert sorted(arriving) == sorted(leaving) == [link[0] for link in page["links"]], name


def test_ids_are_unique_and_the_last_ones_are_told(pages: dict[str, Json]) -> None:
    for name, page in pages.items():
        for ids, last in (
            ([node["id"] for node in page["nodes"]], page["last_node_id"]),
            ([link[0] for link in page["links"]], page["last_link_id"]),
        ):
            assert len(set(ids)) == len(ids), name
            assert max(ids) == last, name


def test_they_start_from_samples_and_end_in_one_picture(pages: dict[str, Json]) -> None:
    kinds = {name: [node["type"] for node in page["nodes"]] for name, page in pages.items()}
    assert [name for name, each in kinds.items() if "BrushworkSamplePicture" not in each or "LoadImage" in each] == []
    saved = {name: each.count("SaveImage") + each.count("SaveVideo") for name, each in kinds.items()}
    assert [name for name, each in kinds.items() if (saved[name], each.count(NOTE)) != (1, 1)] == []


def test_nothing_overlaps_and_groups_hold_whole_nodes(pages: dict[str, Json]) -> None:
    for name, page in pages.items():
        nodes = [node_rectangle(node) for node in page["nodes"]]
        sides = [group["bounding"] for group in page["groups"]]
        groups = [(x, y, x + width, y + height) for x, y, width, height in sides]
        for one, other in (*combinations(nodes, 2), *combinations(groups, 2)):
            assert not touch(one, other), name
        for group in groups:
            assert all(holds(group, node) for node in nodes if touch(group, node)), name


def test_all_of_a_workflow_is_seen_at_a_zoom_that_can_be_read(pages: dict[str, Json]) -> None:
    assert {
        name: page["extra"]["ds"]["scale"] for name, page in pages.items() if page["extra"]["ds"]["scale"] < 0.6
    } == {}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_overlaps_where_the_page_draws_nodes_taller(name: str, pages: dict[str, Json]) -> None:
    """As measured in Vue nodes: 24 for the pack's badge, 28 a widget; and what a node shows while it runs stays inside
    of its group."""
    drawn = {node["id"]: taller(node) for node in pages[name]["nodes"]}
    for one, other in combinations(drawn.values(), 2):
        assert not touch(one, other)
    groups = [(x, y, x + width, y + height) for x, y, width, height in (g["bounding"] for g in pages[name]["groups"])]
    for node in pages[name]["nodes"]:
        for group in (group for group in groups if touch(group, node_rectangle(node))):
            assert holds(group, drawn[node["id"]]), (node["type"], group)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_wire_runs_behind_a_node(name: str, pages: dict[str, Json]) -> None:
    page = pages[name]
    points = {point["id"]: point for point in page["extra"].get("reroutes", [])}
    last = {end["id"]: end["parentId"] for end in page["extra"].get("linkExtensions", [])}
    nodes = {node.id: node for node in draw_workflow(name).nodes}
    places = {node["id"]: node["pos"] for node in page["nodes"]}
    boxes = [node_rectangle(node) for node in page["nodes"]]
    hidden = []
    for link, origin, out, target, slot, _ in page["links"]:
        spots, point = [nodes[target].socket(places[target], slot)], points.get(last.get(link))
        while point:
            assert link in point["linkIds"]
            spots, point = [tuple(point["pos"]), *spots], points.get(point.get("parentId"))
        spots = [nodes[origin].socket(places[origin], out, out=True), *spots]
        hidden += [(link, number) for number in behind(spots, boxes)]
    assert hidden == []


def test_a_wire_goes_around_what_is_in_its_way() -> None:
    wires = Wires([(0, 0, 100, 100), (200, 0, 300, 100), (400, 0, 500, 100)])
    assert wires.way("a", (100, 20), (200, 20)) == []
    around = wires.way("a", (100, 20), (400, 20))
    assert len(around) >= 2 and around[0][0] < 200 and 300 < around[-1][0] < 400
    assert not behind([(100, 20), *around, (400, 20)], wires.boxes)
    assert behind([(100, 20), (400, 20)], wires.boxes) == [1]
    other = wires.way("b", (100, 40), (400, 40))
    assert all(abs(one[1] - two[1]) >= 7 for one, two in zip(around, other, strict=False))  # beside it, not on it
    assert wires.way("a", (100, 20), (400, 20)) == around  # from one output: the same way


def test_a_page_refuses_what_a_node_does_not_take() -> None:
    page = Page("test")
    picture = page.add("BrushworkSamplePicture", (0, 0), name="coffee")
    with pytest.raises(ValueError, match="no input 'picture'"):
        page.add("SaveImage", (1, 0), picture=picture)
    with pytest.raises(ValueError, match="'network' takes BRUSHWORK_NETWORK"):
        page.add("BrushworkStyleEncoder", (1, 0), network=picture)
    with pytest.raises(ValueError, match="did you mean coffee"):
        page.add("BrushworkSamplePicture", (1, 0), name="cofee")
    with pytest.raises(ValueError, match=r"no output 'mask': the outputs are image\.$"):
        picture.output("mask")


def test_a_later_output_is_linked_by_its_slot() -> None:
    page = Page("test")
    network = page.add("BrushworkLoadStyleNetwork", (0, 0))
    picture = page.add("BrushworkSamplePicture", (0, 1))
    pictures = {"content": picture, "style": picture, "result": picture}
    report = page.add("BrushworkStyleReport", (1, 0), network=network, **pictures)
    page.add("SaveImage", (2, 0), images=report.output("chart"))
    with pytest.raises(ValueError, match="'images' takes IMAGE"):
        page.add("SaveImage", (2, 1), images=report)
    saved = page.to_json()
    assert saved["links"][-1][1:] == [report.id, 2, 4, 0, "IMAGE"]
    assert [output["links"] for output in saved["nodes"][2]["outputs"]] == [[], [], [saved["links"][-1][0]]]


def nodes_of(pages: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """Every node but the notes, with the name of its workflow."""
    return ((name, node) for name, page in pages.items() for node in page["nodes"] if node["type"] != NOTE)


def node_rectangle(node: Json) -> Rectangle:
    (x, y), (width, height) = node["pos"], node["size"]
    return (x, y - TITLE, x + 150, y) if node["flags"] else (x, y - TITLE, x + width, y + height)


def taller(node: Json) -> Rectangle:
    """As Vue nodes are drawn, and with what is shown below a node while it runs."""
    left, top, right, bottom = node_rectangle(node)
    widgets = sum("widget" in entry for entry in node["inputs"])
    controls = len(node["widgets_values"]) - widgets  # of seeds, which have no line of their own there
    more = 0 if node["flags"] or node["type"] in (NOTE, "SaveImage", "SaveVideo") else 24 + 4 * widgets - 24 * controls
    return left, top, right, bottom + more + SHOWN_BELOW.get(node["type"], 0)


def touch(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def holds(outer: Rectangle, inner: Rectangle) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
