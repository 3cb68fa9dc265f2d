"""The pictures that ship: all there, small, licensed, and read as the nodes need them."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from brushwork import samples
from brushwork.samples import CONTENT, STYLES, load_sample, sample_names, sample_path

FOLDER = Path(samples.__file__).parent


def test_names_are_photographs_then_styles() -> None:
    assert sample_names() == CONTENT + STYLES
    assert len(set(sample_names())) == len(sample_names())


@pytest.mark.parametrize("name", sample_names())
def test_sample_is_a_colour_picture_of_handy_size(name: str) -> None:
    with Image.open(sample_path(name)) as picture:
        picture.load()
        assert picture.mode == "RGB"
        assert all(256 <= side <= 1024 for side in picture.size)


@pytest.mark.parametrize("name", sample_names())
def test_load_gives_the_files_pixels(name: str) -> None:
    image = load_sample(name)
    with Image.open(sample_path(name)) as picture:
        width, height = picture.size
        corner = picture.getpixel((width - 1, 0))
    assert image.shape == (1, 3, height, width)
    assert image.dtype == torch.float32 and image.is_contiguous()
    assert image.min() >= 0 and image.max() <= 1
    assert tuple((image[0, :, 0, -1] * 255).round().int().tolist()) == corner


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(ValueError, match=r"no sample picture named 'mona_lisa'.*astronaut.*swirling_night"):
        load_sample("mona_lisa")


def test_folder_holds_the_samples_and_nothing_else() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.jpg")) == sorted(sample_names())
    assert (
        sum(path.stat().st_size for path in FOLDER.rglob("*") if path.suffix != ".pyc" and path.is_file()) < 2_000_000
    )


@pytest.mark.parametrize("name", sample_names())
def test_licence_is_stated(name: str) -> None:
    rows = [line for line in (FOLDER / "LICENSES.md").read_text("utf-8").splitlines() if f"| `{name}.jpg` |" in line]
    assert len(rows) == 1
    assert any(words in rows[0] for words in ("CC0", "public domain", "no known copyright restrictions"))
