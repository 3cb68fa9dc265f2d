"""Picture files: every mode that cameras and painters leave behind, and files that are whole or not there."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from brushwork.media.images import (
    FORMATS,
    READABLE,
    ROWS,
    distinct_stems,
    eight_bits,
    encode_picture,
    from_pillow,
    pictures_at,
    pictures_in,
    read_picture,
    to_pillow,
    write_picture,
    write_whole,
)
from brushwork.tests.tolerances import assert_close

ORIENTATION = 0x0112
# How the rows [[0, 1, 2], [3, 4, 5]] of a file look upright, by EXIF orientation.
UPRIGHT = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[3, 0], [4, 1], [5, 2]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[2, 5], [1, 4], [0, 3]],
}


def array(values: list[list[int]], dtype: type = np.uint8) -> np.ndarray:
    return np.array(values, dtype)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_rotation(orientation: int, dtype: type, tmp_path: Path) -> None:
    picture = Image.fromarray(array([[0, 1, 2], [3, 4, 5]], dtype))
    exif = picture.getexif()
    exif[ORIENTATION] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    image, mask = read_picture(tmp_path / "a.png")
    expected = torch.tensor(UPRIGHT[orientation]) / np.iinfo(dtype).max
    assert_close(image, expected[None, ..., None].expand(1, -1, -1, 3))
    assert mask.shape == (1, 64, 64)


def test_rotation_turns_the_mask_too(tmp_path: Path) -> None:
    picture = Image.fromarray(np.stack([array([[9, 9, 9]])] * 3 + [array([[0, 51, 255]])], -1))
    exif = picture.getexif()
    exif[ORIENTATION] = 6
    picture.save(tmp_path / "a.png", exif=exif)
    image, mask = read_picture(tmp_path / "a.png")
    assert image.shape == (1, 3, 1, 3)
    assert_close(mask, torch.tensor([[[1.0], [0.8], [0.0]]]))


def test_grey_and_one_bit(tmp_path: Path) -> None:
    Image.fromarray(array([[0, 51]])).save(tmp_path / "grey.png")
    Image.fromarray(array([[0, 255]])).convert("1").save(tmp_path / "bit.png")
    for name, bright in (("grey.png", 0.2), ("bit.png", 1.0)):
        image, mask = read_picture(tmp_path / name)
        assert_close(image, torch.tensor([0.0, bright])[None, None, :, None].expand(1, 1, 2, 3))
        assert image.dtype == mask.dtype == torch.float32
        assert not mask.any()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_keep_their_depth(name: str, tmp_path: Path) -> None:
    Image.fromarray(array([[0, 1, 30000, 65535]], np.uint16)).save(tmp_path / name)
    image, _ = read_picture(tmp_path / name)
    assert_close(image[0, 0, :, 1], torch.tensor([0, 1, 30000, 65535]) / 65535)


def test_float_tiff(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.25, 2.0]], np.float32)).save(tmp_path / "a.tif")
    assert_close(read_picture(tmp_path / "a.tif")[0][0, 0, :, 0], torch.tensor([0.25, 1.0]))


def test_palette_with_transparency(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=1)
    image, mask = read_picture(tmp_path / "a.png")
    assert image.tolist() == [[[[1, 0, 0], [0, 1, 0]]]]
    assert mask.tolist() == [[[0, 1]]]


def test_rgba_keeps_the_colours_under_transparent_pixels(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[255, 0, 51, 0], [0, 0, 0, 255]]], np.uint8)).save(tmp_path / "a.png")
    image, mask = read_picture(tmp_path / "a.png")
    assert_close(image[0, 0, 0], torch.tensor([1, 0, 0.2]))
    assert mask.tolist() == [[[1, 0]]]


def test_grey_with_alpha_and_cmyk(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[51, 204]]], np.uint8), "LA").save(tmp_path / "a.png")
    image, mask = read_picture(tmp_path / "a.png")
    assert_close(image, torch.full((1, 1, 1, 3), 0.2))
    assert_close(mask, torch.full((1, 1, 1), 0.2))
    Image.new("CMYK", (2, 3), (0, 255, 255, 0)).save(tmp_path / "b.jpg")
    assert read_picture(tmp_path / "b.jpg")[0][0, 0, 0].round().tolist() == [1, 0, 0]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (17, 31)])
def test_round_trip(suffix: str, size: tuple[int, int], tmp_path: Path) -> None:
    image = torch.full((*size, 3), 0.5) + torch.tensor([0.25, 0, -0.25])
    path = tmp_path / "deep" / f"a{suffix.upper()}"
    write_picture(path, image)
    again, _ = read_picture(path)
    assert again.shape == (1, *size, 3)
    assert (again - image).abs().max() < 3 / 255
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@given(st.integers(0, 255), st.floats(-0.49, 0.49))
def test_values_are_rounded_not_cut(level: int, offset: float) -> None:
    image = torch.full((1, 1, 3), (level + offset) / 255)
    assert eight_bits(image).flatten().tolist() == [level] * 3
    assert np.asarray(Image.open(io.BytesIO(encode_picture(image, ".tiff")))).ravel().tolist() == [level] * 3


def test_values_outside_are_clipped() -> None:
    values = torch.tensor([-torch.inf, -3, 0, 0.2, 7, torch.inf, torch.nan])
    assert eight_bits(values).tolist() == [0, 0, 0, 51, 255, 255, 0]
    assert values[1] == -3  # what came in stays


def test_pictures_of_pillow_and_back() -> None:
    pixels = torch.arange(2 * 3 * 3).reshape(2, 3, 3) / 255
    picture = to_pillow(pixels)
    assert (picture.mode, picture.size) == ("RGB", (3, 2))
    assert torch.equal(from_pillow(picture), pixels)
    assert from_pillow(picture.convert("L")).shape == (2, 3, 3)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 1, 4), r"shape \[height, width, 3\], not \[1, 1, 4\]"),
        (torch.zeros(1, 1, 1, 3), r"not \[1, 1, 1, 3\]"),
        (torch.full((1, 1, 3), torch.nan), "not finite"),
        (torch.zeros(0, 3, 3), "3x0 cannot be saved as PNG"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(image: torch.Tensor, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        write_picture(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^a picture cannot be saved as '\.gif': end the name in one of \.png, "):
        write_picture(tmp_path / "a.gif", torch.zeros(1, 1, 3))


@pytest.mark.parametrize("blow", [OSError("disk full"), KeyboardInterrupt()])
def test_a_writer_that_fails_midway_leaves_the_old_file(blow: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    class Half(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise blow
            return super().read(5)

    with pytest.raises(type(blow), match="cannot be written: disk full$" if isinstance(blow, OSError) else None):
        write_whole(path, Half(b"new content"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
    assert path.read_bytes() == b"old"


def test_a_temporary_name_may_be_chosen(tmp_path: Path) -> None:
    left = tmp_path / "a.part"
    left.write_bytes(b"of a run that was killed")
    write_whole(tmp_path / "a.csv", b"new", left)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.csv", b"new")]


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^there is no picture .*a\.png$"):
        read_picture(tmp_path / "a.png")
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(ValueError, match=r"a\.png is not a picture of a known format: convert it to PNG$"):
        read_picture(tmp_path / "a.png")
    (tmp_path / "a.jpg").write_bytes(encode_picture(torch.rand(20, 20, 3), ".jpg")[:100])  # not even its size
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read as a picture: "):
        read_picture(tmp_path / "a.jpg")


def test_what_is_written_can_be_read() -> None:
    assert set(FORMATS) <= set(READABLE)


def test_pictures_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="^there is no picture in .*: put some in, ending in one of .png"):
        pictures_in(tmp_path)
    for name in ("b.JPG", "a.png", "notes.txt", "c.webp"):
        (tmp_path / name).touch()
    (tmp_path / "d.png").mkdir()
    assert [path.name for path in pictures_in(tmp_path)] == ["a.png", "b.JPG", "c.webp"]


def test_a_folder_or_a_picture(tmp_path: Path) -> None:
    for name in ("a.png", "notes.txt"):
        (tmp_path / name).touch()
    assert pictures_at(tmp_path) == pictures_at(tmp_path / "a.png") == [tmp_path / "a.png"]
    assert pictures_at(tmp_path / "notes.txt") == []
    with pytest.raises(FileNotFoundError, match="there is no folder or picture"):
        pictures_at(tmp_path / "nix")


def test_stems_are_told_apart() -> None:
    names = [Path(name) for name in ("x/a.png", "x/b.jpg", "x/B.png", "x/c.d.png")]
    assert distinct_stems(names) == ["a", "b_jpg", "B_png", "c.d"]


def test_pictures_of_more_rows_than_are_converted_at_once(tmp_path: Path) -> None:
    image = torch.rand(ROWS * 2 + 3, 5, 3)
    write_picture(tmp_path / "a.png", image)
    assert_close(read_picture(tmp_path / "a.png")[0][0], (image * 255).round() / 255)
    values = np.random.default_rng(0).integers(0, 255, (ROWS + 1, 2, 4), np.uint8)
    Image.fromarray(values).save(tmp_path / "b.png")
    assert_close(read_picture(tmp_path / "b.png")[1][0], 1 - torch.from_numpy(values[..., 3] / 255).float())


def test_a_picture_may_be_of_any_size_where_a_person_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    assert read_picture(tmp_path / "a.png")[0].shape == (1, 30, 30, 3)
    assert Image.MAX_IMAGE_PIXELS == 400
    with pytest.raises(ValueError, match=r"a\.png cannot be read as a picture: .*decompression bomb"):
        read_picture(tmp_path / "a.png", trusted=False)
