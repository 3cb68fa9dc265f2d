"""Pictures in one tensor: from the right files, at the right size, with their kinds."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from brushwork.media.images import write_picture
from brushwork.training.files import plain_kind, read_pictures
from brushwork.training.pictures import Pictures, fitted, spread


def plain(path: Path, level: float, size: tuple[int, int] = (9, 9)) -> Path:
    """A picture of one grey."""
    write_picture(path, torch.full((*size, 3), level))
    return path


def damaged(path: Path) -> Path:
    path.write_bytes(plain(path, 0.9, (40, 40)).read_bytes()[:60])
    return path


def read(places: Sequence[Path], resize: int = 8, **options: int) -> Pictures:
    return read_pictures(places, resize, **options)


def greys(pictures: Pictures) -> list[float]:
    return [round(picture.mean().item(), 1) for picture in pictures]


# Pictures


def test_a_picture_by_its_number(tmp_path: Path) -> None:
    image = torch.randint(256, (8, 13, 3)) / 255
    write_picture(tmp_path / "van_gogh_starry_night.png", image)
    plain(tmp_path / "a.png", 0.2)
    pictures = read([tmp_path])
    assert len(pictures) == 2 and pictures.names == ("a", "van gogh starry night") and pictures.kinds == ("", "")
    assert pictures.sizes == ((8, 8), (8, 13))
    assert pictures[1].shape == (1, 3, 8, 13) and torch.equal(pictures[-1], image.movedim(-1, 0)[None])
    with pytest.raises(IndexError):
        pictures[2]


def test_folders_and_single_pictures_by_path(tmp_path: Path) -> None:
    for index in (2, 0, 1):
        plain(tmp_path / "b" / f"{index}.png", 0.2 * index)
    single = plain(tmp_path / "a.png", 0.8)
    assert greys(read([tmp_path / "b", single])) == [0.8, 0.0, 0.2, 0.4]


def test_the_last_by_name_are_held_out(tmp_path: Path) -> None:
    for index in range(4):
        plain(tmp_path / f"{index}.png", 0.2 * index)
    assert greys(read([tmp_path], held_out=2)) == [0.0, 0.2]
    with pytest.raises(ValueError, match="^there are no pictures in .* beside the 5 held out: name a folder"):
        read([tmp_path], held_out=5)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ValueError, match=f"^there are no pictures in {place}: name a folder"):
            read([place])
    with pytest.raises(FileNotFoundError, match="^there is no folder or picture .*nix: look for a slip in its name"):
        read([tmp_path / "nix"])


def test_damaged_pictures_are_skipped_with_a_warning_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain(tmp_path / "a.png", 0.4)
    damaged(tmp_path / "b.png")
    (tmp_path / "c.jpg").write_text("hello")
    plain(tmp_path / "d.png", 0.6)
    pictures = read([tmp_path])
    assert greys(pictures) == [0.4, 0.6] and len(pictures.pixels) == 2 * 64
    assert sorted(record.levelno for record in caplog.records) == [logging.WARNING] * 2
    assert {message.split(" cannot be read and is skipped: ")[0] for message in caplog.messages} == {
        str(tmp_path / "b.png"),
        str(tmp_path / "c.jpg"),
    }


def test_nothing_but_damaged_pictures(tmp_path: Path) -> None:
    damaged(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_text("hello")
    with pytest.raises(ValueError, match="^none of the 2 pictures in .* can be used: name a folder of whole JPEG or"):
        read([tmp_path])


def test_small_pictures_are_scaled_up_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain(tmp_path / "a.png", 0.4, (5, 7))
    plain(tmp_path / "b.png", 0.6, (8, 9))
    assert read([tmp_path]).sizes == ((8, 11), (8, 9))
    assert caplog.messages == [
        f"1 of 2 pictures have a shorter side of fewer than 8 pixels and are scaled up, as {tmp_path / 'a.png'}."
    ]


def test_much_too_small_pictures_are_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain(tmp_path / "a.png", 0.4, (1, 3000))
    plain(tmp_path / "b.png", 0.6, (2, 9))
    assert greys(read([tmp_path], 16)) == [0.6]
    assert any("its 3000x1 pixels are too few, 2 are needed each way" in message for message in caplog.messages)


def test_of_a_strip_the_middle_is_taken(tmp_path: Path) -> None:
    strip = torch.zeros(8, 1001, 3)
    strip[:, 460:541] = 1
    write_picture(tmp_path / "a.png", strip)
    write_picture(tmp_path / "b.png", strip.transpose(0, 1))
    pictures = read([tmp_path], 4)
    assert pictures.sizes == ((4, 32), (32, 4)) and greys(pictures) == [1.0, 1.0]
    assert Pictures.from_tensors([strip.movedim(-1, 0)], 4)[0].mean() > 0.99


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (9, 9), "white").convert(mode).save(tmp_path / "a.tif")
    assert greys(read([tmp_path])) == [1.0]


def test_a_turned_photograph_is_upright(tmp_path: Path) -> None:
    """The camera lay on its side: what is left of the file is on top of the picture."""
    photo, exif = Image.new("RGB", (160, 80)), Image.Exif()
    photo.paste("white", (0, 0, 80, 80))
    exif[0x0112] = 6
    photo.save(tmp_path / "a.jpg", exif=exif, quality=95)
    picture = read([tmp_path])[0]
    assert picture.shape == (1, 3, 16, 8)
    assert picture[..., :6, :].min() > 0.9 and picture[..., 10:, :].max() < 0.1


def test_large_photographs_keep_their_size_and_content(tmp_path: Path) -> None:
    """They are decoded at an eighth, whose proportions differ by a pixel."""
    ramp = torch.linspace(0, 1, 999).expand(701, 999)[..., None].expand(701, 999, 3)
    for name in ("a.jpg", "b.png"):
        write_picture(tmp_path / name, ramp)
    small, exact = read([tmp_path], 16)
    assert small.shape == exact.shape == (1, 3, 16, 23)
    assert (small - exact).abs().max() < 0.02


@pytest.mark.parametrize(
    ("size", "wanted"), [((30, 60), (10, 20)), ((60, 30), (20, 10)), ((4, 4), (10, 10)), ((1, 3), (10, 30))]
)
def test_scaling_keeps_proportions(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert fitted(size, 10) == ((0, 0, *size), wanted)
    assert Pictures.from_tensors(torch.rand(2, 3, *size), 10).sizes == (wanted, wanted)


def test_tensors_are_as_good_as_files(tmp_path: Path) -> None:
    images = torch.randint(256, (3, 8, 12, 3)) / 255
    for index, image in enumerate(images):
        write_picture(tmp_path / f"picture_{index + 1}.png", image)
    given, from_files = Pictures.from_tensors(images.movedim(-1, 1), 8), read([tmp_path])
    assert torch.equal(given.pixels, from_files.pixels)
    assert (given.sizes, given.names, given.kinds) == (from_files.sizes, from_files.names, from_files.kinds)


def test_no_tensors() -> None:
    with pytest.raises(ValueError, match="^there are no pictures to learn with: connect at least one"):
        Pictures.from_tensors([], 8)


def test_more_than_the_memory_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for index in range(10):
        plain(tmp_path / f"{index}.png", 0.1 * index)
    pictures = read([tmp_path], limit=5 * 3 * 64)
    assert greys(pictures) == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert caplog.messages == [
        "only 5 of 10 pictures are taken, evenly spread: all of them would fill more than 0.0 GiB."
    ]
    assert len(Pictures.from_tensors(torch.rand(10, 3, 8, 8), 8, limit=3 * 3 * 64)) == 3
    with pytest.raises(ValueError, match="^a picture of 8x8 pixels is too large: scale pictures to fewer"):
        read([tmp_path], limit=100)


@pytest.mark.parametrize("limit", [0, 1, 30, 300, 1000, 5279, 5280, 9999, -5])
def test_what_is_spread_fits(limit: int) -> None:
    sizes = [10, 30, 20, 5, 7, 50, 1, 9] * 40
    taken = spread(sizes, limit)
    assert sum(sizes[index] for index in taken) <= max(0, limit)
    assert taken == sorted(set(taken)) and (len(taken) == len(sizes)) == (limit >= sum(sizes))
    assert limit < 300 or len(taken) >= 0.6 * len(sizes) * min(1, limit / sum(sizes))


# Kinds


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("oil painting c. 1710", "oil painting"),
        ("oil painting XVII century", "oil painting"),
        ("Oil Painting 17th century", "oil painting"),
        ("oil painting second half of XVII century", "oil painting"),
        ("oil painting c. 1643–c. 1645", "oil painting"),
        ("oil painting 1855, reworked 1857–59", "oil painting"),
        ("oil painting Late 1630s", "oil painting"),
        ("oil painting Date unknown", "oil painting"),
        ("oil painting After 1870", "oil painting"),
        ("wikiart224 ukiyo e", "ukiyo-e"),
        ("wikiart224 naive art primitivism", "naive art primitivism"),
        ("chinese landscape (detail of one scroll)", "chinese landscape"),
        ("early netherlandish", "early netherlandish"),
        ("painting/print", "painting/print"),
        ("1890", ""),
    ],
)
def test_kinds_without_dates(said: str, kind: str) -> None:
    assert plain_kind(said) == kind


def test_kinds_of_a_folder(tmp_path: Path) -> None:
    for name in "abc":
        plain(tmp_path / f"{name}.png", 0.4)
    rows = ["file\ttitle\tkind", 'a.png\tA "b\toil painting 1890', "b.png\tB\twikiart224 ukiyo e", "z.png\tno more"]
    (tmp_path / "SOURCES.tsv").write_bytes("\r\n".join(rows).encode())
    assert read([tmp_path]).kinds == ("oil painting", "ukiyo-e", "")
    assert read([tmp_path / "b.png"]).kinds == ("ukiyo-e",)
    (tmp_path / "SOURCES.tsv").write_text("name\tpath\n")
    assert read([tmp_path]).kinds == ("", "", "")


def test_rare_kinds_are_other_ones(tmp_path: Path) -> None:
    plain(tmp_path / "1.png", 0.4)
    rows = ["file\tkind", "1.png\tfresco", "2.png\tposter", *(f"x{index}.png\toil" for index in range(300))]
    (tmp_path / "SOURCES.tsv").write_text("\n".join(rows))
    assert read([tmp_path]).kinds == ("other",)
