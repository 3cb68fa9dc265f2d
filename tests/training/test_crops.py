"""Crops: of the right shape and range, from the right files, the same again from the same state."""

import logging
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from brushwork.headless.pictures import write_picture
from brushwork.training import loop
from brushwork.training.crops import Crops
from brushwork.training.loop import Run

CPU = torch.device("cpu")


def crops(folders: list[Path], side: int = 8, shorter: int = 12, held_out: int = 0) -> Crops:
    return Crops(folders, side, shorter, torch.Generator().manual_seed(3), held_out, CPU)


def plain(path: Path, level: float, size: tuple[int, int] = (9, 9)) -> Path:
    """A picture of one grey."""
    write_picture(path, torch.full((*size, 3), level))
    return path


def damaged(path: Path) -> Path:
    path.write_bytes(plain(path, 0.9, (40, 40)).read_bytes()[:60])
    return path


def greys(taken: Tensor) -> set[float]:
    return {round(level, 2) for level in taken.mean((1, 2, 3)).tolist()}


def test_shape_and_range(tmp_path: Path) -> None:
    write_picture(tmp_path / "wide.png", torch.rand(5, 40, 3))
    write_picture(tmp_path / "tall.png", torch.rand(30, 3, 3))
    taken = crops([tmp_path]).take(6)
    assert taken.shape == (6, 3, 8, 8) and taken.dtype == torch.float32
    assert taken.is_contiguous(memory_format=torch.channels_last)
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


def test_folders_and_single_pictures(tmp_path: Path) -> None:
    for index in range(3):
        plain(tmp_path / "a" / f"{index}.png", 0.2 * index)
    single = plain(tmp_path / "b.png", 0.8)
    assert greys(crops([tmp_path / "a", single]).take(40)) == {0.0, 0.2, 0.4, 0.8}


def test_the_last_by_name_are_held_out(tmp_path: Path) -> None:
    for index in range(4):
        plain(tmp_path / f"{index}.png", 0.2 * index)
    assert greys(crops([tmp_path], held_out=2).take(40)) == {0.0, 0.2}
    with pytest.raises(ValueError, match="there are no pictures in"):
        crops([tmp_path], held_out=5)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ValueError, match="^there are no pictures in .*: name a folder"):
            crops([place])


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="^there is no folder or picture .*nix: look for a slip in its name"):
        crops([tmp_path / "nix"])


def test_damaged_pictures_are_skipped_with_a_warning_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain(tmp_path / "a.png", 0.4)
    damaged(tmp_path / "b.png")
    (tmp_path / "c.jpg").write_text("hello")
    source = crops([tmp_path])
    assert greys(source.take(40)) == {0.4}
    assert source.unreadable == {tmp_path / "b.png", tmp_path / "c.jpg"}
    assert sorted(record.levelno for record in caplog.records) == [logging.WARNING] * 2
    assert "cannot be read and is skipped (2 so far): " in caplog.messages[1]


def test_nothing_but_damaged_pictures(tmp_path: Path) -> None:
    damaged(tmp_path / "a.png")
    damaged(tmp_path / "b.png")
    with pytest.raises(ValueError, match="^none of the 2 pictures can be read: name a folder of whole JPEG or PNG"):
        crops([tmp_path]).take(1)


def test_small_pictures_are_scaled_up_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain(tmp_path / "a.png", 0.4, (5, 7))
    plain(tmp_path / "b.png", 0.6, (8, 9))
    assert crops([tmp_path]).take(20).shape == (20, 3, 8, 8)
    assert caplog.messages == [f"{tmp_path / 'a.png'} has only 7x5 pixels and is scaled up for crops of 8"]


def test_strips_are_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain(tmp_path / "a.png", 0.4, (1, 3000))
    plain(tmp_path / "b.png", 0.6, (2, 9))
    assert greys(crops([tmp_path], side=16).take(20)) == {0.6}
    assert any("its 3000x1 pixels are too few for crops of 16" in message for message in caplog.messages)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (9, 9), "white").convert(mode).save(tmp_path / "a.tif")
    assert greys(crops([tmp_path]).take(2)) == {1.0}


def test_resuming_is_exact_with_damaged_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start meets each damaged picture anew, and draws as the run in one go did."""
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    for index in range(3):
        plain(tmp_path / f"{index}.png", 0.3 * index)
        damaged(tmp_path / f"{index}x.png")

    def learn(out: Path, stop: int) -> list[Tensor]:
        source, seen, learner = crops([tmp_path]), [], nn.Conv2d(3, 3, 1)
        run = Run(learner, source.generator, {}, 6, 0.1, out / "run.pt", device=CPU)

        def losses() -> dict[str, Tensor]:
            seen.append(source.take(2))
            return {"size": learner(seen[-1]).square().mean()}

        for step, _ in run.go(losses):
            if step == stop:
                break
        return seen

    whole = learn(tmp_path / "whole", 6)
    learn(tmp_path / "parts", 3)
    resumed = learn(tmp_path / "parts", 6)
    assert len(resumed) == 4
    assert all(torch.equal(own, expected) for own, expected in zip(resumed, whole[2:], strict=True))
