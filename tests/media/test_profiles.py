"""Pictures of any colour space arrive in sRGB, by the formulas of colour and not by a library's word."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from brushwork.media.animation import read_frames
from brushwork.media.images import from_pillow, load_picture
from brushwork.media.profiles import srgb_conversion, srgb_profile
from brushwork.media.video_read import reading
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


PIXELS = ((10, 10, 10), (64, 64, 64), (128, 128, 128), (200, 100, 50), (255, 0, 0), (0, 255, 0))
P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def chunk(name: bytes, *numbers: int) -> bytes:
    """A chunk of a PNG: four bytes a number, or one where it is cICP or sRGB."""
    data = bytes(numbers) if name in (b"cICP", b"sRGB") else struct.pack(f">{len(numbers)}I", *numbers)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunks(chunks: bytes, path: Path, pixels: object = PIXELS) -> Path:
    """A PNG of one row with chunks after its header."""
    file = io.BytesIO()
    Image.fromarray(np.array([pixels], np.uint8)).save(file, "PNG")
    path.write_bytes(file.getvalue()[:33] + chunks + file.getvalue()[33:])
    return path


@pytest.mark.parametrize(
    ("chunks", "shown"),
    [
        (chunk(b"gAMA", 45455), PIXELS),
        (chunk(b"gAMA", 47000), PIXELS),
        (chunk(b"gAMA", 0), PIXELS),
        (chunk(b"cHRM", *P3), PIXELS),
        (chunk(b"sRGB", 0) + chunk(b"gAMA", 100000), PIXELS),
        (chunk(b"cICP", 1, 13, 0, 1) + chunk(b"gAMA", 100000), PIXELS),
        (chunk(b"cICP", 2, 2, 0, 1), PIXELS),
        (chunk(b"gAMA", 100000), ((56,) * 3, (137,) * 3, (188,) * 3, (229, 168, 122), *PIXELS[4:])),
        (chunk(b"gAMA", 50000), ((5,) * 3, (71,) * 3, (137,) * 3, (206, 109, 55), *PIXELS[4:])),
        (chunk(b"cICP", 1, 8, 0, 1), ((56,) * 3, (137,) * 3, (188,) * 3, (229, 168, 122), *PIXELS[4:])),
        (chunk(b"cICP", 12, 13, 0, 1), (*PIXELS[:3], (215, 93, 31), *PIXELS[4:])),
        (chunk(b"cICP", 1, 4, 0, 1), ((3,) * 3, (62,) * 3, (129,) * 3, (201, 100, 46), *PIXELS[4:])),
        (chunk(b"cICP", 1, 1, 0, 1), ((1,) * 3, (54,) * 3, (121,) * 3, (197, 91, 39), *PIXELS[4:])),
        (chunk(b"cICP", 9, 1, 0, 1), ((1,) * 3, (54,) * 3, (121,) * 3, (239, 63, 5), *PIXELS[4:])),
    ],
    ids=lambda value: value[4:8].decode() + value[8:-4].hex() if isinstance(value, bytes) else "",
)
def test_what_a_png_says_of_its_colours(chunks: bytes, shown: object, tmp_path: Path) -> None:
    """The numbers are those that Chromium shows."""
    found = load_picture(with_chunks(chunks, tmp_path / "a.png")).image[0, 0].numpy() * 255
    assert np.abs(found - np.array(shown)).max() <= 1.01
    if shown is PIXELS:
        assert (found == np.array(PIXELS)).all()


def test_primaries_beside_a_gamma_and_the_profile_before_both(tmp_path: Path) -> None:
    """cHRM counts with gAMA; linear light through the formulas of colour; greys stay grey."""
    path = with_chunks(chunk(b"gAMA", 100000) + chunk(b"cHRM", *P3), tmp_path / "a.png")
    to_srgb = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
    expected = srgb(np.array(PIXELS) / 255 @ to_srgb.T)
    assert np.abs(load_picture(path).image[0, 0].numpy() - expected).max() < LEVEL
    picture = Image.fromarray(np.array([PIXELS], np.uint8))
    picture.info |= {"gamma": 1.0, "icc_profile": srgb_profile()}
    assert srgb_conversion(picture) is None


def test_greys_palettes_and_sixteen_bits_by_a_gamma(tmp_path: Path) -> None:
    levels = np.arange(20000, 20200, 20, np.uint16)[None]
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(file.getvalue()[:33] + chunk(b"gAMA", 100000) + file.getvalue()[33:])
    found = load_picture(path).image[0, 0, :, 0].numpy()
    assert np.abs(found - srgb(levels[0] / 65535)).max() < LEVEL and len(set(found.tolist())) == levels.size
    for mode in ("L", "LA", "P", "RGBA"):
        picture = Image.fromarray(np.full((1, 2), 64, np.uint8)).convert(mode)
        picture.info["gamma"] = 1.0
        assert (from_pillow(picture) * 255).round().unique().tolist() == [137]


def test_three_channels_of_sixteen_bits_are_their_upper_eight(tmp_path: Path) -> None:
    """As Chromium and ComfyUI show them."""
    rows = b"\0" + struct.pack(">6H", 0x80FF, 0x8080, 0x7F01, 0xFEFF, 0x00FF, 0x0080)
    parts = (b"IHDR", struct.pack(">2I5B", 2, 1, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    file = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + file)
    found = load_picture(tmp_path / "a.png").image * 255
    assert found.flatten().round().int().tolist() == [128, 128, 127, 254, 0, 0]


@pytest.mark.parametrize(
    "chunks",
    [
        chunk(b"gAMA", 100000) + chunk(b"cHRM", 0, 0, 0, 0, 0, 0, 0, 0),
        chunk(b"gAMA", 100000) + chunk(b"cHRM", *(31270, 32900) * 4),
        chunk(b"cICP", 9, 16, 0, 1),
    ],
    ids=["no white", "one point", "PQ"],
)
def test_colours_that_cannot_be_are_left_aside(chunks: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = load_picture(with_chunks(chunks, tmp_path / "a.png")).image[0, 0].numpy()
    assert (found * 255).round().astype(int).tolist() == [list(pixel) for pixel in PIXELS]
    assert "left aside" in caplog.text


def test_frames_of_an_animation_too(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.array([PIXELS], np.uint8)) for _ in range(2)]
    frames[1] = frames[1].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:33] + chunk(b"cICP", 12, 13, 0, 1) + whole[33:])
    found = read_frames(tmp_path / "a.png")[0]
    assert found.shape == (2, 1, 6, 3)
    assert torch.equal(found[1].flip(1), found[0])
    assert np.abs(found[0, 0, 3].numpy() * 255 - (215, 93, 31)).max() < 1.01
    with reading(tmp_path / "a.png") as video:
        (part,) = video.parts()
    assert (part.frames - found).abs().max() < LEVEL


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_frames_of_an_animation_are_upright_and_in_srgb(suffix: str, alpha: bool, tmp_path: Path) -> None:
    """As the pictures that they are by themselves."""
    values = np.random.default_rng(0).integers(60, 200, (2, 3, 5, 3 + alpha), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    how = {"exif": exif.tobytes(), "icc_profile": rgb_profile(DISPLAY_P3, 1.8), "lossless": True}
    first, second = map(Image.fromarray, values)
    first.save(tmp_path / f"a{suffix}", save_all=True, append_images=[second], duration=50, **how)
    first.save(tmp_path / f"b{suffix}", **how)
    expected = load_picture(tmp_path / f"b{suffix}")
    with reading(tmp_path / f"a{suffix}") as video:
        (part,) = video.parts()
    assert part.frames.shape[0] == 2
    assert (part.frames[:1] - expected.image).abs().max() < LEVEL
    assert (part.alpha is None) == (not alpha)
    if part.alpha is not None and expected.alpha is not None:
        assert (part.alpha[:1] - expected.alpha).abs().max() < LEVEL
