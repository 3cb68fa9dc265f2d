"""Pictures of any colour space arrive in sRGB, by the formulas of colour and not by a library's word."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from brushwork.media.images import from_pillow, load_picture
from brushwork.media.profiles import srgb_conversion, srgb_profile
from brushwork.tests.media.icc import DISPLAY_P3, cmyk_profile, grey_profile, rgb_profile
from brushwork.tests.tolerances import assert_close

SRGB_D50 = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
LEVEL = 1.5 / 255


def srgb(linear: np.ndarray) -> np.ndarray:
    """The curve of sRGB (IEC 61966-2-1)."""
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def saved(picture: Image.Image, profile: bytes, path: Path) -> Path:
    picture.save(path, icc_profile=profile)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("gamma", [1.8, 2.2])
def test_wide_colours(name: str, gamma: float, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(60, 200, (3, 4, 3), np.uint8)
    expected = srgb((values / 255) ** gamma @ np.array(DISPLAY_P3) @ np.linalg.inv(SRGB_D50))
    options = {"lossless": True} if name == "a.webp" else {}
    Image.fromarray(values).save(tmp_path / name, icc_profile=rgb_profile(DISPLAY_P3, gamma), **options)
    found = load_picture(tmp_path / name).image[0].numpy()
    assert np.abs(found - expected).max() < LEVEL
    assert np.abs(found - values / 255).max() > 5 * LEVEL


def test_greys_by_their_curve(tmp_path: Path) -> None:
    levels = np.arange(0, 256, 5, np.uint8)[None]
    expected = srgb((levels / 255.0) ** 1.0)
    for mode, picture in (("L", Image.fromarray(levels)), ("LA", Image.fromarray(levels).convert("LA"))):
        found = load_picture(saved(picture, grey_profile(1.0), tmp_path / f"{mode}.png")).image[0].numpy()
        assert np.abs(found - expected[..., None]).max() < LEVEL


def test_sixteen_bits_by_their_curve_keep_their_depth(tmp_path: Path) -> None:
    levels = np.arange(20000, 20200, 20, np.uint16)[None]
    path = saved(Image.fromarray(levels), grey_profile(1.8), tmp_path / "a.png")
    found = load_picture(path).image[0, 0, :, 0].numpy()
    assert np.abs(found - srgb((levels[0] / 65535) ** 1.8)).max() < LEVEL
    assert len(set(found.tolist())) == levels.size


def test_inks_by_their_table(tmp_path: Path) -> None:
    """Cyan that the profile calls a grey of L* 50 becomes that grey; black stays black, paper white."""
    corners = {(c, m, y, k): (0, 128, 128) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)}
    corners |= {(0, 0, 0, 0): (255, 128, 128), (1, 0, 0, 0): (128, 128, 128)}
    picture = Image.fromarray(np.array([[[255, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 0]]], np.uint8), "CMYK")
    found = load_picture(saved(picture, cmyk_profile(corners), tmp_path / "a.tif")).image[0, 0]
    grey = srgb(np.array(((128 / 255 * 100 + 16) / 116) ** 3))
    assert (found - torch.tensor([[float(grey)] * 3, [0.0] * 3, [1.0] * 3])).abs().max() < LEVEL


def test_the_lab_colours_of_a_tiff(tmp_path: Path) -> None:
    Image.new("LAB", (2, 1), (255, 128, 128)).save(tmp_path / "a.tif")
    assert load_picture(tmp_path / "a.tif").image.min() > 1 - LEVEL


def test_srgb_stays_to_the_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    picture = Image.fromarray(values)
    for profile in (srgb_profile(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        path = saved(picture, profile, tmp_path / "a.png")
        assert torch.equal(load_picture(path).image[0], torch.from_numpy(values) / 255)


def test_transparency_stays(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 4, 4), np.uint8)
    profile = rgb_profile(DISPLAY_P3, 2.2)
    with_alpha = load_picture(saved(Image.fromarray(values), profile, tmp_path / "a.png"))
    without = load_picture(saved(Image.fromarray(values[..., :3].copy()), profile, tmp_path / "b.png"))
    assert with_alpha.alpha is not None
    assert_close(with_alpha.alpha[0], torch.from_numpy(values[..., 3]) / 255)
    assert torch.equal(with_alpha.image, without.image)


def test_palettes_too(tmp_path: Path) -> None:
    picture = Image.new("RGB", (4, 4), (150, 90, 60))
    profile = rgb_profile(DISPLAY_P3, 2.2)
    paletted = load_picture(saved(picture.quantize(2), profile, tmp_path / "a.png"))
    assert torch.equal(paletted.image, load_picture(saved(picture, profile, tmp_path / "b.png")).image)


def test_pillows_own_pictures_too() -> None:
    picture = Image.new("RGB", (2, 2), (202, 59, 51))
    plain = from_pillow(picture)
    picture.info["icc_profile"] = rgb_profile(DISPLAY_P3, 2.2)
    assert (from_pillow(picture) - plain).abs().max() > 5 * LEVEL


@pytest.mark.parametrize(
    ("mode", "profile", "warned"),
    [
        ("RGB", b"nonsense", True),
        ("RGB", rgb_profile(DISPLAY_P3, 2.2)[:200], True),
        ("RGB", grey_profile(1.0), False),
        ("CMYK", rgb_profile(DISPLAY_P3, 2.2), False),
        ("RGB", cmyk_profile(dict.fromkeys(np.ndindex(2, 2, 2, 2), (0, 128, 128))), False),  # pyright: ignore
    ],
)
def test_what_does_not_fit_is_left_aside(
    mode: str, profile: bytes, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    picture = Image.new(mode, (2, 2))
    picture.info["icc_profile"] = profile
    assert srgb_conversion(picture) is None
    assert bool(caplog.messages) == warned


def test_the_profile_to_embed_is_srgb() -> None:
    profile = ImageCms.getOpenProfile(io.BytesIO(srgb_profile()))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
