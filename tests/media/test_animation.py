"""Animations as ComfyUI's Load Image reads them: every frame of the first one's size."""

from contextlib import suppress
from pathlib import Path

import pytest
import torch
from PIL import Image

from brushwork.media import animation
from brushwork.media.animation import read_frames
from brushwork.media.images import read_picture

COLOURS = ("red", "lime", "blue")


def write(path: Path, mode: str = "RGB", **options: object) -> Path:
    frames = [Image.new("RGB", (4, 3), colour).convert(mode) for colour in COLOURS]
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_every_frame_is_a_picture(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    images, masks = read_frames(path)
    assert images.shape == (3, 3, 4, 3) and not masks.any()
    assert torch.equal(images[:, 0, 0].round(), torch.eye(3)) and torch.equal(images[0], read_picture(path)[0][0])


def test_transparency_is_the_mask(tmp_path: Path) -> None:
    frames = [Image.new("RGBA", (4, 3), (255, 0, 0, alpha)) for alpha in (255, 51, 0)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    images, masks = read_frames(tmp_path / "a.webp")
    assert images.shape == (3, 3, 4, 3) and masks.shape == (3, 3, 4)
    torch.testing.assert_close(masks.mean((1, 2)), torch.tensor([0.0, 0.8, 1.0]))


def test_frames_of_another_size_are_passed_over(tmp_path: Path) -> None:
    pages = [Image.new("L", size) for size in ((4, 3), (5, 3), (4, 3))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert read_frames(tmp_path / "a.tif")[0].shape == (2, 3, 4, 3)


def test_one_picture_is_read_as_ever(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), "red").save(tmp_path / "a.png")
    write(tmp_path / "a.mpo")
    for name in ("a.png", "a.mpo"):
        frames, picture = read_frames(tmp_path / name), read_picture(tmp_path / name)
        assert all(map(torch.equal, frames, picture))


def test_too_many_pixels_for_a_file_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.gif")
    monkeypatch.setattr(animation, "MOST_PIXELS", 35)
    with pytest.raises(
        ValueError,
        match=r"a\.gif has 3 frames of 4x3, too many to be named by a workflow: ",
    ):
        read_frames(path, trusted=False)
    assert len(read_frames(path)[0]) == 3


@pytest.mark.parametrize("keep", [0, 20])
def test_damaged_files(keep: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gif")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"a\.gif (cannot be read|is not a picture)"):
        read_frames(path)
    with pytest.raises(FileNotFoundError, match="there is no picture"):
        read_frames(tmp_path / "b.gif")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_an_animation_that_is_cut_off_is_read_as_far_as_it_goes_or_refused(name: str, tmp_path: Path) -> None:
    whole = write(tmp_path / name)
    content, first = whole.read_bytes(), read_frames(whole)[0][0]
    counts = set[int]()
    for keep in range(0, len(content), 5):
        whole.write_bytes(content[:keep])
        with suppress(ValueError):
            images, masks = read_frames(whole)
            counts.add(len(images))
            assert len(masks) == len(images) and images.shape[1:] == first.shape
    assert counts <= {1, 2, 3} and (name != "a.gif" or 2 in counts)
