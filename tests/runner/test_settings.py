from pathlib import Path

import pytest
import torch

from brushwork.media.images import write_picture
from brushwork.nodes.pictures import SamplePicture
from brushwork.runner.graph import Graph, Link, Node, WorkflowError
from brushwork.runner.settings import Setting, apply_setting, folder_setting, for_each_picture, parse_setting
from brushwork.tests.runner.fakes import fake

GRAPH = Graph(
    {
        "1": Node("LoadImage", {"image": "a.png"}, "content"),
        "2": Node("Paint", {"level": 0.5, "width": 3}, "the style. v2"),
        "3": Node("Blend", {"a": Link("1", 0), "b": Link("2", 0), "alpha": 0.5}),
    }
)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("3.alpha=1", Setting("3", "alpha", "1")),
        ("the style. v2.level=a=b.c", Setting("the style. v2", "level", "a=b.c")),
        ("x.y=", Setting("x", "y", "")),
    ],
)
def test_parse(text: str, setting: Setting) -> None:
    assert parse_setting(text) == setting


@pytest.mark.parametrize("text", ["", "a", "a.b", "a=b", ".b=1", "a.=1"])
def test_no_setting(text: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        parse_setting(text)
    assert str(caught.value) == f"'{text}' is no setting: write NODE.INPUT=VALUE, with the node's title or id"


@pytest.mark.parametrize(
    ("text", "node", "value"),
    [
        ("the style. v2.level=0.25", "2", 0.25),
        ("2.width=7", "2", 7),
        ("Blend.how=add", "3", "add"),
        ("1.image=b.png", "1", "b.png"),
    ],
)
def test_values_take_the_type_of_their_input(text: str, node: str, value: object, nodes: dict[str, type]) -> None:
    setting = parse_setting(text)
    changed = apply_setting(GRAPH, setting, nodes).nodes[node].inputs[setting.input]
    assert (changed, type(changed)) == (value, type(value))


def test_a_value_takes_the_place_of_a_link(nodes: dict[str, type]) -> None:
    linked = GRAPH.with_node("2", Node("Paint", {"level": Link("1", 0), "width": 3}))
    assert apply_setting(linked, Setting("2", "level", "1"), nodes).nodes["2"].inputs["level"] == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9.x=1", "no node is called '9'; this workflow has content (node 1), the style. v2 (node 2), Blend (node 3)"),
        ("2.lvl=1", "the style. v2 (node 2) has no input 'lvl'; its inputs are level, width"),
        ("2.level=x", "the style. v2 (node 2): 'level' is 'x', but takes a number"),
        ("2.level=2", "the style. v2 (node 2): 'level' is 2.0, more than its largest value 1.0"),
        ("3.a=x", "Blend (node 3): 'a' takes a link of type IMAGE, not the value 'x'"),
        ("3.image=x.png", "Blend (node 3) has no input 'image'; its inputs are a, b, alpha, how"),
    ],
)
def test_errors(text: str, message: str, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError) as caught:
        apply_setting(GRAPH, parse_setting(text), nodes)
    assert str(caught.value) == message


def test_a_picture_takes_the_place_of_a_node_that_makes_one(nodes: dict[str, type]) -> None:
    nodes["Sample"] = fake(tuple, {"required": {"name": (["cat"],)}})
    graph = Graph({"1": Node("Sample", {"name": "cat"}, "content")})
    assert apply_setting(graph, Setting("content", "image", "me.png"), nodes).nodes == {
        "1": Node("LoadImage", {"image": "me.png"}, "content")
    }


def test_a_picture_takes_the_place_of_a_sample(nodes: dict[str, type]) -> None:
    """Though a sample may have a picture over a link: then the link is left alone."""
    nodes["Sample"] = SamplePicture
    graph = Graph({"1": Node("Sample", {"name": "chelsea"}, "content")})
    assert apply_setting(graph, Setting("content", "image", "me.png"), nodes).nodes["1"].kind == "LoadImage"
    wired = graph.with_node("1", graph.nodes["1"].with_inputs(image=Link("2", 0)))
    with pytest.raises(WorkflowError, match="'image' takes a link of type IMAGE, not the value 'me.png'"):
        apply_setting(wired, Setting("content", "image", "me.png"), nodes)


def test_paths_and_folders(tmp_path: Path, nodes: dict[str, type]) -> None:
    for name in ("b.png", "a.png", "a.jpg"):
        write_picture(tmp_path / name, torch.zeros(1, 1, 3))
    one = apply_setting(GRAPH, Setting("content", "image", str(tmp_path / "a.png")), nodes)
    assert one.nodes["1"].inputs["image"] == tmp_path / "a.png"
    assert folder_setting(one) is None
    many = apply_setting(GRAPH, Setting("content", "image", str(tmp_path)), nodes)
    found = folder_setting(many)
    assert found == ("1", "image", tmp_path)
    runs = for_each_picture(many, *found)
    assert {stem: run.nodes["1"].inputs["image"] for stem, run in runs.items()} == {
        "a_jpg": tmp_path / "a.jpg",
        "a_png": tmp_path / "a.png",
        "b": tmp_path / "b.png",
    }


def test_two_folders(tmp_path: Path) -> None:
    graph = Graph({name: Node("LoadImage", {"image": tmp_path}) for name in "ab"})
    with pytest.raises(WorkflowError, match="^only one input may be a folder: give the others one picture each$"):
        folder_setting(graph)
