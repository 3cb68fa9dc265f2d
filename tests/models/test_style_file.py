"""The file of a learnt style: its name, what is in it, and where it is found."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from brushwork.models.weights import learnt_styles as style_file
from brushwork.models.weights.learnt_styles import (
    LearnedStyle,
    StyleMetadata,
    check_name,
    learned_styles,
    read_style,
    save_style,
    style_path,
)
from brushwork.models.weights.manifest import WeightsError

METADATA = StyleMetadata("rain", "stylebank", "f" * 64, 1500)
STYLE = LearnedStyle(METADATA, torch.rand(8, 8, 3, 3).half(), torch.rand(8).half())


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("BRUSHWORK_WEIGHTS", raising=False)
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))
    style_file._metadata.cache_clear()
    yield


def saved(folder: Path, *names: str) -> Path:
    for name in names:
        save_style(STYLE, style_path(name, [folder]))
    return folder


@pytest.mark.parametrize("name", ["a", "rain 2", "van_gogh-1", "星夜", "x" * 60])
def test_plain_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", " a", "a ", "x" * 61, "a/b", "..", "a.b", "a\\b", "a\n", "C:x", "none", "None", "/new", "a\0"]
    + ["NUL", "com1", "𠀀" * 60, "\ud800"],
)
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be a style's name: use 1 to 60 letters, digits"):
        style_path(name, [tmp_path])


def test_a_saved_style_comes_back(tmp_path: Path) -> None:
    path = save_style(STYLE, style_path("rain", [tmp_path]))
    assert path == tmp_path / "stylebank" / "rain.safetensors"
    (file,) = learned_styles([tmp_path])
    assert (file.path, file.metadata) == (path, METADATA)
    back = read_style(file)
    assert torch.equal(back.weight, STYLE.weight) and torch.equal(back.bias, STYLE.bias)
    assert back.weight.dtype == back.bias.dtype == torch.float16


def test_what_the_file_says_of_itself(tmp_path: Path) -> None:
    with safe_open(save_style(STYLE, tmp_path / "rain.safetensors"), "pt") as file:
        about = file.metadata()
    assert about == {
        "style": "rain",
        "network": "stylebank",
        "fingerprint": "f" * 64,
        "steps": "1500",
        "brushwork": "1",
    }


def test_nothing_is_overwritten_silently(tmp_path: Path) -> None:
    path = save_style(STYLE, tmp_path / "rain.safetensors")
    before = path.read_bytes()
    other = LearnedStyle(METADATA, STYLE.weight + 1, STYLE.bias)
    with pytest.raises(ValueError, match="is there already: choose another name for the style, or overwrite"):
        save_style(other, path)
    assert path.read_bytes() == before
    save_style(other, path, overwrite=True)
    assert path.read_bytes() != before
    assert [file.name for file in tmp_path.iterdir()] == ["rain.safetensors"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_style(STYLE, tmp_path / "rain.safetensors")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(style_file.os, "replace", full)
    with pytest.raises(WeightsError, match="cannot be written .No space left on device.: free or unlock it"):
        save_style(STYLE, path, overwrite=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["rain.safetensors"]


def test_listed_by_name_the_first_folder_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = saved(tmp_path / "1", "b"), saved(tmp_path / "2", "b", "a")
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(second))
    saved(tmp_path / "cache", "c")
    files = learned_styles([first])
    assert [file.metadata.style for file in files] == ["a", "b", "c"]
    assert files[1].path.is_relative_to(first)


def test_who_renames_the_file_renames_the_style(tmp_path: Path) -> None:
    path = style_path("rain", [saved(tmp_path, "rain")])
    path.rename(path.with_name("snow.safetensors"))
    assert [file.metadata.style for file in learned_styles([tmp_path])] == ["snow"]


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = style_path("rain", [saved(tmp_path, "rain")])
    assert learned_styles([tmp_path])[0].metadata.fingerprint == "f" * 64
    save_style(LearnedStyle(StyleMetadata("rain", "stylebank", "longer" * 20, 1), STYLE.weight, STYLE.bias), path, True)
    assert learned_styles([tmp_path])[0].metadata.fingerprint == "longer" * 20


def test_only_headers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, "a", "b")
    monkeypatch.setattr(style_file, "read_tensors", lambda *_: pytest.fail("the weights were read"))
    assert len(learned_styles([tmp_path])) == 2


@pytest.mark.parametrize("about", [None, {}, {"brushwork": "2"}, {"brushwork": "1"}])
def test_other_files_are_left_out_with_a_warning(
    about: dict[str, str] | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, "good")
    save_file({"weight": torch.zeros(2)}, tmp_path / "stylebank" / "other.safetensors", about)
    (tmp_path / "stylebank" / "broken.safetensors").write_bytes(b"404: Not Found")
    (tmp_path / "stylebank" / "gone.safetensors").symlink_to(tmp_path / "gone")
    (tmp_path / "stylebank" / "notes.txt").write_text("mine")
    with caplog.at_level(logging.WARNING):
        assert [file.metadata.style for file in learned_styles([tmp_path])] == ["good"]
        learned_styles([tmp_path])
    assert sorted(Path(record.args[0]).name for record in caplog.records) == ["broken.safetensors", "other.safetensors"]


def test_a_file_without_the_kernel(tmp_path: Path) -> None:
    path = style_path("rain", [saved(tmp_path, "rain")])
    about = {"brushwork": "1", "network": "stylebank", "fingerprint": "f", "steps": "3"}
    save_file({"weights": torch.zeros(2)}, path, about)
    (file,) = learned_styles([tmp_path])
    with pytest.raises(WeightsError, match="does not hold a style: delete it"):
        read_style(file)
