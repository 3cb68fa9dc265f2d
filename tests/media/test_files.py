"""Which files are pictures: one list for all who look for them."""

from pathlib import Path

import pytest

from brushwork.media.images import FORMATS, READABLE, pictures_at, write_whole


def test_what_is_written_can_be_read() -> None:
    assert set(FORMATS) <= set(READABLE)


def test_a_folder_or_a_picture(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.png").mkdir()
    assert [file.name for file in pictures_at(tmp_path)] == ["a.png", "b.JPG"]
    assert pictures_at(tmp_path / "b.JPG") == [tmp_path / "b.JPG"]
    assert pictures_at(tmp_path / "notes.txt") == []
    with pytest.raises(FileNotFoundError, match="there is no folder or picture"):
        pictures_at(tmp_path / "nix")


def test_a_temporary_name_may_be_chosen(tmp_path: Path) -> None:
    left = tmp_path / "a.part"
    left.write_bytes(b"of a run that was killed")
    write_whole(tmp_path / "a.csv", b"new", left)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.csv", b"new")]
