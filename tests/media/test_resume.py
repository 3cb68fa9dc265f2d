"""A video that was stopped goes on from there, and is in the end the one that was never stopped."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.media.video_read import reading
from brushwork.media.video_write import KINDS, is_unfinished, partial_path, writing, written_order
from brushwork.tests.media.clips import moving, write_clip

FRAMES, PART = 30, 2
every_kind = pytest.mark.parametrize("suffix", KINDS)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("source") / "a.mp4", moving(FRAMES))


def copy(source: Path, target: Path, order: str = "an order", stop: int = FRAMES, afresh: bool = False) -> list[int]:
    """Copy a video until a frame, and there tear it off; how many frames were made each time."""
    made: list[int] = []
    with reading(source) as video, writing(target, video, order, afresh) as file:
        done, state = 0, file.state or {"number": 0}
        for part in video.parts(PART, skip=file.kept):
            if done >= stop:
                raise KeyboardInterrupt
            if part.frames.numel():
                assert state["number"] == done  # it goes on with what it had
                made.append(len(part.frames))
            done += len(part.times)
            state = {"number": done}
            file.write(part.frames, part)
            file.checkpoint(state)
    return made


def content(path: Path) -> tuple[Tensor, list[int], list[tuple[int | None, bytes]]]:
    with reading(path) as video:
        parts = list(video.parts())
        sound = [(packet.pts, bytes(packet)) for part in parts for packet in part.sound if packet.size]
        return torch.cat([part.frames for part in parts]), [time for part in parts for time in part.times], sound


def alike(one: Path, other: Path) -> bool:
    first, second = content(one), content(other)
    return torch.equal(first[0], second[0]) and first[1:] == second[1:]


@every_kind
@pytest.mark.parametrize("stop", [6, 22])
def test_after_an_interruption(suffix: str, stop: int, source: Path, tmp_path: Path) -> None:
    whole, torn = tmp_path / f"whole{suffix}", tmp_path / f"torn{suffix}"
    assert sum(copy(source, whole)) == FRAMES
    with pytest.raises(KeyboardInterrupt):
        copy(source, torn, stop=stop)
    assert len(content(torn)[1]) == stop
    assert is_unfinished(torn) and not is_unfinished(whole)
    assert 0 < sum(copy(source, torn)) < FRAMES
    assert alike(torn, whole)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([torn.name, whole.name])


@every_kind
def test_after_a_kill(suffix: str, source: Path, tmp_path: Path) -> None:
    """A snapshot of the folder is what a kill would leave; also while what was kept is written again."""
    whole, torn = tmp_path / f"whole{suffix}", tmp_path / f"torn{suffix}"
    copy(source, whole)
    (tmp_path / "there").mkdir()
    with reading(source) as video, writing(tmp_path / "there" / torn.name, video, "an order") as file:
        for number, part in enumerate(video.parts(PART)):
            file.write(part.frames, part)
            file.checkpoint({"number": PART * (number + 1)})
            if number == 9:
                shutil.copytree(tmp_path / "there", tmp_path / "killed")
    torn = tmp_path / "killed" / torn.name
    assert not torn.exists() and is_unfinished(torn)
    assert len(content(partial_path(torn))[1]) >= 6
    with reading(source) as video, writing(torn, video, "an order") as file:
        assert 6 <= file.kept <= 20
        (first, *_) = video.parts(PART, skip=file.kept)
        file.write(first.frames, first)
        shutil.copytree(tmp_path / "killed", tmp_path / "killed again")
    torn = tmp_path / "killed again" / torn.name
    assert 0 < sum(copy(source, torn)) < FRAMES
    assert alike(torn, whole)


def test_who_says_something_else_begins_anew(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    for order, afresh, made in (("another", False, FRAMES), ("an order", True, FRAMES)):
        with pytest.raises(KeyboardInterrupt):
            copy(source, target, stop=20)
        assert sum(copy(source, target, order, afresh=afresh)) == made
        assert not is_unfinished(target)


@pytest.mark.parametrize("torn", [0, 10, -1])
@pytest.mark.parametrize("ending", ["state", "packets"])
def test_torn_records_are_no_records(ending: str, torn: int, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt):
        copy(source, target, stop=20)
    record = tmp_path / f"a.part.mp4.{ending}"
    record.write_bytes(record.read_bytes()[:torn])
    assert sum(copy(source, target)) == FRAMES
    assert len(content(target)[1]) == FRAMES


@every_kind
def test_a_finished_video_knows_its_order(suffix: str, source: Path, tmp_path: Path) -> None:
    copy(source, tmp_path / f"a{suffix}", "brushwork 123")
    assert written_order(tmp_path / f"a{suffix}") == "brushwork 123"
    assert written_order(tmp_path / f"nix{suffix}") == ""
    (tmp_path / f"b{suffix}").write_text("hello")
    assert written_order(tmp_path / f"b{suffix}") == ""


def test_without_an_order_nothing_is_kept(source: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        copy(source, tmp_path / "a.mp4", "", stop=20)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]
