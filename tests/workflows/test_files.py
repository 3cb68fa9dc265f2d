"""The workflow files: as the builder writes them, consistent in themselves, and in step with the node classes."""

import json
from itertools import combinations
from typing import Any

import pytest
from PIL import Image

from brushwork.runner.core_nodes import known_nodes
from brushwork.runner.sockets import sockets
from brushwork.tools.workflows import FOLDER, WORKFLOWS, workflow_text
from brushwork.tools.workflows.page import Page

Json = dict[str, Any]
Rectangle = tuple[float, float, float, float]
NOTE = "MarkdownNote"
TITLE = 30


@pytest.fixture(params=list(WORKFLOWS))
def page(request: pytest.FixtureRequest) -> Json:
    return json.loads((FOLDER / f"{request.param}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_building_again_gives_the_same_file(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == workflow_text(name)


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


def test_nodes_have_the_sockets_and_widgets_of_their_classes(page: Json) -> None:
    for node in without_notes(page):
        declared = sockets(known_nodes()[node["type"]])
        shown = sorted(declared.values(), key=lambda socket: socket.widget)  # the page lists sockets first
        assert [(entry["name"], entry["type"]) for entry in node["inputs"]] == [(s.name, s.type) for s in shown]
        assert [entry.get("widget") for entry in node["inputs"]] == [
            {"name": s.name} if s.widget else None for s in shown
        ]
        assert [entry["type"] for entry in node["outputs"]] == list(known_nodes()[node["type"]].RETURN_TYPES)
        assert node["properties"]["Node name for S&R"] == node["type"]


def test_widget_values_are_in_the_order_of_the_class_and_acceptable(page: Json) -> None:
    for node in without_notes(page):
        values = list(node["widgets_values"])
        for socket in sockets(known_nodes()[node["type"]]).values():
            if socket.widget:
                value = values.pop(0)
                assert socket.accept(value) == value
            if socket.control:
                assert values.pop(0) == "fixed"
        assert not values


def test_required_sockets_are_linked(page: Json) -> None:
    for node in without_notes(page):
        for entry in node["inputs"]:
            if "widget" not in entry and entry.get("shape") is None:
                assert entry["link"] is not None, f"{node['type']} {node['id']}: {entry['name']}"


def test_links_say_the_same_at_both_ends(page: Json) -> None:
    nodes = {node["id"]: node for node in page["nodes"]}
    for link, source, out, target, into, kind in page["links"]:
        assert link in nodes[source]["outputs"][out]["links"]
        assert nodes[source]["outputs"][out]["type"] == kind == nodes[target]["inputs"][into]["type"]
        assert nodes[target]["inputs"][into]["link"] == link
        assert nodes[source]["order"] < nodes[target]["order"]
    arriving = [entry["link"] for node in page["nodes"] for entry in node["inputs"] if entry["link"] is not None]
    leaving = [link for node in page["nodes"] for entry in node["outputs"] for link in entry["links"]]
    assert sorted(arriving) == sorted(leaving) == [link[0] for link in page["links"]]


def test_ids_are_unique_and_the_last_ones_are_told(page: Json) -> None:
    for ids, last in (
        ([node["id"] for node in page["nodes"]], page["last_node_id"]),
        ([link[0] for link in page["links"]], page["last_link_id"]),
    ):
        assert len(set(ids)) == len(ids)
        assert max(ids) == last


def test_it_starts_from_samples_and_ends_in_one_picture(page: Json) -> None:
    kinds = [node["type"] for node in page["nodes"]]
    assert "BrushworkSamplePicture" in kinds
    assert "LoadImage" not in kinds
    assert kinds.count("SaveImage") == kinds.count(NOTE) == 1


def test_nothing_overlaps_and_groups_hold_whole_nodes(page: Json) -> None:
    nodes = [node_rectangle(node) for node in page["nodes"]]
    groups = [(x, y, x + width, y + height) for x, y, width, height in (group["bounding"] for group in page["groups"])]
    for one, other in (*combinations(nodes, 2), *combinations(groups, 2)):
        assert not touch(one, other)
    for group in groups:
        assert all(holds(group, node) for node in nodes if touch(group, node))


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


def without_notes(page: Json) -> list[Json]:
    return [node for node in page["nodes"] if node["type"] != NOTE]


def node_rectangle(node: Json) -> Rectangle:
    (x, y), (width, height) = node["pos"], node["size"]
    return x, y - TITLE, x + width, y + height


def touch(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def holds(outer: Rectangle, inner: Rectangle) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
