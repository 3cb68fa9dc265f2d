"""Crops: of the right shape and range, from the right files, the same again from the same state."""

from pathlib import Path

import pytest
import torch

from brushwork.headless.pictures import write_picture
from brushwork.training.crops import Crops


def crops(folders: list[Path], side: int = 8, shorter: int = 12) -> Crops:
    return Crops(folders, side, shorter, torch.Generator().manual_seed(3))


def test_shape_and_range(tmp_path: Path) -> None:
    write_picture(tmp_path / "wide.png", torch.rand(5, 40, 3))
    write_picture(tmp_path / "tall.png", torch.rand(30, 3, 3))
    taken = crops([tmp_path]).take(6)
    assert taken.shape == (6, 3, 8, 8) and taken.dtype == torch.float32
    assert taken.min() >= 0 and taken.max() <= 1 and taken.std() > 0


def test_a_crop_is_a_part_of_its_picture(tmp_path: Path) -> None:
    across = torch.linspace(0, 1, 24).expand(24, 24)
    write_picture(tmp_path / "ramp.png", across[..., None].expand(24, 24, 3))
    for crop in crops([tmp_path], side=8, shorter=24).take(10):
        slopes = crop.diff(dim=-1)
        assert (slopes > 0).all() or (slopes < 0).all()  # the other way where it is mirrored
        assert crop.diff(dim=-2).abs().max() < 1e-6


def test_the_generator_is_the_whole_state(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", torch.rand(20, 20, 3))
    first = crops([tmp_path])
    first.take(3)
    state = first.generator.get_state()
    expected = first.take(2)
    second = crops([tmp_path])
    second.generator.set_state(state)
    assert torch.equal(second.take(2), expected)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(ValueError, match="there are no pictures in .*: name a folder"):
        crops([tmp_path])
