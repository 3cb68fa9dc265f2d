"""The commands from outside: what they print, what they leave, and their exit codes."""

import json
import sys
from pathlib import Path

import pytest
import torch

from brushwork.cli import demo as demo_command
from brushwork.cli import run as run_command
from brushwork.cli.app import main
from brushwork.media.images import Picture, read_picture, write_picture
from brushwork.models.weights.manifest import read_manifest
from brushwork.samples import CONTENT, load_sample
from brushwork.tests.runner.fakes import Json, api, fake


def call(*arguments: object) -> int:
    """The exit code of a command line."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as leave:
        return int(leave.code or 0)


@pytest.fixture(autouse=True)
def only_fakes(monkeypatch: pytest.MonkeyPatch, nodes: dict[str, type]) -> None:
    monkeypatch.setattr(run_command, "all_nodes", lambda: nodes)


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """A picture and a paint, blended and saved."""
    write_picture(tmp_path / "a.png", torch.zeros(2, 3, 3))
    blend = {"a": ["1", 0], "b": ["2", 0], "alpha": 0.5}
    return written(
        tmp_path,
        api(
            n1=("LoadImage", {"image": "a.png"}, "my content"),
            n2=("Paint", {"level": 1, "width": 3}),
            n3=("Blend", blend),
            n4=("SaveImage", {"images": ["3", 0], "filename_prefix": "mixed"}),
        ),
    )


def written(folder: Path, data: Json) -> Path:
    path = folder / "w.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_run_prints_the_files_it_made(workflow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", workflow, "-o", tmp_path / "out") == 0
    made = tmp_path / "out" / "mixed_00001.png"
    assert capsys.readouterr().out == f"{made}\n"
    assert read_picture(made)[0].unique().tolist() == pytest.approx([128 / 255])


def test_set_by_title_and_id(workflow: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "b.png", torch.ones(2, 3, 3))
    picture = tmp_path / "b.png"
    settings = "--set", f"my content.image={picture}", "--set", "3.alpha=0.25", "--set", "Paint.level=0"
    assert call("run", workflow, *settings, "-o", tmp_path / "out") == 0
    assert read_picture(tmp_path / "out" / "mixed_00001.png")[0].unique().tolist() == pytest.approx([191 / 255])


def test_a_folder_runs_for_every_picture(workflow: Path, tmp_path: Path) -> None:
    for name in ("x.png", "y.jpg"):
        write_picture(tmp_path / "many" / name, torch.ones(2, 3, 3))
    assert call("run", workflow, "--set", f"1.image={tmp_path / 'many'}", "-o", tmp_path / "out") == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["x_mixed_00001.png", "y_mixed_00001.png"]


def test_a_bad_picture_does_not_keep_the_others(
    workflow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("x.png", "z.png"):
        write_picture(tmp_path / "many" / name, torch.ones(2, 3, 3))
    (tmp_path / "many" / "y.png").write_bytes(b"no picture")
    assert call("run", workflow, "--set", f"1.image={tmp_path / 'many'}", "-o", tmp_path / "out") == 1
    printed = capsys.readouterr()
    assert [Path(line).name for line in printed.out.splitlines()] == ["x_mixed_00001.png", "z_mixed_00001.png"]
    assert printed.err.endswith("brushwork: 1 of 3 pictures failed: y; the others are written\n")
    assert [record.getMessage()[:32] for record in caplog.records] == ["y: my content (node 1): " + str(tmp_path)[:8]]


def test_a_folder_of_which_every_picture_fails_has_one_error(
    workflow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("x.png", "y.png"):
        write_picture(tmp_path / "many" / name, torch.ones(5, 3, 3))
    data = json.loads(workflow.read_text(encoding="utf-8"))
    written(tmp_path, {**data, "3": {"class_type": "Fail", "inputs": {"image": ["1", 0]}}})
    assert call("run", workflow, "--set", f"1.image={tmp_path / 'many'}", "-o", tmp_path / "out") == 1
    assert capsys.readouterr() == ("", "brushwork: Fail (node 3): the style is empty: choose another\n")


def test_what_is_left_out_is_named_and_the_rest_is_written(
    workflow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("x.png", "y.png"):
        write_picture(tmp_path / "many" / name, torch.ones(2, 3, 3))
    data = json.loads(workflow.read_text(encoding="utf-8"))
    written(tmp_path, {**data, "9": {"class_type": "PreviewImage", "inputs": {}}})
    assert call("run", workflow, "--set", f"1.image={tmp_path / 'many'}", "-o", tmp_path / "out") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "left out: PreviewImage (node 9): the input 'images' is missing: link an output of type IMAGE to it"
    ]


def test_the_input_folder(workflow: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", torch.ones(2, 3, 3))
    assert call("run", workflow, "-i", tmp_path / "in", "-o", tmp_path / "out") == 0
    assert read_picture(tmp_path / "out" / "mixed_00001.png")[0].min() == 1


def test_an_error_is_one_line_and_leaves_nothing(
    workflow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    assert call("run", workflow, "--set", "3.alpha=7", "-o", tmp_path / "out") == 1
    assert capsys.readouterr() == ("", "brushwork: Blend (node 3): 'alpha' is 7.0, more than its largest value 1.0\n")
    assert sorted(tmp_path.iterdir()) == before


def test_a_node_that_fails_is_one_line_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(
        tmp_path,
        api(
            n1=("Paint", {"level": 1, "width": 3}),
            n2=("Fail", {"image": ["1", 0]}),
            n3=("PreviewImage", {"images": ["1", 0]}),
            n4=("PreviewImage", {"images": ["2", 0]}),
        ),
    )
    assert call("run", path, "-o", tmp_path / "out") == 1
    assert capsys.readouterr().err == "brushwork: Fail (node 2): the style is empty: choose another\n"
    assert not (tmp_path / "out").exists()


def test_a_bug_keeps_its_traceback(tmp_path: Path) -> None:
    data = api(n1=("Paint", {"level": 1, "width": 3}), n2=("Bug", {"image": ["1", 0]}))
    path = written(tmp_path, data | api(n3=("PreviewImage", {"images": ["2", 0]})))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        call("run", path, "-o", tmp_path / "out")


def test_an_interruption_exits_130_and_leaves_nothing(tmp_path: Path, nodes: dict[str, type]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    nodes["Stop"] = fake(interrupted, {})
    path = written(tmp_path, api(n1=("Stop", {}), n2=("PreviewImage", {"images": ["1", 0]})))
    assert call("run", path, "-o", tmp_path / "out") == 130
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [("run",), ("nix",), ("run", "a", "b"), ("stylize", "a", "-o", "b", "--alpha", "x")]
)
def test_wrong_usage_exits_2(arguments: tuple[str, ...]) -> None:
    assert call(*arguments) == 2


def test_a_missing_typer_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    assert call("demo", "x") == 1
    assert capsys.readouterr().err == "brushwork: the command line needs typer: pip install typer rich\n"


def test_demo_paints_every_photograph_by_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def negative(self: object, picture: Picture, progress: object) -> tuple[torch.Tensor, None]:
        return 1 - picture.image[0], None

    monkeypatch.setattr(demo_command.Painter, "picture", negative)
    assert call("demo", tmp_path / "out") == 0
    sheet, *painted = map(Path, capsys.readouterr().out.splitlines())
    assert sheet == tmp_path / "out" / "contact_sheet.png" and read_picture(sheet)[0].std() > 0
    assert {file.name for file in painted} == {
        f"{photo}_{system}.png" for photo in CONTENT for system in demo_command.SYSTEMS
    }
    for file in painted:
        photo = load_sample(file.name.split("_")[0])[0].movedim(0, -1)
        assert torch.allclose(read_picture(file)[0][0], 1 - photo, atol=1 / 255)


def test_demo_takes_paintings_that_the_bank_knows() -> None:
    bank = read_manifest().networks["stylebank"].styles
    assert {*demo_command.PAIRS} == {*CONTENT}
    assert {style.replace("_", " ") for style in demo_command.PAIRS.values()} <= {*bank}


def test_weights_list_names_every_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    alone_with(tmp_path, monkeypatch)
    assert call("weights", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(read_manifest().networks)
    assert all("; licence: " in line and "; to cite: " in line for line in lines)


def test_weights_verify_names_the_damaged_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    alone_with(tmp_path, monkeypatch)
    file = next(file for file in read_manifest().files.values() if file.sha256 and file.urls)
    path = tmp_path / file.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"broken")
    assert call("weights", "verify") == 1
    printed = capsys.readouterr()
    assert f"damaged: {path}\n" in printed.out
    assert printed.err.startswith(f"brushwork: {path} is not the published file (expected ")
    assert printed.err.count("\n") == 1


def test_weights_pull_of_an_unknown_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("weights", "pull", "nix") == 1
    assert capsys.readouterr().err.startswith("brushwork: there is no network 'nix': choose one of ")


def alone_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights but those in `folder`."""

    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(folder))
    monkeypatch.setenv("BRUSHWORK_CACHE", str(folder / "cache"))


def test_train_needs_a_decoder_to_start_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from brushwork.models.networks.vgg import VggLayout, VggNetwork

    shallow = VggNetwork(VggLayout("shallow", (4, 4, 4, 4, 4)), ("relu4_1",))
    monkeypatch.setattr("brushwork.training.networks.load_network", lambda name: shallow)
    folders = ("--photos", str(tmp_path), "--styles", str(tmp_path), "--out", str(tmp_path / "out"))
    assert call("train", "msgnet", "--network", "vgg19", *folders) == 1
    expected = "brushwork: vgg19 has no decoder at relu3_1 to start from: choose compact, small16x or vgg19.\n"
    assert capsys.readouterr().err == expected
    assert not (tmp_path / "out").exists()
