"""Every error of a workflow is one exact line, found before anything runs."""

import math
from pathlib import Path
from typing import Any

import pytest

from brushwork.runner.check import checked
from brushwork.runner.graph import Graph, Link, Node, WorkflowError
from brushwork.runner.run import INPUT_FOLDER, SAVER, Saver
from brushwork.tests.runner.fakes import fake


def graph(**changes: Node | None) -> Graph:
    """Two paints, blended and saved; with other nodes in their places, `n3=None` to leave one out."""
    nodes = {
        "n1": Node("Paint", {"level": 0.25, "width": 4}),
        "n2": Node("Paint", {"level": 0.75, "width": 4}, "bright"),
        "n3": Node("Blend", {"a": Link("1", 0), "b": Link("2", 0), "alpha": 0.5}),
        "n4": Node("SaveImage", {"images": Link("3", 0), "filename_prefix": "x"}),
        **changes,
    }
    return Graph({key[1:]: node for key, node in nodes.items() if node})


def check(value: Graph, nodes: dict[str, type], folder: Path = Path("nowhere")) -> Graph:
    return checked(value, nodes, {INPUT_FOLDER: folder, SAVER: Saver(folder)})


def blend(**inputs: Any) -> Node:  # noqa: ANN401
    return Node("Blend", {"a": Link("1", 0), "b": Link("2", 0), "alpha": 0.5, **inputs})


ERRORS = [
    (
        {"n9": Node("Foo", {}), "n2": None, "n3": blend(b=Link("9", 0))},
        "node 9 is a 'Foo', which is unknown here: run this workflow in ComfyUI",
    ),
    ({"n4": Node("Foo", {})}, "node 4 is a 'Foo', which is unknown here: run this workflow in ComfyUI"),
    ({"n4": None}, "this workflow has no output node: add a Save Image or a Preview Image"),
    (
        {"n3": blend(a=Link("3", 0))},
        "these nodes form a circle: Blend (node 3) -> Blend (node 3); remove one of the links",
    ),
    ({"n1": None}, "Blend (node 3): 'a' is linked to node 1, which does not exist"),
    (
        {"n3": Node("Blend", {"a": Link("1", 0), "alpha": 0.5})},
        "Blend (node 3): the input 'b' is missing: link an output of type IMAGE to it",
    ),
    ({"n1": Node("Paint", {"level": 1})}, "Paint (node 1): the input 'width' is missing: give it a value"),
    ({"n3": blend(alfa=1)}, "Blend (node 3): there is no input 'alfa'; the inputs are a, b, alpha, how"),
    ({"n3": blend(a=Link("1", 1))}, "Blend (node 3): 'a' is linked to output 1 of Paint (node 1), which has 1"),
    (
        {"n2": Node("Encode", {"image": Link("1", 0)}, "bright")},
        "Blend (node 3): 'b' takes IMAGE, but bright (node 2) gives FEATURES",
    ),
    ({"n3": blend(alpha=Link("1", 0))}, "Blend (node 3): 'alpha' takes FLOAT, but Paint (node 1) gives IMAGE"),
    ({"n3": blend(a=3)}, "Blend (node 3): 'a' takes a link of type IMAGE, not the value 3"),
    ({"n3": blend(alpha=1.5)}, "Blend (node 3): 'alpha' is 1.5, more than its largest value 1.0"),
    ({"n3": blend(alpha=-1)}, "Blend (node 3): 'alpha' is -1.0, less than its smallest value 0.0"),
    ({"n3": blend(alpha=math.nan)}, "Blend (node 3): 'alpha' is nan, but takes a number"),
    ({"n3": blend(alpha=math.inf)}, "Blend (node 3): 'alpha' is inf, but takes a number"),
    ({"n3": blend(alpha="much")}, "Blend (node 3): 'alpha' is 'much', but takes a number"),
    ({"n3": blend(alpha=None)}, "Blend (node 3): 'alpha' has no value: give it one"),
    ({"n3": blend(alpha=[1])}, "Blend (node 3): 'alpha' is [1], but takes a number"),
    ({"n1": Node("Paint", {"level": 1, "width": 2.5})}, "Paint (node 1): 'width' is 2.5, but takes a whole number"),
    ({"n1": Node("Paint", {"level": 1, "width": 65})}, "Paint (node 1): 'width' is 65, more than its largest value 64"),
    ({"n3": blend(how="ad")}, "Blend (node 3): 'how' has no choice 'ad': did you mean add?"),
    ({"n3": blend(how="qqq")}, "Blend (node 3): 'how' has no choice 'qqq': it is one of mix, add"),
    (
        {"n1": Node("LoadImage", {"image": "a.png"})},
        "LoadImage (node 1): there is no picture a.png in nowhere: put it there, or set 'image' to another",
    ),
    (
        {"n1": Node("LoadImage", {"image": "../a.png"})},
        "LoadImage (node 1): '../a.png' is not a name inside the folder nowhere",
    ),
    (
        {"n4": Node("SaveImage", {"images": Link("3", 0), "filename_prefix": "/x"})},
        "SaveImage (node 4): '/x' is not a name inside the folder nowhere",
    ),
    (
        {"n4": Node("SaveImage", {"images": Link("3", 0), "filename_prefix": Path("x.xyz")})},
        "SaveImage (node 4): a picture cannot be saved as '.xyz': end the name in one of "
        ".png, .jpg, .jpeg, .webp, .tif, .tiff",
    ),
]


@pytest.mark.parametrize(("changes", "message"), ERRORS)
def test_errors(changes: dict[str, Node | None], message: str, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError) as caught:
        check(graph(**changes), nodes)
    assert str(caught.value) == message


def test_a_valid_graph_comes_back_in_order_without_what_no_output_needs(nodes: dict[str, type]) -> None:
    unused = Node("Blend", {})  # would not pass, but nobody asks
    assert list(check(graph(n0=unused), nodes).nodes) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("kind", "given", "meant"),
    [
        ("INT", "12", 12),
        ("INT", 3.0, 3),
        ("INT", "1e3", 1000),
        ("INT", 2**64 - 1, 2**64 - 1),
        ("INT", str(2**64 - 1), 2**64 - 1),
        ("FLOAT", "0.5", 0.5),
        ("FLOAT", 1, 1.0),
        ("STRING", 5, "5"),
        ("STRING", Path("a"), Path("a")),
        ("BOOLEAN", "False", False),
        ("BOOLEAN", 1, True),
        ("*", None, None),
        ([1, 2], "2", 2),
        ("COMBO", "anything", "anything"),
    ],
)
def test_constants_take_the_declared_type(kind: Any, given: object, meant: object) -> None:  # noqa: ANN401
    nodes = {"Out": fake(lambda x: (), {"required": {"x": (kind,)}}, (), OUTPUT_NODE=True)}
    value = check(Graph({"1": Node("Out", {"x": given})}), nodes).nodes["1"].inputs["x"]
    assert (value, type(value)) == (meant, type(meant))


def test_a_word_is_no_boolean() -> None:
    nodes = {"Out": fake(lambda x: (), {"required": {"x": ("BOOLEAN",)}}, (), OUTPUT_NODE=True)}
    with pytest.raises(WorkflowError, match="^Out \\(node 1\\): 'x' is 'maybe', but takes true or false$"):
        check(Graph({"1": Node("Out", {"x": "maybe"})}), nodes)


@pytest.mark.parametrize(
    ("given", "taken", "fits"),
    [
        ("IMAGE", "MASK,IMAGE", True),
        ("IMAGE, LATENT", "LATENT", True),
        ("*", "IMAGE", True),
        ("IMAGE", "*", True),
        (["a", "b"], ["a", "b"], True),
        ("COMBO", ["a"], True),
        ("IMAGES", "IMAGE", False),
        ("INT", "FLOAT", False),
    ],
)
def test_link_types(given: Any, taken: Any, fits: bool) -> None:  # noqa: ANN401
    nodes = {
        "In": fake(tuple, {}, (given,)),
        "Out": fake(lambda x: (), {"required": {"x": (taken,)}}, (), OUTPUT_NODE=True),
    }
    linked = Graph({"1": Node("In", {}), "2": Node("Out", {"x": Link("1", 0)})})
    if fits:
        assert check(linked, nodes) == linked
    else:
        with pytest.raises(WorkflowError, match="takes .* gives"):
            check(linked, nodes)


def test_a_node_checks_its_own_constants() -> None:
    seen = {}

    def validate(cls: type, x: int, y: int | None, folder: Path) -> bool | str:
        seen.update(x=x, y=y, folder=folder)
        return "too many" if x > 1 else True

    inputs = {"required": {"x": ("INT",), "y": ("INT",), "z": ("INT",)}, "hidden": {"folder": INPUT_FOLDER}}
    out = fake(lambda **_: (5,), inputs, ("INT",), OUTPUT_NODE=True, VALIDATE_INPUTS=classmethod(validate))
    node = Node("Out", {"x": 1, "y": Link("2", 0), "z": 3})
    nodes = {"Out": out, "In": fake(tuple, {}, ("INT",))}
    check(Graph({"1": node, "2": Node("In", {})}), nodes)
    assert seen == {"x": 1, "y": None, "folder": Path("nowhere")}
    with pytest.raises(WorkflowError, match=r"^Out \(node 1\): too many$"):
        check(Graph({"1": node.with_inputs(x=2), "2": Node("In", {})}), nodes)


def test_ranges_and_choices_do_not_bind_what_a_node_checks_itself() -> None:
    inputs = {"required": {"x": ("INT", {"max": 1}), "how": (["a"],), "y": ("INT", {"max": 1})}}
    own = classmethod(lambda cls, x, how: True)
    nodes = {"Out": fake(lambda **_: (), inputs, (), OUTPUT_NODE=True, VALIDATE_INPUTS=own)}
    node = Node("Out", {"x": 5, "how": "b", "y": 1})
    assert check(Graph({"1": node}), nodes).nodes["1"] == node
    with pytest.raises(WorkflowError, match="'y' is 5, more than its largest value 1"):
        check(Graph({"1": node.with_inputs(y=5)}), nodes)


def test_complete_outputs_run_and_the_others_are_named(nodes: dict[str, type]) -> None:
    """As ComfyUI does, whatever an output lacks; what only the others need does not run."""
    paint, save = Node("Paint", {"level": 1, "width": 4}), {"filename_prefix": "x"}
    unfinished = {
        "1": paint,
        "2": Node("SaveImage", {"images": Link("1", 0), **save}),
        "3": Node("Blend", {"a": Link("1", 0), "alpha": 0.5}),
        "4": Node("PreviewImage", {"images": Link("3", 0)}, "look"),
        "5": Node("PreviewImage", {}),
        "6": Node("PreviewImage", {"images": Link("99", 0)}),
        "7": Node("LoadImage", {"image": "gone.png"}),
        "8": Node("SaveImage", {"images": Link("7", 0), **save}),
        "9": Node("Upscale", {"image": Link("1", 0)}),
        "10": Node("SaveImage", {"images": Link("9", 0), **save}),
        "11": Node("SaveVideo", {"images": Link("1", 0)}),
        "12": Node("Blend", {"a": Link("12", 0), "b": Link("1", 0), "alpha": 0.5}),
        "13": Node("PreviewImage", {"images": Link("12", 0)}),
    }
    lines: list[str] = []
    graph = checked(Graph(unfinished), nodes, {INPUT_FOLDER: Path("in"), SAVER: Saver(Path("out"))}, lines.append)
    assert list(graph.nodes) == ["1", "2"]
    assert lines == [
        "left out: look (node 4), which needs another: Blend (node 3): the input 'b' is missing: "
        "link an output of type IMAGE to it",
        "left out: PreviewImage (node 5): the input 'images' is missing: link an output of type IMAGE to it",
        "left out: PreviewImage (node 6): 'images' is linked to node 99, which does not exist",
        "left out: SaveImage (node 8), which needs another: LoadImage (node 7): there is no picture gone.png in in: "
        "put it there, or set 'image' to another",
        "left out: SaveImage (node 10), which needs another: node 9 is a 'Upscale', which is unknown here: "
        "run this workflow in ComfyUI",
        "left out: PreviewImage (node 13), which needs another: these nodes form a circle: "
        "Blend (node 12) -> Blend (node 12); remove one of the links",
        "left out: node 11 is a 'SaveVideo', which is unknown here: run this workflow in ComfyUI",
    ]


def test_inputs_that_exports_add_are_passed_over_with_what_is_linked_to_them(nodes: dict[str, type]) -> None:
    strange = {"choose file to upload": "image", "videopreview": {"hidden": False}, "older": Link("9", 0)}
    paint = Node("Paint", {"level": 0.25, "width": 4, **strange})
    lines: list[str] = []
    given = graph(n1=paint, n9=Node("Fail", {}))
    result = checked(given, nodes, {INPUT_FOLDER: Path("in"), SAVER: Saver(Path("out"))}, lines.append)
    assert result == checked(graph(), nodes, {INPUT_FOLDER: Path("in"), SAVER: Saver(Path("out"))})
    assert lines == [f"Paint (node 1): '{name}' is none of its inputs and is passed over" for name in strange]


def test_many_outputs_of_one_long_chain(nodes: dict[str, type]) -> None:
    length = 2000
    chain = {str(k): Node("Tint", {"image": Link(str(k - 1), 0), "force": Link("f", 0)}) for k in range(1, length)}
    first = {"f": Node("PrimitiveFloat", {"value": 1.0}), "0": Node("Paint", {"level": 1, "width": 4})}
    outputs = {f"o{k}": Node("PreviewImage", {"images": Link(str(k), 0)}) for k in range(0, length, 10)}
    assert len(check(Graph({**outputs, **first, **chain}), nodes).nodes) == length + 1 + len(outputs) - 9


@pytest.mark.parametrize(
    "image", [3, True, {"a": 1}, ["a"], ["a", "b", "c"], None, "", ".", "a\0b", "\ud800", "x" * 5000]
)
def test_no_name_of_a_picture(image: object, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError) as caught:
        check(graph(n1=Node("LoadImage", {"image": image})), nodes)
    assert str(caught.value).startswith("LoadImage (node 1): ") and len(str(caught.value)) < 300


def test_a_picture_in_a_folder_as_windows_writes_it(tmp_path: Path, nodes: dict[str, type]) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("sub/a.png", "back\\slash.png"):
        (tmp_path / name).touch()
    names = ["sub\\a.png", "sub\\a.png [input]", "sub/a.png [output]", "sub\\a.png[temp]", "back\\slash.png"]
    for name in names[: None if (tmp_path / "back\\slash.png").is_file() else -1]:
        check(graph(n1=Node("LoadImage", {"image": name})), nodes, tmp_path)
    with pytest.raises(WorkflowError, match="is not a name inside the folder"):
        check(graph(n1=Node("LoadImage", {"image": "..\\a.png"})), nodes, tmp_path)
