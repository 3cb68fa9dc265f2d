"""Running: order, lists, memory, and outputs that are all there or not at all."""

import weakref
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.media.images import load_picture, read_picture, write_picture
from brushwork.runner.graph import Graph, Link, Node, WorkflowError
from brushwork.runner.run import run_for_each, run_workflow
from brushwork.tests.runner.fakes import fake
from brushwork.tests.tolerances import assert_close


def save(source: str, prefix: str | Path = "x") -> Node:
    return Node("SaveImage", {"images": Link(source, 0), "filename_prefix": prefix})


def paint(level: float) -> Node:
    return Node("Paint", {"level": level, "width": 4})


def blend(a: str, b: str) -> Node:
    return Node("Blend", {"a": Link(a, 0), "b": Link(b, 0), "alpha": 0.5})


def test_a_diamond_runs_each_node_once(tmp_path: Path, nodes: dict[str, type]) -> None:
    graph = Graph({"5": save("4"), "4": blend("2", "3"), "3": blend("1", "1"), "2": blend("1", "1"), "1": paint(0.4)})
    steps: list[tuple[int, int, str]] = []
    files = run_workflow(graph, nodes, tmp_path, tmp_path / "out", lambda *step: steps.append(step))
    assert files == [tmp_path / "out" / "x_00001.png"]
    assert_close(read_picture(files[0])[0], torch.full((1, 2, 4, 3), 0.4))
    assert len(nodes["Paint"].calls) == 1  # pyright: ignore[reportAttributeAccessIssue]
    kinds = ["Paint", "Blend", "Blend", "Blend", "SaveImage"]
    assert [name for *_, name in steps] == [*(f"{kind} (node {k})" for k, kind in enumerate(kinds, 1)), ""]
    assert [step[:2] for step in steps] == [(k, 5) for k in range(6)]


def test_what_nobody_reads_any_more_is_dropped(tmp_path: Path, nodes: dict[str, type]) -> None:
    made: list[weakref.ref[Tensor]] = []
    alive: list[int] = []

    def step(image: Tensor | None = None) -> tuple[Tensor]:
        result = torch.zeros(1, 1, 1, 3)
        alive.append(sum(ref() is not None for ref in made))
        made.append(weakref.ref(result))
        return (result,)

    nodes["Step"] = fake(step, {"optional": {"image": ("IMAGE",)}})
    chain = {str(k): Node("Step", {"image": Link(str(k - 1), 0)} if k else {}) for k in range(5)}
    run_workflow(Graph({**chain, "s": save("4")}), nodes, tmp_path, tmp_path)
    assert max(alive) == 1


@pytest.mark.parametrize("kind", ["Fail", "Bug"])
def test_a_node_that_fails_midway_leaves_nothing(kind: str, tmp_path: Path, nodes: dict[str, type]) -> None:
    graph = Graph({"1": paint(1), "2": save("1"), "3": Node(kind, {"image": Link("1", 0)}, "Last"), "4": save("3")})
    with pytest.raises(WorkflowError if kind == "Fail" else RuntimeError) as caught:
        run_workflow(graph, nodes, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    if kind == "Fail":
        assert str(caught.value) == "Last (node 3): the style is empty: choose another"


def test_a_picture_that_cannot_be_encoded_leaves_nothing(tmp_path: Path, nodes: dict[str, type]) -> None:
    nodes["Nan"] = fake(lambda: (torch.full((1, 1, 1, 3), torch.nan),), {})
    graph = Graph({"1": paint(1), "2": save("1"), "3": Node("Nan", {}), "4": save("3")})
    with pytest.raises(WorkflowError, match=r"^SaveImage \(node 4\): a picture to save has pixels that are not finite"):
        run_workflow(graph, nodes, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_of_saved_pictures(tmp_path: Path, nodes: dict[str, type]) -> None:
    nodes["Two"] = fake(lambda: (torch.zeros(2, 1, 1, 3),), {})
    graph = Graph(
        {
            "1": Node("Two", {}),
            "2": save("1"),
            "3": save("1"),
            "4": save("1", "deep/y"),
            "5": save("1", tmp_path / "z.jpg"),
            "6": Node("PreviewImage", {"images": Link("1", 0)}),
        }
    )
    files = run_workflow(graph, nodes, tmp_path, tmp_path, stem="cat")
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        *(f"cat_x_0000{k}.png" for k in (1, 2, 3, 4)),
        *("deep/cat_y_00001.png", "deep/cat_y_00002.png", "z.jpg", "z_2.jpg"),
        *("cat_preview_00001.png", "cat_preview_00002.png"),
    ]
    assert run_workflow(graph, nodes, tmp_path, tmp_path, stem="cat") == files


def test_an_output_folder_that_is_a_file(tmp_path: Path, nodes: dict[str, type]) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OSError, match="^the output folder .*out is a file: choose another$"):
        run_workflow(Graph({"1": paint(1), "2": save("1")}), nodes, tmp_path, tmp_path / "out")


def test_an_output_folder_that_cannot_be_written(
    tmp_path: Path, nodes: dict[str, type], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(OSError, match="^nothing can be written into .*: choose another output folder$"):
        run_workflow(Graph({"1": paint(1), "2": save("1")}), nodes, tmp_path, tmp_path / "deep" / "out")
    assert not nodes["Paint"].calls  # pyright: ignore[reportAttributeAccessIssue]


def test_lists_are_mapped_over_and_gathered(tmp_path: Path, nodes: dict[str, type]) -> None:
    seen: list[list[float]] = []

    def gather(values: list[float], factor: list[float]) -> tuple[Tensor]:
        seen.append(values)
        return (torch.full((1, 1, 1, 3), sum(values) * factor[0]),)

    number = {"required": {"x": ("FLOAT",)}}
    nodes["Range"] = fake(lambda: ([0.1, 0.2],), {}, ("FLOAT",), OUTPUT_IS_LIST=(True,))
    nodes["Twice"] = fake(lambda x: (2 * x,), number, ("FLOAT",))
    factors = {"required": {"values": ("FLOAT",), "factor": ("FLOAT",)}}
    nodes["Gather"] = fake(gather, factors, INPUT_IS_LIST=True)
    graph = Graph(
        {
            "1": Node("Range", {}),
            "2": Node("Twice", {"x": Link("1", 0)}),
            "3": Node("Gather", {"values": Link("2", 0), "factor": 0.5}),
            "4": save("3"),
        }
    )
    (file,) = run_workflow(graph, nodes, tmp_path, tmp_path)
    assert seen == [[0.2, 0.4]]
    assert (read_picture(file)[0][0, 0, 0, 0] * 255).round() == round(0.3 * 255)


def test_hidden_inputs_and_ui_results(tmp_path: Path, nodes: dict[str, type]) -> None:
    seen = {}
    inputs = {"hidden": {"me": "UNIQUE_ID", "prompt": ("PROMPT",)}}
    nodes["Say"] = fake(lambda **k: seen.update(k) or {"ui": {"text": ["x"]}}, inputs, (), OUTPUT_NODE=True)
    assert run_workflow(Graph({"7": Node("Say", {})}), nodes, tmp_path, tmp_path) == []
    assert seen == {"me": "7", "prompt": None}


def test_expansion_is_refused(tmp_path: Path, nodes: dict[str, type]) -> None:
    nodes["Grow"] = fake(lambda: {"expand": {}, "result": ()}, {}, (), OUTPUT_NODE=True)
    with pytest.raises(
        WorkflowError, match=r"^Grow \(node 1\): nodes that expand into other nodes run in ComfyUI only$"
    ):
        run_workflow(Graph({"1": Node("Grow", {})}), nodes, tmp_path, tmp_path)


def test_gradients_are_off_as_in_comfyui(tmp_path: Path, nodes: dict[str, type]) -> None:
    modes: list[bool] = []
    nodes["Out"] = fake(lambda: modes.append(torch.is_inference_mode_enabled()), {}, (), OUTPUT_NODE=True)
    run_workflow(Graph({"1": Node("Out", {})}), nodes, tmp_path, tmp_path)
    assert modes == [True]


def test_core_nodes_read_the_input_folder(tmp_path: Path, nodes: dict[str, type]) -> None:
    write_picture(tmp_path / "in" / "a.png", torch.tensor([[[1.0, 0.0, 0.2]]]))
    shapes = {}
    inputs = {"required": dict.fromkeys(("image", "mask", "red", "none"), ("IMAGE,MASK",))}
    nodes["Out"] = fake(lambda **k: shapes.update(k) or {}, inputs, (), OUTPUT_NODE=True)
    graph = Graph(
        {
            "1": Node("LoadImage", {"image": "a.png [input]", "upload": "image"}),
            "2": Node("LoadImageMask", {"image": "a.png", "channel": "blue"}),
            "3": Node("LoadImageMask", {"image": "a.png", "channel": "alpha"}),
            "4": Node("Out", {"image": Link("1", 0), "mask": Link("1", 1), "red": Link("2", 0), "none": Link("3", 0)}),
        }
    )
    run_workflow(graph, nodes, tmp_path / "in", tmp_path)
    assert {name: list(value.shape) for name, value in shapes.items()} == {
        "image": [1, 1, 1, 3],
        "mask": [1, 64, 64],
        "red": [1, 1, 1],
        "none": [1, 64, 64],
    }
    assert_close(shapes["red"], torch.full((1, 1, 1), 0.2))


def test_a_cut_out_stays_one_where_its_alpha_is_joined(tmp_path: Path, nodes: dict[str, type]) -> None:
    alpha = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    write_picture(tmp_path / "a.png", torch.full((2, 2, 3), 0.4), alpha)
    graph = Graph(
        {
            "1": Node("LoadImage", {"image": "a.png"}),
            "2": Node("JoinImageWithAlpha", {"image": Link("1", 0), "alpha": Link("1", 1)}),
            "3": Node("SaveImage", {"images": Link("2", 0), "filename_prefix": "b"}),
        }
    )
    (file,) = run_workflow(graph, nodes, tmp_path, tmp_path)
    saved = load_picture(file).alpha
    assert saved is not None
    assert_close(saved[0], alpha)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("PrimitiveInt", 3, 3),
        ("PrimitiveFloat", 1, 1.0),
        ("PrimitiveString", "a", "a"),
        ("PrimitiveStringMultiline", "a\nb", "a\nb"),
        ("PrimitiveBoolean", True, True),
    ],
)
def test_primitives(kind: str, value: object, expected: object, tmp_path: Path, nodes: dict[str, type]) -> None:
    seen = []
    nodes["Out"] = fake(lambda x: seen.append(x), {"required": {"x": ("*",)}}, (), OUTPUT_NODE=True)
    graph = Graph({"1": Node(kind, {"value": value}), "2": Node("Out", {"x": Link("1", 0)})})
    run_workflow(graph, nodes, tmp_path, tmp_path)
    assert seen == [expected]


def test_for_each_runs_what_stays_the_same_once(tmp_path: Path, nodes: dict[str, type]) -> None:
    graph = Graph({"1": paint(0), "2": Node("Noise", {"seed": 9, "width": 4}), "3": blend("1", "2"), "4": save("3")})
    runs = {stem: graph.with_node("1", paint(level)) for stem, level in (("a", 0.0), ("b", 0.5), ("c", 1.0))}
    files, failed = run_for_each(graph, nodes, runs, "1", tmp_path, tmp_path / "out")
    assert not failed and [file.name for file in files] == ["a_x_00001.png", "b_x_00001.png", "c_x_00001.png"]
    assert len(nodes["Noise"].calls) == 1  # pyright: ignore[reportAttributeAccessIssue]
    assert len({read_picture(file)[0].mean().item() for file in files}) == 3
