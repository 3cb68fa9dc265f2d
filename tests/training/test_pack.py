"""Packs: what is read is what was written, within the limit, and what is wrong with one is said."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from brushwork.media import images as files
from brushwork.training.crops import Crops
from brushwork.training.files import read_pictures
from brushwork.training.pack import FORM, Group, Packed, write_pack
from brushwork.training.pictures import Pictures

MIB = 2**20


def pictures(count: int, shorter: int = 24, contrast: int = 256) -> Pictures:
    """Noise, which no format makes much smaller, of many proportions."""
    generator = torch.Generator().manual_seed(0)
    sizes = [(shorter, shorter + 5 * (index % 4)) if index % 3 else (shorter + 7, shorter) for index in range(count)]
    pixels = torch.randint(contrast, (sum(height * width for height, width in sizes), 3), generator=generator)
    kinds = [("", 'oil "on" canvas', "ukiyo-e")[index % 3] for index in range(count)]
    return Pictures(pixels.byte(), sizes, [f"Dürer {index}" for index in range(count)], kinds)


def read_pack(path: Path, group: Group, resize: int = 24) -> Pictures:
    """One group, at the size it is stored in unless told."""
    return read_pictures([path], resize, group=group)


def same(one: Pictures, other: Pictures) -> bool:
    about = [(each.sizes, each.names, each.kinds) for each in (one, other)]
    return torch.equal(one.pixels, other.pixels) and about[0] == about[1]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    write_pack(tmp_path / "x.pack", pictures(6), pictures(4, 40), 1)
    return tmp_path / "x.pack"


def test_lossless_where_there_is_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    photos, styles, out = pictures(6), pictures(4, 40), tmp_path / "new" / "x.pack"
    packed = write_pack(out, photos, styles, 1)
    assert packed == Packed("PNG", {"photos": 6, "styles": 4}, out.stat().st_size)
    assert caplog.messages[-1] == f"{out} holds 6 of 6 photos and 4 of 4 styles as PNG, 0.0 MiB."
    assert same(read_pack(out, "photos"), photos) and same(read_pack(out, "styles", 40), styles)


def test_training_from_a_pack_is_training_from_folders(tmp_path: Path) -> None:
    from PIL import Image

    for index in range(5):
        noise = torch.randint(256, (30 + 9 * index, 300 if index == 3 else 45, 3)).byte()
        Image.fromarray(noise.numpy()).save(tmp_path / f"{index}.png")
    from_files = read_pictures([tmp_path], 24, held_out=1)
    write_pack(tmp_path / "x.pack", read_pictures([tmp_path], 24), None, 1)
    from_pack = read_pictures([tmp_path / "x.pack"], 24, held_out=1)
    assert same(from_pack, from_files)
    taken = []
    for source in (from_files, from_pack):
        torch.manual_seed(4)
        taken.append(Crops(source, 16, (1.0, 1.5)).take(8))
    assert torch.equal(*taken)


def test_packs_beside_folders(tmp_path: Path, pack: Path) -> None:
    from PIL import Image

    for name in ("a.png", "z.png"):
        Image.new("RGB", (24, 24)).save(tmp_path / name)
    found = read_pictures([tmp_path / "z.png", pack, tmp_path / "a.png"], 24)
    assert found.names == ("a", *pictures(6).names, "z")
    assert read_pictures([pack, tmp_path / "z.png"], 24, group="styles").names == (*pictures(4).names, "z")


@pytest.mark.parametrize("quality", [95, 90, 85])
def test_the_best_jpegs_that_fit(tmp_path: Path, quality: int, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, styles, out = pictures(8, 64, 40), pictures(4, 80, 40), tmp_path / "x.pack"
    with monkeypatch.context() as only:
        only.setattr("brushwork.training.pack.QUALITIES", (quality,))
        needed = write_pack(out, photos, styles, 0.14).size  # there is no room for PNG
    packed = write_pack(out, photos, styles, (needed + 4096) / MIB)
    assert packed.quality == quality and packed.counts == {"photos": 8, "styles": 4}
    assert out.stat().st_size == packed.size <= needed + 4096
    read = read_pack(out, "photos", 64)
    assert (read.sizes, read.names, read.kinds) == (photos.sizes, photos.names, photos.kinds)
    error = (read.pixels.float() - photos.pixels).abs()
    assert 0 < error.mean() < 8  # colours are kept at full size: noise comes back


@pytest.mark.parametrize("limit", [20_000, 40_000, 60_000])
def test_fewer_pictures_where_none_fit(tmp_path: Path, limit: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    photos, styles, out = pictures(60), pictures(30, 40), tmp_path / "x.pack"
    packed = write_pack(out, photos, styles, limit / MIB)
    assert packed.quality == 85 and out.stat().st_size <= limit
    assert out.stat().st_size > 0.8 * (limit - 4096)
    assert 0 < packed.counts["photos"] < 60 and 0 < packed.counts["styles"] < 30
    assert f"{packed.counts['photos']} of 60 photos and {packed.counts['styles']} of 30 styles" in caplog.messages[-1]
    read = read_pack(out, "photos")
    taken = [photos.names.index(name) for name in read.names]
    assert read.kinds == tuple(photos.kinds[index] for index in taken)
    gaps = [later - sooner for sooner, later in zip(taken, taken[1:], strict=False)]
    assert max(gaps) - min(gaps) <= 1


def test_what_one_group_leaves_the_other_has(tmp_path: Path) -> None:
    few, many, limit = pictures(2), pictures(60), 40_000 / MIB
    alone = write_pack(tmp_path / "alone.pack", many, None, limit).counts["photos"]
    for counts in (
        write_pack(tmp_path / "a.pack", many, few, limit).counts,
        write_pack(tmp_path / "b.pack", few, many, limit).counts,
    ):
        assert min(counts.values()) == 2 and max(counts.values()) >= alone - 3
    even = write_pack(tmp_path / "c.pack", many, many, limit).counts
    assert even["photos"] / even["styles"] == pytest.approx(1.5, rel=0.15)


def test_a_larger_pack_is_scaled_down_and_a_smaller_one_refused(pack: Path) -> None:
    assert [min(size) for size in read_pictures([pack], 12).sizes] == [12] * 6
    with pytest.raises(
        ValueError,
        match="x.pack holds photos with a shorter side of 24 pixels, and 32 are asked for: pack them again with 32",
    ):
        read_pictures([pack], 32)


def test_nothing_to_pack(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^there is nothing to pack: name a folder"):
        write_pack(tmp_path / "x.pack", None, None, 1)


def test_a_name_that_would_not_be_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x.bin would not be known as a pack: end its name in \.pack"):
        write_pack(tmp_path / "x.bin", pictures(1), None, 1)


@pytest.mark.parametrize("limit", [0.0, 0.004, 0.006])
def test_a_limit_too_small_says_what_is_enough(tmp_path: Path, limit: float) -> None:
    photos, styles = pictures(3), pictures(3, 40)
    with pytest.raises(ValueError, match=r"has no room for one picture of each group: allow [\d.]+ MiB") as raised:
        write_pack(tmp_path / "x.pack", photos, styles, limit)
    assert not list(tmp_path.iterdir())
    enough = float(str(raised.value).split("allow ")[1].split(" MiB")[0])
    assert all(write_pack(tmp_path / "x.pack", photos, styles, enough).counts.values())


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "x.pack"
    out.write_text("earlier")
    monkeypatch.setattr(files, "copyfileobj", full)
    with pytest.raises(OSError, match="^.*x.pack cannot be written: No space left on device$"):
        write_pack(out, pictures(2), None, 1)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["earlier"]


def test_a_group_that_is_not_there(tmp_path: Path) -> None:
    out = tmp_path / "x.pack"
    write_pack(out, pictures(2), None, 1)
    with pytest.raises(ValueError, match="x.pack holds no styles: pack them with it, or name a folder of styles"):
        read_pictures([out], 24, group="styles")


def test_no_such_pack(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="x.pack: look for a slip in its name"):
        read_pictures([tmp_path / "x.pack"], 8)


@pytest.mark.parametrize("content", [b"", b"hello, I am a text and no pack", b"\xff" * 64, b"\0" * 64])
def test_not_a_pack(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pack").write_bytes(content)
    with pytest.raises(ValueError, match=r"x.pack is damaged, or no pack \(.*\): copy it again, or pack"):
        read_pack(tmp_path / "x.pack", "photos")


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_truncated_pack(pack: Path, share: float) -> None:
    content = pack.read_bytes()
    pack.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="x.pack is damaged, or no pack"):
        read_pictures([pack], 24)


def test_weights_are_no_pack(tmp_path: Path) -> None:
    save_file({"photos": torch.zeros(4)}, tmp_path / "x.pack")
    with pytest.raises(ValueError, match="x.pack is no pack of pictures: name a file that was packed, or a folder"):
        read_pack(tmp_path / "x.pack", "photos")


def altered(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    with safe_open(path, "pt") as file:
        about = dict(file.metadata())
        tensors = {name: file.get_tensor(name).clone() for name in list(file.keys())}
    change(tensors, about)
    save_file(tensors, path, about)


def test_another_version(pack: Path) -> None:
    altered(pack, lambda tensors, about: about.update({FORM: "2"}))
    with pytest.raises(ValueError, match="x.pack is a pack of version 2, and this reads version 1: pack the pictures"):
        read_pack(pack, "photos")


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, about: tensors.pop("photos"),
        lambda tensors, about: tensors.pop("photos.offsets"),
        lambda tensors, about: tensors.update({"photos": tensors["photos"][:-1].clone()}),
        lambda tensors, about: tensors["photos.offsets"].__setitem__(1, 10**9),
        lambda tensors, about: tensors["photos.offsets"].__setitem__(0, -1),
        lambda tensors, about: tensors.update({"photos.offsets": torch.zeros(0, dtype=torch.int64)}),
        lambda tensors, about: tensors.update({"photos.offsets": torch.tensor(0)}),
        lambda tensors, about: about.update(photos="no JSON"),
        lambda tensors, about: about.update(photos="[]"),
        lambda tensors, about: about.update(photos=json.dumps(json.loads(about["photos"]) | {"names": ["a"]})),
        lambda tensors, about: about.update(photos=json.dumps(json.loads(about["photos"]) | {"shorter": "many"})),
    ],
)
def test_a_list_that_does_not_fit(pack: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    altered(pack, change)
    with pytest.raises(ValueError, match="x.pack is damaged, its list of photos is wrong: pack the pictures again"):
        read_pack(pack, "photos")


def test_a_damaged_picture_is_skipped(pack: Path, caplog: pytest.LogCaptureFixture) -> None:
    altered(pack, lambda tensors, about: tensors["photos"][100:400].zero_())
    assert read_pack(pack, "photos").names == pictures(6).names[1:]
    assert caplog.messages[0].startswith(f"Dürer 0 in {pack} cannot be read and is skipped: ")
