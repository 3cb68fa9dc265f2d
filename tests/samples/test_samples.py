"""The pictures that ship: all there, small, licensed, and read as the nodes need them."""

from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageCms

from brushwork import samples
from brushwork.samples import CLIP, CONTENT, PAINTINGS, STYLES, load_sample, sample_names, sample_path

FOLDER = Path(samples.__file__).parent


def test_names_are_photographs_then_paintings_then_styles() -> None:
    assert sample_names() == CONTENT + PAINTINGS + STYLES
    assert len(PAINTINGS) > 11 and {name.split("_")[0] for name in PAINTINGS} >= {"van", "hokusai"}
    assert len(set(sample_names())) == len(sample_names())


def test_samples_are_colour_pictures_of_handy_sizes() -> None:
    for name in sample_names():
        with Image.open(sample_path(name)) as picture:
            picture.load()
            assert picture.mode == "RGB", name
            assert all(256 <= side <= 1024 for side in picture.size), name


def test_load_gives_the_files_pixels() -> None:
    for name in sample_names():
        image = load_sample(name)
        with Image.open(sample_path(name)) as picture:
            width, height = picture.size
            if profile := picture.info.get("icc_profile"):
                given, shown = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
                picture = ImageCms.profileToProfile(picture, given, shown) or picture
            corner = picture.getpixel((width - 1, 0))
        assert image.shape == (1, 3, height, width), name
        assert image.dtype == torch.float32 and image.is_contiguous(), name
        assert image.min() >= 0 and image.max() <= 1, name
        assert tuple((image[0, :, 0, -1] * 255).round().int().tolist()) == corner, name


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(ValueError, match=r"no sample picture named 'mona_lisa'.*astronaut.*swirling_night"):
        load_sample("mona_lisa")


def test_folder_holds_the_samples_and_nothing_else() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.jpg")) == sorted(sample_names())
    files = [path for path in FOLDER.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    assert sum(path.stat().st_size for path in files if path != CLIP) < 3_000_000
    assert CLIP.stat().st_size < 300_000


def test_licences_are_stated() -> None:
    lines = (FOLDER / "LICENSES.md").read_text("utf-8").splitlines()
    for name in sample_names():
        rows = [line for line in lines if f"| `{name}.jpg` |" in line]
        assert len(rows) == 1, name
        assert any(words in rows[0] for words in ("CC0", "public domain", "no known copyright restrictions")), name
