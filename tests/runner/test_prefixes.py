"""Names of saved files: tokens as ComfyUI fills them in, and names that every system takes."""

from datetime import datetime
from pathlib import Path
from zlib import crc32

import pytest
import torch

from brushwork.runner.graph import Graph, Link, Node, WorkflowError
from brushwork.runner.prefixes import filled, legal, server_tokens
from brushwork.runner.run import run_workflow
from brushwork.tests.runner.fakes import fake

NOW = datetime(2026, 3, 4, 5, 6, 7)
PICTURE = Path("x/y.png")
NODES = {
    "1": Node("Paint", {"level": 0.5, "width": 3}, "brush", "my paint"),
    "2": Node(
        "Noise", {"seed": Link("4", 0), "width": 4.0, "how": 'a/b:c\\d?"', "on": True, "at": Path("x/y.png")}, "N"
    ),
    "3": Node("Noise", {"seed": 1, "width": [1, 2]}, "brush"),
    "4": Node("PrimitiveInt", {"value": 99}),
    "5": Node("Blend", {"alpha": Link("2", 0), "back": Link("5", 0)}),
}


@pytest.mark.parametrize(
    ("prefix", "text"),
    [
        ("%date:yyyy-MM-dd%/x", "2026-03-04/x"),
        ("%date:yy.M.d%_%date:hh:mm:ss%", "26.3.4_05:06:07"),
        ("%date:h m s yyy%", "5 6 7 yyy"),
        ("%my paint.level%", "0.5"),
        ("%brush.level%", "0.5"),
        ("%brush.seed%", "%brush.seed%"),  # the first of that title has none
        ("%N.seed%-%N.width%-%N.on%-%N.at%", "99-4-true-y.png"),
        ("%N.how%", "a_b_c_d__"),
        ("%Noise.seed%", "99"),  # by kind, the first
        ("%PrimitiveInt.value%", "99"),
        ("%Blend.alpha%", "%Blend.alpha%"),  # a picture has no name
        ("%nobody.x% %N.x% %a.b.c% %width% 100%", "%nobody.x% %N.x% %a.b.c% %width% 100%"),
    ],
)
def test_what_the_page_fills_in(prefix: str, text: str) -> None:
    graph = filled(Graph({**NODES, "9": Node("SaveImage", {"filename_prefix": prefix})}), NOW)
    assert graph.nodes == {**NODES, "9": Node("SaveImage", {"filename_prefix": text})}


def test_a_prefix_that_is_a_link_or_a_path_is_left_alone() -> None:
    graph = Graph({"8": Node("S", {"filename_prefix": Link("1", 0)}), "9": Node("S", {"filename_prefix": Path("%a%")})})
    assert filled(graph, NOW) == graph


def test_what_the_server_fills_in() -> None:
    prefix = "%width%x%height% %year%%month%%day% %hour%%minute%%second% %batch_num% %other%"
    assert server_tokens(prefix, 640, 480, NOW) == "640x480 20260304 050607 %batch_num% %other%"


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("plain/name", "plain/name"),
        ("a\\b", "a/b"),
        ("05:06:07", "05_06_07"),
        ('<>:"|?*', "_______"),
        ("a\0b\x1b\x7f\ud800\n", "a_b____"),
        ("end. . /x ", "end/x"),
        ("... /x", "_/x"),
        ("nul/COM1.x/lpt9", "nul_/COM1.x_/lpt9_"),
        ("null/com/comma", "null/com/comma"),
        ("x" * 200, "x" * 200),
        ("x" * 500, f"{'x' * 191}_{crc32(b'x' * 500):08x}"),
        ("名" * 100, f"{'名' * 63}_{crc32('名'.encode() * 100):08x}"),
        ("./a//b", "./a//b"),
        ("../a", "../a"),  # for `inside` to refuse
        ("C:\\a", "C:\\a"),
        ("/a", "/a"),
    ],
)
def test_legal_names(prefix: str, name: str) -> None:
    assert legal(prefix) == name


def saved(prefix: str, folder: Path, nodes: dict[str, type], stem: str = "") -> list[str]:
    nodes["Two"] = fake(lambda: (torch.zeros(2, 3, 5, 3),), {})
    save = Node("SaveImage", {"images": Link("1", 0), "filename_prefix": prefix})
    files = run_workflow(Graph({"1": Node("Two", {}), "2": save}), nodes, folder, folder / "out", stem=stem)
    assert all(file.is_file() for file in files)
    return [file.relative_to(folder / "out").as_posix() for file in files]


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("%width%x%height%/%Two.x%", ["5x3/%Two.x%_00001.png", "5x3/%Two.x%_00002.png"]),
        ("b%batch_num%", ["b0_00001.png", "b1_00001.png"]),
        ("sub\\deep\\x", ["sub/deep/x_00001.png", "sub/deep/x_00002.png"]),
        ("12:30?", ["12_30__00001.png", "12_30__00002.png"]),
    ],
)
def test_files(prefix: str, names: list[str], tmp_path: Path, nodes: dict[str, type]) -> None:
    assert saved(prefix, tmp_path, nodes) == names


def test_long_names_of_pictures_stay_apart(tmp_path: Path, nodes: dict[str, type]) -> None:
    names = {
        name
        for stem in ("x" * 240 + "1", "x" * 240 + "2", "\udcff" * 230)
        for prefix in ("y" * 300 + "1", "y" * 300 + "2")
        for name in saved(prefix, tmp_path, nodes, stem)
    }
    assert len(names) == 12


@pytest.mark.parametrize(
    "prefix", ["../x", "a/../../x", "..\\x", "/x", "\\x", "C:\\x", "C:/x", "\\\\host\\share\\x", "", "."]
)
def test_names_that_lead_out_are_refused_before_anything_runs(
    prefix: str, tmp_path: Path, nodes: dict[str, type]
) -> None:
    with pytest.raises(WorkflowError, match=r"^SaveImage \(node 2\): '.*' is not a name inside the folder .*out$"):
        saved(prefix, tmp_path, nodes)
    assert not nodes["Two"].calls and list(tmp_path.iterdir()) == []  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("prefix", ["a/" * 3000 + "x", "a\\" * 600 + "x", f"{'b' * 180}/" * 6])
def test_too_many_folders_are_refused_before_anything_runs(prefix: str, tmp_path: Path, nodes: dict[str, type]) -> None:
    with pytest.raises(WorkflowError, match=r"\.\.\.' is too long for a name inside the folder .*out$"):
        saved(prefix, tmp_path, nodes)
    assert not nodes["Two"].calls  # pyright: ignore[reportAttributeAccessIssue]


def test_a_token_cannot_lead_out(tmp_path: Path, nodes: dict[str, type]) -> None:
    word = {"required": {"x": ("STRING", {})}}
    nodes["Word"] = fake(lambda x: (torch.zeros(1, 1, 1, 3),), word)
    save = Node("SaveImage", {"images": Link("1", 0), "filename_prefix": "%Word.x%/x"})
    with pytest.raises(WorkflowError, match="is not a name inside the folder"):
        run_workflow(Graph({"1": Node("Word", {"x": ".."}), "2": save}), nodes, tmp_path, tmp_path / "out")
