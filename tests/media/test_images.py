"""Picture files: every mode that cameras and painters leave behind, and files that are whole or not there."""

import io
import struct
import sys
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFile, PngImagePlugin, features

from brushwork.media.images import (
    FORMATS,
    READABLE,
    ROWS,
    Picture,
    distinct_stems,
    eight_bits,
    encode_picture,
    from_pillow,
    is_hidden,
    load_picture,
    pictures_at,
    pictures_in,
    read_picture,
    readable,
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


@pytest.mark.parametrize(("ending", "most"), [(".jpg", 65500), (".webp", 16383)])
def test_the_longest_side_of_a_format(ending: str, most: int) -> None:
    encode_picture(torch.zeros(1, most, 3), ending)
    with pytest.raises(ValueError, match=rf"^a picture with a side of {most + 1} pixels cannot be saved as "):
        encode_picture(torch.zeros(most + 1, 1, 3), ending)


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
    names = [Path(name) for name in ("a.jpg", "a.png", "a_jpg.png", "b_jpg.png", "b.jpg", "b_jpg.jpg")]
    assert distinct_stems(names) == ["a_jpg_", "a_png", "a_jpg", "b_jpg_png", "b", "b_jpg_jpg"]


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


def png_of(width: int, height: int, pixels: bytes, kind: int = 2) -> bytes:
    """A PNG of eight bits that says it is of a size, whatever pixels follow."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def lying(kind: str) -> bytes:
    """A small sound file whose header then says 10000 x 10000."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind, **({"compression": "raw"} if kind == "TIFF" else {}))
    content, size = file.getvalue(), 10_000
    if kind == "PNG":
        return png_of(size, size, bytes(100))
    if kind == "JPEG":
        at = content.index(b"\xff\xc0") + 5
        return content[:at] + struct.pack(">HH", size, size) + content[at + 4 :]
    if kind == "BMP":
        return content[:18] + struct.pack("<ii", size, size) + content[26:]
    if kind == "GIF":
        at = content.index(b",\0\0\0\0") + 5
        sizes = struct.pack("<HH", size, size)
        return content[:6] + sizes + content[10:at] + sizes + content[at + 4 :]
    if kind == "PPM":
        return content.replace(b"8 8", b"10000 10000")
    picture = Image.open(io.BytesIO(content))
    places = [content.index(struct.pack("<HHI", tag, picture.tag_v2.tagtype[tag], 1)) + 8 for tag in (256, 257)]  # pyright: ignore
    for at in places:
        width = 4 if content[at - 6] == 4 else 2
        content = content[:at] + size.to_bytes(width, "little") + content[at + width :]
    return content


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF"])
def test_a_header_that_lies_is_refused_before_memory_is_taken(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(lying(kind))
    with pytest.raises(ValueError, match=r"a\.png claims 10000 x 10000 pixels in \d+ bytes, which cannot hold them"):
        load_picture(tmp_path / "a.png")
    with pytest.raises(ValueError, match="^the picture claims 10000 x 10000 pixels"):
        load_picture(io.BytesIO(lying(kind)))


def test_what_compresses_well_is_no_lie(tmp_path: Path) -> None:
    for kind, options in (("png", {}), ("jpg", {}), ("gif", {}), ("tif", {"compression": "tiff_adobe_deflate"})):
        Image.new("L", (4000, 2000)).save(tmp_path / f"a.{kind}", **options)
        assert load_picture(tmp_path / f"a.{kind}").image.shape == (1, 2000, 4000, 3)


def test_giants_are_refused_and_the_limit_can_be_raised(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_of(60_000, 60_000, bytes(100)))
    with pytest.raises(ValueError, match=r"a\.png has 60000 x 60000 pixels, over the limit of 268 million: make it"):
        load_picture(tmp_path / "a.png")
    Image.new("RGB", (30, 40)).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"has 30 x 40 pixels, over the limit .*\(--max-megapixels\)$"):
        read_picture(tmp_path / "b.png", max_pixels=1199)
    assert read_picture(tmp_path / "b.png", max_pixels=1200)[0].shape == (1, 40, 30, 3)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp"])
@pytest.mark.parametrize("cut", [1, 40, 400])
def test_what_is_cut_off_is_read_as_far_as_it_goes(
    name: str, cut: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Libwebp gives nothing of a file that is cut; the others give what came before."""
    Image.effect_noise((64, 64), 50).convert("RGB").save(tmp_path / name)
    whole = load_picture(tmp_path / name).image
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-cut])
    if name == "a.webp":
        with pytest.raises(ValueError, match=r"a\.webp cannot be read as a picture: "):
            load_picture(tmp_path / name)
        return
    picture = load_picture(tmp_path / name).image
    top = picture[0, :16] if name != "a.bmp" else picture[0, -16:]  # a bitmap begins at its foot
    assert torch.equal(top, whole[0, :16] if name != "a.bmp" else whole[0, -16:])
    if not torch.equal(picture, whole):
        assert "is cut off or damaged" in caplog.text


def test_a_wrong_checksum_costs_no_pixel(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = PngImagePlugin.PngInfo()
    file.add_text("prompt", "{}")
    Image.new("RGB", (3, 2), (9, 8, 7)).save(tmp_path / "a.png", pnginfo=file)
    content = (tmp_path / "a.png").read_bytes()
    at = content.index(b"IDAT")
    (tmp_path / "a.png").write_bytes(content[: at - 4] + content[at - 4 :].replace(b"IEND", b"IENX"))
    assert (load_picture(tmp_path / "a.png").image * 255).round().unique().tolist() == [7, 8, 9]


def test_pillows_limits_stay_as_they_were(tmp_path: Path) -> None:
    before = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError):
        load_picture(tmp_path / "a.png")
    assert before == (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK)


@pytest.mark.parametrize("compressed", [True, False])
def test_long_texts_in_a_png(compressed: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    info = PngImagePlugin.PngInfo()
    for name in ("workflow", "prompt"):
        info.add_text(name, "x" * (3 << 20), zip=compressed)
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png", pnginfo=info)
    assert load_picture(tmp_path / "a.png").image.shape == (1, 2, 3, 3)
    assert not caplog.messages


def test_floats_that_are_none(tmp_path: Path) -> None:
    Image.fromarray(np.array([[np.nan, np.inf, -np.inf, 0.5]], np.float32)).save(tmp_path / "a.tif")
    assert load_picture(tmp_path / "a.tif").image[0, 0, :, 0].tolist() == [0, 1, 0, 0.5]


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_transparency_is_kept(suffix: str, tmp_path: Path) -> None:
    alpha = torch.arange(12).reshape(3, 4) / 17
    write_picture(tmp_path / f"a{suffix}", torch.full((3, 4, 3), 0.6), alpha)
    again = load_picture(tmp_path / f"a{suffix}")
    assert again.alpha is not None
    assert_close(again.alpha[0], eight_bits(alpha) / 255)
    assert again.image.shape == (1, 3, 4, 3)


def test_on_white_where_a_format_has_no_transparency(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", torch.zeros(16, 16, 3), torch.full((16, 16), 0.25))
    assert (load_picture(tmp_path / "a.jpg").image - 0.75).abs().max() < 2 / 255


def test_an_opaque_alpha_is_an_alpha(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (1, 2, 3, 255)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png")[1].shape == (1, 2, 2)


def described(tmp_path: Path) -> Picture:
    """A photograph as cameras leave it: turned, with a thumbnail, sizes and a maker's note."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Copyright] = "Zeiss", 6, "me"
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2020:01:02 03:04:05",
        ExifTags.Base.ExifImageWidth: 20,
        ExifTags.Base.ColorSpace: 65535,
        ExifTags.Base.MakerNote: b"x" * 100,
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    content = bytearray(exif.tobytes()[6:])  # Pillow writes no thumbnail
    order = "<" if content[:2] == b"II" else ">"
    following = 10 + 12 * struct.unpack_from(f"{order}H", content, 8)[0]
    struct.pack_into(f"{order}I", content, following, len(content))
    content += struct.pack(f"{order}HHHIHHI", 1, ExifTags.Base.Compression, 3, 1, 6, 0, 0)
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + content, dpi=(300, 300))
    with Image.open(tmp_path / "a.jpg") as picture:
        assert picture.getexif().get_ifd(ExifTags.IFD.IFD1) == {ExifTags.Base.Compression: 6}
    return load_picture(tmp_path / "a.jpg", metadata=True)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_what_is_said_about_a_picture_is_kept_on_request(suffix: str, tmp_path: Path) -> None:
    picture = described(tmp_path)
    assert picture.image.shape == (1, 20, 10, 3)
    write_picture(tmp_path / f"b{suffix}", picture.image[0], metadata=picture.metadata)
    with Image.open(tmp_path / f"b{suffix}") as again:
        exif = again.getexif()
        own = exif.get_ifd(ExifTags.IFD.Exif)
        assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Copyright]) == ("Zeiss", "me")
        assert ExifTags.Base.Orientation not in exif
        assert not exif.get_ifd(ExifTags.IFD.IFD1)
        assert own[ExifTags.Base.DateTimeOriginal] == "2020:01:02 03:04:05" and own[ExifTags.Base.ColorSpace] == 1
        assert not {ExifTags.Base.ExifImageWidth, ExifTags.Base.MakerNote} & own.keys()
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
        assert "icc_profile" in again.info
        assert suffix == ".webp" or [round(each) for each in again.info["dpi"]] == [300, 300]


def test_nothing_is_said_unless_asked(tmp_path: Path) -> None:
    described(tmp_path)
    picture = load_picture(tmp_path / "a.jpg")
    assert not picture.metadata
    write_picture(tmp_path / "b.jpg", picture.image[0])
    with Image.open(tmp_path / "b.jpg") as again:
        assert not len(again.getexif()) and "icc_profile" not in again.info


def test_too_much_said_for_a_jpeg(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_picture(tmp_path / "a.jpg", torch.zeros(2, 2, 3), metadata={"exif": b"Exif\0\0" + bytes(70_000)})
    assert "too long for a JPEG" in caplog.text and load_picture(tmp_path / "a.jpg")


def test_every_ending_that_pillow_reads(tmp_path: Path) -> None:
    expected = {".jfif", ".jpe", ".jp2", ".tga", ".ppm", *READABLE}
    assert expected | ({".avif"} if features.check("avif") else set()) <= readable().keys()
    assert not {".eps", ".ps", ".mpg", ".mpeg", ".hdf", ".txt", ".pdf"} & readable().keys()
    for name in ("a.jfif", "b.JPE", "c.tga", "._c.tga", ".d.png", "e.eps"):
        (tmp_path / name).touch()
    assert [file.name for file in pictures_at(tmp_path)] == ["a.jfif", "b.JPE", "c.tga"]
    assert is_hidden(tmp_path / ".d.png") and not is_hidden(tmp_path / "c.tga")
    assert pictures_at(tmp_path / ".d.png") == [tmp_path / ".d.png"]  # who names it means it


def test_a_program_for_ghostscript_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(ValueError, match="is not a picture of a known format"):
        load_picture(tmp_path / "a.png")


def test_formats_of_plugins_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = ModuleType("pillow_heif")

    def register() -> None:
        Image.register_open("HEIFISH", PngImagePlugin.PngImageFile)
        Image.register_extension("HEIFISH", ".heic")

    plugin.register_heif_opener = register  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    readable.cache_clear()
    try:
        assert readable()[".heic"] == "HEIFISH"
    finally:
        Image.ID.remove("HEIFISH")
        del Image.OPEN["HEIFISH"], Image.EXTENSION[".heic"]
        readable.cache_clear()


def test_names_as_long_as_the_file_system_takes(tmp_path: Path) -> None:
    for name in ("x" * 251 + ".png", "é" * 125 + ".png", "new\nline \x1b[31m.png", "-n.png"):
        write_picture(tmp_path / name, torch.zeros(1, 1, 3))
        assert load_picture(tmp_path / name).image.shape == (1, 1, 1, 3)


def test_temporary_names_are_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr(Path, "replace", lambda self, target: taken.append(self.name))
    for _ in range(2):
        write_whole(tmp_path / "a long name.png", b"x")
    assert len({*taken}) == 2 and all(is_hidden(Path(name)) and len(name) < len("a long name.png") for name in taken)
