"""Many pictures by one command: the tree is kept, nothing is done twice, one bad picture costs no other."""

import errno
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from brushwork.cli import stylize as stylize_command
from brushwork.cli.app import main
from brushwork.cli.order import Stylization, made_by
from brushwork.cli.record import FILE, alone
from brushwork.cli.stylize import stylize
from brushwork.media.images import Picture, load_picture, write_picture
from brushwork.methods import DEFAULT
from brushwork.models.weights.manifest import read_manifest


class Negative:
    """Paints at once, and knows what it painted."""

    painted: list[str] = []
    before: Callable[[str], None] = staticmethod(lambda style: None)

    def __init__(self, order: Stylization, download: object = None, ready: object = None) -> None:
        self.order = order

    def picture(
        self, picture: Picture, progress: Callable[[int, int], None], suffix: str = ""
    ) -> tuple[Tensor, Tensor | None]:
        progress(1, 2)
        Negative.before("+".join(self.order.styles))
        Negative.painted.append("+".join(self.order.styles))
        return 1 - picture.image[0], None if picture.alpha is None else picture.alpha[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was painted, by its styles."""
    painted: list[str] = []
    monkeypatch.setattr(Negative, "painted", painted)
    monkeypatch.setattr(stylize_command, "Painter", Negative)
    return painted


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of folders with other things in it."""
    folder = tmp_path / "in"
    for number, name in enumerate(("a.png", "sub/a.png", "sub/b.jpg", "sub/deep/c.webp")):
        write_picture(folder / name, torch.full((2, 3, 3), number / 5))
    for name in ("._a.png", ".hidden/d.png", "notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no picture")
    return folder


def run(content: object, output: Path, **options: Any) -> list[str]:  # noqa: ANN401
    """The names of what was painted, below the output folder."""
    order = {"style": ["hubble"], **options}
    made = stylize(Stylization(content=content if isinstance(content, list) else str(content), output=output, **order))
    return [path.relative_to(output).as_posix() for path in map(Path, made)]


def call(*arguments: object) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as leave:
        return int(leave.code or 0)


TREE = ["a.png", "sub/a.png", "sub/b.png", "sub/deep/c.png"]


def test_the_tree_is_kept(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photos, tmp_path / "out") == TREE
    assert load_picture(tmp_path / "out" / "sub" / "b.png").image.mean() == pytest.approx(1 - 2 / 5, abs=0.01)
    assert capsys.readouterr().err == "4 painted; passed over: 2 hidden, 1 no pictures.\n"
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"a.png", "sub", FILE}


def test_results_inside_the_folder_are_no_contents(photos: Path) -> None:
    assert run(photos, photos / "out") == TREE
    assert run(photos, photos / "out", alpha=0.5) == TREE
    beside = [path for path in TREE if path != "a.png"]
    (photos / "a.png").rename(photos / "a.jpg")
    assert run(photos / "sub", photos) == ["a.png", "b.png", "deep/c.png"]
    assert not run(photos / "sub", photos)
    assert len(beside) == 3


def test_what_was_painted_beside_its_content_is_no_content(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", torch.zeros(2, 3, 3))
    assert run(tmp_path, tmp_path, alpha=0.5) == ["a.png"]
    assert run(tmp_path, tmp_path, alpha=0.7) == ["a.png"]


def test_one_bad_picture_costs_no_other(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "bad.png").write_text("no picture")
    (photos / "sub" / "aa.jpg").write_bytes(b"\xff\xd8\xff")
    assert call("stylize", photos, "-s", "hubble", "-o", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(tmp_path / "out" / name) for name in TREE]
    last = said.err.splitlines()[-1]
    assert last.startswith(f"brushwork: 2 of 6 could not be painted: {photos / 'bad.png'} is not a picture of a known")
    assert f"; {photos / 'sub' / 'aa.jpg'} " in last
    assert "4 painted, 2 failed; passed over: 2 hidden, 1 no pictures." in said.err.splitlines()
    assert call("stylize", photos, "-s", "hubble", "-o", tmp_path / "out") == 1
    assert "4 done before, 2 failed" in capsys.readouterr().err


def test_many_bad_ones_are_named_as_far_as_one_line_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(25):
        (tmp_path / "in" / f"{number:02}.png").write_text("no picture")
    assert call("stylize", tmp_path / "in", "-s", "hubble", "-o", tmp_path / "out") == 1
    assert capsys.readouterr().err.endswith("; and 5 more\n")
    assert len(caplog.messages) == 25


def test_what_is_done_is_passed_over(photos: Path, tmp_path: Path, quick: list[str]) -> None:
    assert run(photos, tmp_path / "out") == TREE
    quick.clear()
    assert run(photos, tmp_path / "out") == [] and not quick
    assert run(photos, tmp_path / "out", overwrite=True) == TREE


def test_only_what_is_new_changed_or_missing_is_painted(photos: Path, tmp_path: Path) -> None:
    run(photos, tmp_path / "out")
    write_picture(photos / "new.png", torch.zeros(2, 3, 3))
    write_picture(photos / "sub" / "a.png", torch.zeros(4, 3, 3))
    (tmp_path / "out" / "a.png").unlink()
    (tmp_path / "out" / "sub" / "deep" / "c.png").write_bytes(b"cut")
    assert run(photos, tmp_path / "out") == ["a.png", "new.png", "sub/a.png", "sub/deep/c.png"]
    assert run(photos, tmp_path / "out") == []


def test_a_picture_that_is_still_being_copied_is_painted_again(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow(style: str) -> None:
        write_picture(photos / "a.png", torch.zeros(4, 3, 3))

    monkeypatch.setattr(Negative, "before", staticmethod(grow))
    assert run(photos, tmp_path / "out") == TREE
    monkeypatch.setattr(Negative, "before", staticmethod(lambda style: None))
    assert run(photos, tmp_path / "out") == ["a.png"]
    assert run(photos, tmp_path / "out") == []


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.5},
        {"method": "adain"},
        {"max_size": 2},
        {"style_size": 64},
        {"style": ["tissue"]},
        {"style": ["hubble", "tissue"]},
        {"preserve_color": "luminance"},
        {"keep_metadata": True},
    ],
)
def test_a_changed_option_is_not_what_is_done(change: dict[str, Any], photos: Path, tmp_path: Path) -> None:
    run(photos, tmp_path / "out")
    assert run(photos, tmp_path / "out", **change) == TREE
    assert run(photos, tmp_path / "out", **change, dry_run=False, max_megapixels=100.0) == []
    assert run(photos, tmp_path / "out") == TREE


def test_what_is_done_is_known_by_its_method_whatever_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Stylization(content="a.png", output=Path("out"), style=["hubble"], method="adain")
    before = made_by(one)
    monkeypatch.setattr(Stylization.__dataclass_fields__["method"], "default", "adain")
    assert made_by(one) == before


@pytest.mark.parametrize("role", ["style", "mask"])
def test_a_changed_style_or_mask_is_not_what_is_done(role: str, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.png"
    options: dict[str, Any] = {"style": [str(file)]} if role == "style" else {"mask": file}
    write_picture(file, torch.zeros(2, 2, 3))
    run(photos, tmp_path / "out", **options)
    assert run(photos, tmp_path / "out", **options) == []
    write_picture(file, torch.ones(2, 2, 3))
    assert run(photos, tmp_path / "out", **options) == TREE


def test_a_run_that_was_killed_goes_on(photos: Path, tmp_path: Path) -> None:
    """The last line of its record is torn, whatever of it is there."""
    run(photos, tmp_path / "out")
    record = tmp_path / "out" / FILE
    record.write_bytes(record.read_bytes()[:-20])
    assert run(photos, tmp_path / "out") == TREE[-1:]
    assert run(photos, tmp_path / "out") == []


def test_a_file_of_somebody_elses_stays(photos: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "out" / "sub" / "b.png"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    with pytest.raises(ValueError, match="b.png is there and no result of ours: name another folder, or give --over"):
        run(photos, tmp_path / "out")
    assert theirs.read_text() == "theirs" and not (tmp_path / "out" / "a.png").exists()
    assert run(photos, tmp_path / "out", overwrite=True) == TREE
    assert run(photos, tmp_path / "out", alpha=0.5) == TREE


def test_a_record_that_cannot_be_written_ends_the_run_at_once(photos: Path, tmp_path: Path, quick: list[str]) -> None:
    (tmp_path / "out" / FILE).mkdir(parents=True)
    with pytest.raises(OSError, match=FILE):
        run(photos, tmp_path / "out")
    assert not quick


def test_an_interruption_keeps_what_is_done(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(style: str) -> None:
        if len(Negative.painted) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Negative, "before", staticmethod(stop))
    assert call("stylize", photos, "-s", "hubble", "-o", tmp_path / "out") == 130
    monkeypatch.setattr(Negative, "before", staticmethod(lambda style: None))
    assert run(photos, tmp_path / "out") == TREE[2:]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_disk_ends_the_run(
    code: int, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = stylize_command.write_picture

    def full(path: Path, *more: Any) -> None:  # noqa: ANN401
        if path.name == "b.png":
            raise OSError(f"{path} cannot be written: full") from OSError(code, "full")
        write(path, *more)

    monkeypatch.setattr(stylize_command, "write_picture", full)
    assert call("stylize", photos, "-s", "hubble", "-o", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(tmp_path / "out" / name) for name in TREE[:2]]
    advice = "see to the disk; what is painted stays, and the same command goes on from there"
    assert said.err.endswith(f"b.png cannot be written: full: {advice}\n")
    assert len(Negative.painted) <= 4
    monkeypatch.setattr(stylize_command, "write_picture", write)
    assert run(photos, tmp_path / "out")[0] == "sub/b.png"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(70):
        write_picture(tmp_path / "many" / f"{number:02}.png", torch.zeros(2, 3, 3))
    return tmp_path / "many"


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EIO, errno.ESTALE, errno.ENODEV])
def test_a_drive_of_contents_that_vanishes_ends_the_run(
    code: int, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: list[str] = []

    def gone(source: Path, **more: Any) -> Picture:  # noqa: ANN401
        tried.append(source.name)
        if len(tried) <= 3 or tried[-1] == "10.png":
            return load_picture(source, **more)
        if code == errno.ENOENT:
            return load_picture(many / "none.png")
        try:
            raise OSError(code, "the drive is gone")
        except OSError as error:  # as load_picture says it
            raise ValueError(f"{source} cannot be read as a picture: {error.strerror}") from error

    monkeypatch.setattr(stylize_command, "load_picture", gone)
    assert call("stylize", many, "-s", "hubble", "-o", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert [Path(line).name for line in said.out.splitlines()] == ["00.png", "01.png", "02.png"]
    advice = "see to the drive or the folder that they are on; what is painted stays, and the same command goes on"
    assert said.err.splitlines()[-1].endswith(f"20 contents in a row cannot be read, the last of them {many}/30.png: "
                                              f"{advice} from there")  # fmt: skip
    monkeypatch.setattr(stylize_command, "load_picture", load_picture)
    assert len(run(many, tmp_path / "out")) == 66


def test_one_file_on_a_bad_sector_costs_no_other(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(source: Path, **more: Any) -> Picture:  # noqa: ANN401
        if source.name < "30.png" and int(source.stem) % 10:
            raise ValueError(f"{source} cannot be read as a picture: it is bad") from OSError(errno.EIO, "bad")
        return load_picture(source, **more)

    monkeypatch.setattr(stylize_command, "load_picture", bad)
    with pytest.raises(RuntimeError, match="^27 of 70 could not be painted: "):
        run(many, tmp_path / "out")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "needs more memory than there is: shrink it by --max-size"),
        (RuntimeError("shapes cannot be multiplied"), "RuntimeError: shapes cannot be multiplied"),
        (ValueError("the style is too small: give another"), "the style is too small: give another"),
    ],
)
def test_whatever_one_picture_raises(
    error: Exception, said: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(style: str) -> None:
        if len(Negative.painted) == 1:
            Negative.painted.append("")
            raise error

    monkeypatch.setattr(Negative, "before", staticmethod(fail))
    with pytest.raises(RuntimeError, match=rf"^1 of 4 could not be painted: .*a\.png.*{said}"):
        run(photos, tmp_path / "out")
    assert run(photos, tmp_path / "out") == ["sub/a.png"]


def test_one_picture_without_memory_is_one_sentence(photos: Path, tmp_path: Path, monkeypatch: Any) -> None:  # noqa: ANN401
    def fail(style: str) -> None:
        raise MemoryError

    monkeypatch.setattr(Negative, "before", staticmethod(fail))
    with pytest.raises(ValueError, match=r"a\.png needs more memory than there is: shrink it by --max-size$"):
        run(photos / "a.png", tmp_path / "o.png")


def test_two_runs_at_once_do_not_paint_the_same(photos: Path, tmp_path: Path, monkeypatch: Any) -> None:  # noqa: ANN401
    out, refused = tmp_path / "out", []

    def second(style: str) -> None:
        monkeypatch.setattr(Negative, "before", staticmethod(lambda style: None))
        with pytest.raises(
            OSError, match="^another run paints the same into .*out: wait until it is through$"
        ) as error:
            run(photos, out)
        refused.append(error)
        assert run(photos, out, style=["tissue"], name="{stem}_{style}")  # another order may

    monkeypatch.setattr(Negative, "before", staticmethod(second))
    assert run(photos, out) == TREE and refused
    assert not list(out.glob(".*.lock"))
    assert run(photos, out) == []
    with alone(out, "x"), alone(out, "y"):
        pass


def test_without_locks_a_run_goes_on(photos: Path, tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:  # noqa: ANN401
    def none(self: object, timeout: float) -> None:
        raise NotImplementedError("no locks here")

    monkeypatch.setattr("filelock.FileLock.acquire", none)
    assert run(photos, tmp_path / "out") == TREE
    assert "cannot be locked" in caplog.text


def test_a_dry_run_touches_nothing(photos: Path, tmp_path: Path, quick: list[str], capsys: Any) -> None:  # noqa: ANN401
    assert call("stylize", photos, "-s", "hubble", "-o", tmp_path / "out", "--dry-run") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == f"{photos / 'a.png'} -> {tmp_path / 'out' / 'a.png'}"
    assert len(said.out.splitlines()) == 4 and said.err.startswith("4 to paint; ")
    assert not quick and not (tmp_path / "out").exists()


def test_lines_of_json(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(photos / "sub", tmp_path / "out")
    (photos / "sub" / "bad.png").write_text("no picture")
    write_picture(photos / "sub" / "z.png", torch.zeros(2, 3, 3))
    capsys.readouterr()
    assert call("stylize", photos / "sub", "-s", "hubble", "-o", tmp_path / "out", "--json") == 1
    *lines, end = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["status"] for line in lines] == ["skipped"] * 3 + ["failed", "painted"]
    assert lines[-1]["content"] == str(photos / "sub" / "z.png")
    assert lines[-1]["output"] == str(tmp_path / "out" / "z.png") and lines[-1]["styles"] == ["hubble"]
    assert "not a picture" in lines[3]["error"]
    assert (end["status"], end["skipped"], end["failed"], end["painted"]) == ("end", 3, 1, 1)
    assert end["passed over"] == {"hidden": 0, "no pictures": 0}


def test_one_picture_in_json(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "bad.png").write_text("no picture")
    for name, status, code in (("a.png", "painted", 0), ("bad.png", "failed", 1)):
        assert call("stylize", photos / name, "-s", "hubble", "-o", tmp_path / "o.png", "--json") == code
        (line,) = map(json.loads, capsys.readouterr().out.splitlines())
        assert line["status"] == status and line["content"] == str(photos / name)


def test_one_picture_that_cannot_be_painted_is_one_line_of_json(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(style: str) -> None:
        raise ValueError("the style is too small: give another")

    monkeypatch.setattr(Negative, "before", staticmethod(fail))
    assert call("stylize", photos / "a.png", "-s", "hubble", "-o", tmp_path / "o.png", "--json") == 1
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["status"], line["error"]) == ("failed", "the style is too small: give another")


def test_reading_painting_and_writing_overlap(photos: Path, tmp_path: Path, monkeypatch: Any) -> None:  # noqa: ANN401
    """The first is painted only once the second was read, and written only once the second was painted."""
    load, write, events = stylize_command.load_picture, stylize_command.write_picture, (Event(), Event())
    loaded: list[object] = []

    def loading(source: Path, **options: Any) -> Picture:  # noqa: ANN401
        loaded.append(source)
        if len(loaded) == 2:
            events[0].set()
        return load(source, **options)

    def painting(style: str) -> None:
        assert events[0].wait(20)
        if len(Negative.painted) == 1:
            events[1].set()

    def writing(path: Path, *more: Any) -> None:  # noqa: ANN401
        assert events[1].wait(20)
        write(path, *more)

    monkeypatch.setattr(stylize_command, "load_picture", loading)
    monkeypatch.setattr(stylize_command, "write_picture", writing)
    monkeypatch.setattr(Negative, "before", staticmethod(painting))
    assert run(photos, tmp_path / "out") == TREE


def test_of_large_pictures_memory_holds_one(photos: Path, tmp_path: Path, monkeypatch: Any) -> None:  # noqa: ANN401
    load, write, steps = stylize_command.load_picture, stylize_command.write_picture, list[str]()
    monkeypatch.setattr(stylize_command, "AHEAD_PIXELS", 0)
    monkeypatch.setattr(stylize_command, "load_picture", lambda *a, **o: steps.append("read") or load(*a, **o))
    monkeypatch.setattr(stylize_command, "write_picture", lambda *a: steps.append("write") or write(*a))
    monkeypatch.setattr(Negative, "before", staticmethod(lambda style: steps.append("paint")))
    run(photos, tmp_path / "out")
    assert steps == ["read", "paint", "write"] * 4


def test_from_stdin_to_stdout(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream(io.TextIOWrapper):
        pass

    for name, kind in ((None, "PNG"), ("x.jpg", "JPEG")):
        content = Stream(io.BytesIO((photos / "sub" / "b.jpg").read_bytes()))
        result = io.BytesIO()
        monkeypatch.setattr(sys, "stdin", content)
        monkeypatch.setattr(sys, "stdout", Stream(result, encoding="utf-8"))
        assert call("stylize", "-", "-s", "hubble", "-o", "-", *(("--name", name) if name else ())) == 0
        with Image.open(io.BytesIO(result.getvalue())) as picture:
            assert (picture.format, picture.size) == (kind, (3, 2))


@pytest.mark.parametrize("option", ["--json", "--dry-run", "--each-style"])
def test_a_stream_is_one_picture(option: str, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("stylize", photos / "a.png", "-s", "hubble", "-o", "-", option) == 1
    assert capsys.readouterr().err.startswith("brushwork: - is one picture in one style: name no folder")


def test_stdin_into_a_file_or_folder(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for output, made in ((tmp_path / "o.png", tmp_path / "o.png"), (photos, photos / "stdin.png")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((photos / "a.png").read_bytes())))
        assert call("stylize", "-", "-s", "hubble", "-o", output) == 0
        assert load_picture(made).image.shape == (1, 2, 3, 3)


def test_patterns_and_several(photos: Path, tmp_path: Path) -> None:
    assert run(photos / "**" / "*.png", tmp_path / "one") == TREE[:2]
    assert run(photos / "*" / "?.*", tmp_path / "two") == ["sub/a.png", "sub/b.png"]
    assert run([str(photos / "sub" / "b.jpg"), str(photos / "a.png")], tmp_path / "three") == ["b.png", "a.png"]
    assert run([str(photos / "sub"), str(photos / "a.png")], tmp_path / "four", name="{number}_{stem}")
    with pytest.raises(FileNotFoundError, match=r"^there is no picture or video in .*\*\.tif: put some in"):
        run(photos / "*.tif", tmp_path / "five")


def test_a_name_that_looks_like_a_pattern(tmp_path: Path) -> None:
    write_picture(tmp_path / "a[1].png", torch.zeros(2, 3, 3))
    assert stylize(Stylization(content=str(tmp_path / "a[1].png"), output=tmp_path / "o.png", style=["hubble"])) == [
        tmp_path / "o.png"
    ]


def test_each_style_by_itself(photos: Path, tmp_path: Path, quick: list[str]) -> None:
    six = ["hubble", "tissue", "rose_window", "sea_mosaic", "dotted_river", "paper_leaves"]
    assert run(photos / "a.png", tmp_path / "out", style=six, each_style=True) == [f"a_{name}.png" for name in six]
    assert quick == six
    quick.clear()
    assert run(photos / "a.png", tmp_path / "out", style=[*six, "ink_mountains"], each_style=True)
    assert quick == ["ink_mountains"]


def test_a_folder_of_styles(photos: Path, tmp_path: Path) -> None:
    for name in ("x.png", "y.jpg", ".z.png"):
        write_picture(tmp_path / "styles" / name, torch.zeros(2, 2, 3))
    options: dict[str, Any] = {"each_style": True, "name": "{style}/{stem}.jpg"}
    found = run(photos / "sub" / "deep", tmp_path / "out", style=[str(tmp_path / "styles")], **options)
    assert found == ["x/c.jpg", "y/c.jpg"]
    assert run(photos / "a.png", tmp_path / "out", style=[str(tmp_path / "styles" / "*.png")], **options) == ["x/a.jpg"]


def test_each_style_of_the_bank(photos: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"style": None, "method": "stylebank", "each_style": True}
    made = run(photos / "a.png", tmp_path / "out", **options)
    assert len(made) == len(read_manifest().networks["stylebank"].styles) and "a_munch scream.png" in made
    assert run(photos / "a.png", tmp_path / "two", **options, style_name=["munch scream"]) == ["a_munch scream.png"]


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        ("{stem}", TREE),
        ("{stem}.webp", ["a.webp", "sub/a.webp", "sub/b.webp", "sub/deep/c.webp"]),
        ("{parent}-{stem}", ["in-a.png", "sub/sub-a.png", "sub/sub-b.png", "sub/deep/deep-c.png"]),
        (
            "{style}/{number:03}_{method}",
            [f"{at}hubble/00{n}_{DEFAULT}.png" for n, at in ((1, ""), (2, "sub/"), (3, "sub/"))],
        ),
        ("{name}", ["a.png.png", "sub/a.png.png", "sub/b.jpg.png", "sub/deep/c.webp.png"]),
    ],
)
def test_patterns_of_names(pattern: str, made: list[str], photos: Path, tmp_path: Path) -> None:
    assert run(photos, tmp_path / "out", name=pattern)[: len(made)] == made


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "{nix}"}, r"^'\{nix\}' is no pattern of names: in braces it takes stem, name, parent, style, "),
        ({"name": "{stem.__class__}"}, "in braces it takes stem"),
        ({"name": "{stem"}, "is no pattern of names: "),
        ({"name": "{number:zz}"}, "is no pattern of names: "),
        ({"name": "../{stem}"}, r"^'\.\./\{stem\}' leads out of the output folder"),
        ({"name": "/tmp/{stem}"}, "leads out of the output folder"),
        ({"name": "x"}, r"would both become .*x\.png: tell them apart by --name"),
        ({"each_style": True, "weight": [1.0]}, "^--weight mixes styles, and --each-style keeps them apart"),
        ({"each_style": True, "style": ["/nix/*.png"]}, "^there is no picture in /nix/"),
        ({"each_style": True, "style": None}, "^wct needs a style"),
        ({"style": [""]}, "^a content or style is named by an empty text, perhaps an unset variable: give its path$"),
        ({"each_style": True, "style": [""]}, "^a content or style is named by an empty text"),
        (
            {"each_style": True, "style": None, "method": "stylebank", "network": "nix"},
            "^no styles of nix are known here: name a bank, or each style as --style-name$",
        ),
    ],
)
def test_faults(options: dict[str, Any], message: str, photos: Path, tmp_path: Path) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run(photos, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_no_content_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^a content or style is named by an empty text"):
        run([""], tmp_path / "out")


@pytest.mark.parametrize("option", ["--max-size=0", "--style-size=-4", "--max-megapixels=inf", "--max-megapixels=0"])
def test_sizes_that_are_none(option: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("stylize", photos, "-o", tmp_path / "out", "--style", "hubble", option) == 2
    assert option.partition("=")[0] in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_several_need_a_folder(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^there may be several pictures, so the output .*o\.png has to be one: leave"
    ):
        run(photos / "a.png", tmp_path / "o.png", each_style=True)
    (tmp_path / "v1.2").mkdir()
    assert run(photos, tmp_path / "v1.2") == TREE


def test_names_that_differ_in_their_ending_or_case_only(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "B.png", "b.webp"):
        write_picture(tmp_path / "in" / name, torch.zeros(2, 3, 3))
    made = run(tmp_path / "in", tmp_path / "out")
    assert sorted(made) == ["B_png.png", "a_jpg.png", "a_png.png", "b_webp.png"]
    assert run(tmp_path / "in", tmp_path / "more", name="{name}") == [
        f"{name}.png" for name in ("B.png", "a.jpg", "a.png", "b.webp")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_any_name_on_any_console(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        "new\nline.png",
        "é 雪 🎨.png",
        "\x1b[31mred.png",
        "-dash.png",
        "[b]x.png",
        "x" * 251 + ".png",
        "{stem}.png",
    ]
    names.append(b"b\xff.png".decode("utf-8", "surrogateescape"))
    for name in names:
        write_picture(tmp_path / "in" / name, torch.zeros(2, 3, 3))
    (tmp_path / "in" / b"bad\xff\n.png".decode("utf-8", "surrogateescape")).write_text("no picture")
    said, told = io.BytesIO(), io.BytesIO()
    streams = [io.TextIOWrapper(said, encoding), io.TextIOWrapper(told, encoding, errors="backslashreplace")]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    assert call("stylize", tmp_path / "in", "-s", "hubble", "-o", tmp_path / "out") == 1
    for stream in streams:
        stream.flush()
    monkeypatch.undo()
    assert {file.name for file in (tmp_path / "out").iterdir()} == {*names, FILE}
    assert len(said.getvalue().splitlines()) == len(names) and b"\x1b" not in said.getvalue() + told.getvalue()


def test_a_longer_name_than_the_file_system_takes_is_cut(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / ("é" * 120 + ".png"), torch.zeros(2, 3, 3))
    (made,) = run(tmp_path / "in", tmp_path / "out", name="{stem}_{stem}.jpg")
    assert made.endswith("é.jpg") and 250 < len(made.encode()) <= 255


def test_the_limit_of_pixels_is_an_option(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.png has 3 x 2 pixels, over the limit of 0 million"):
        run(photos / "a.png", tmp_path / "o.png", max_megapixels=5e-6)
    with pytest.raises(RuntimeError, match="^4 of 4 could not be painted"):
        run(photos, tmp_path / "out", max_megapixels=5e-6)
    assert Stylization(content="x", output=Path("y"), max_megapixels=3000).max_pixels == 3 * 10**9


def test_metadata_on_request(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "a.jpg", dpi=(300, 300))
    for keep in (False, True):
        output = tmp_path / f"{keep}.jpg"
        stylize(Stylization(content=str(tmp_path / "a.jpg"), output=output, style=["hubble"], keep_metadata=keep))
        with Image.open(output) as picture:
            assert ("icc_profile" in picture.info) == keep
            assert (picture.info.get("dpi") == (300, 300)) == keep
