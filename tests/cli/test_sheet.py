"""Sheets by one command: every style of a bank, or every method, each with its name."""

from pathlib import Path

import pytest
import torch

from brushwork.cli import sheet as sheet_command
from brushwork.cli.app import main
from brushwork.cli.sheet import sheet
from brushwork.media.images import read_picture, write_picture
from brushwork.methods import METHODS
from brushwork.models.weights.manifest import read_manifest

BANK = read_manifest().network("stylebank").styles


def _call(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as leave:
        return int(leave.code or 0)


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written under the pictures."""
    found: list[str] = []
    make = sheet_command.contact_sheet

    def noting(pictures: list[torch.Tensor], labels: list[str], columns: int, side: int) -> torch.Tensor:
        found.extend(labels)
        assert len(labels) == len(pictures) and all(max(picture.shape) == side for picture in pictures)
        assert all((one - other).abs().max() > 0.1 for one, other in zip(pictures[2:], pictures[3:], strict=False))
        return make(pictures, labels, columns, side)

    monkeypatch.setattr(sheet_command, "contact_sheet", noting)
    return found


def test_every_style_of_the_bank(labels: list[str], tmp_path: Path) -> None:
    assert sheet("chelsea", tmp_path / "s.png", side=32, max_size=48, columns=6) == [tmp_path / "s.png"]
    assert labels == ["content", *BANK]
    assert read_picture(tmp_path / "s.png")[0].shape[2] > 6 * 32


def test_every_method(labels: list[str], tmp_path: Path) -> None:
    output = tmp_path / "s.jpg"
    assert _call(["sheet", "chelsea", "-s", "hubble", "-o", str(output), "--side", "32", "--max-size", "48"]) == 0
    others = [method for method in METHODS if method != "stylebank"]
    assert labels == ["content", "style", *others, f"stylebank: {BANK[0]}"]
    assert output.is_file()


def test_faults(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", torch.zeros(2, 2, 3))
    for content, output, message in (
        (str(tmp_path / "a.png"), tmp_path / "a.png", r"a\.png would replace a picture that it is made from"),
        ("chelsea", tmp_path / "s.bmp", r"cannot be saved as '\.bmp'"),
        ("nix", tmp_path / "s.png", "^there is no picture nix; the samples are"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            sheet(content, output)
    with pytest.raises(ValueError, match="^this bank has no style 'nix': choose one of"):
        sheet("chelsea", tmp_path / "s.png", style_name="nix", max_size=16)
