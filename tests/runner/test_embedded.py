"""A file that ComfyUI has saved is a workflow itself; each kind is written here as ComfyUI writes it."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from brushwork.runner.formats import read_workflow
from brushwork.runner.graph import WorkflowError
from brushwork.tests.runner.fakes import api, ui, ui_node

PROMPT = json.dumps(api(n1=("Paint", {"level": 0.25, "width": 4})))
PAGE = json.dumps(ui([ui_node(1, "Paint", [0.75, 4], title="é")], []))
PICTURE = Image.new("RGB", (4, 4))

Texts = dict[str, str]


def png(path: Path, texts: Texts) -> None:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    PICTURE.save(path, pnginfo=info)


def png_international(path: Path, texts: Texts) -> None:
    info = PngInfo()
    for name, text in texts.items():
        info.add_itxt(name, text, "en", "x", zip=True)
    PICTURE.save(path, pnginfo=info)


def png_compressed(path: Path, texts: Texts) -> None:
    """Over a megabyte, which Pillow would not read."""
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text + " " * (2 << 20), zip=True)
    PICTURE.save(path, pnginfo=info)


def animated_png(path: Path, texts: Texts) -> None:
    info = PngInfo()
    for name, text in texts.items():
        info.add(b"comf", name.encode() + b"\0" + text.encode(), after_idat=True)
    PICTURE.save(path, pnginfo=info, save_all=True, append_images=[Image.new("RGB", (4, 4), "red")])


def truncated_png(path: Path, texts: Texts) -> None:
    png(path, texts)
    path.write_bytes(path.read_bytes()[:-20])


def named_otherwise(path: Path, texts: Texts) -> None:
    png(path.with_suffix(".png"), texts)
    path.with_suffix(".png").rename(path)


def exif(path: Path, texts: Texts) -> None:
    tags = Image.Exif()
    for tag, (name, text) in zip((0x0110, 0x010F), texts.items(), strict=False):
        tags[tag] = f"{name}:{text}"
    PICTURE.save(path, exif=tags)


def latent(path: Path, texts: Texts) -> None:
    from safetensors.torch import save_file

    save_file({"latent_tensor": torch.zeros(1)}, path, metadata=texts)


def video(path: Path, texts: Texts) -> None:
    av = pytest.importorskip("av")
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update(texts)
        stream = container.add_stream("mpeg4" if path.suffix == ".mp4" else "vp9", 1)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame(16, 16, "rgb24").reformat(format="yuv420p")))
        container.mux(stream.encode(None))


def sound(path: Path, texts: Texts) -> None:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        container.metadata.update(texts)
        stream = container.add_stream("flac", 8000)
        frame = av.AudioFrame("s16", "mono", 4096)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


WRITERS: dict[str, Callable[[Path, Texts], None]] = {
    "a.png": png,
    "itxt.png": png_international,
    "long.png": png_compressed,
    "animated.png": animated_png,
    "truncated.png": truncated_png,
    "named_otherwise.json": named_otherwise,
    "a.webp": exif,
    "a.jpg": exif,
    "a.latent": latent,
    "a.safetensors": latent,
    "a.mp4": video,
    "a.webm": video,
    "a.flac": sound,
}


@pytest.mark.parametrize("file", WRITERS)
def test_the_page_s_workflow_wins_and_the_prompt_will_do(file: str, tmp_path: Path, nodes: dict[str, type]) -> None:
    path = tmp_path / file
    for texts, level in (({"prompt": PROMPT, "workflow": PAGE}, 0.75), ({"prompt": PROMPT}, 0.25)):
        WRITERS[file](path, texts)
        assert read_workflow(path, nodes).nodes["1"].inputs == {"level": level, "width": 4}


def test_a_picture_without_a_workflow(tmp_path: Path, nodes: dict[str, type]) -> None:
    for file in ("a.png", "a.webp", "a.jpg", "a.latent", "a.mp4"):
        WRITERS[file](tmp_path / file, {"title": "x"})
        with pytest.raises(WorkflowError, match=f"{file} has no workflow inside: take the file as ComfyUI saved it"):
            read_workflow(tmp_path / file, nodes)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 10, b"zTXt") + b"prompt\0\0??",
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 9, b"iTXt") + b"prompt\0\1\0",
        b"\xff\xd8\xff\xe0",
        b"RIFF\0\0\0\0WEBP",
        b"\0\0\0\x20ftypavif",
    ],
)
def test_damaged_files(content: bytes, tmp_path: Path, nodes: dict[str, type]) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(WorkflowError, match=r"a\.png cannot be read as a file with a workflow inside: "):
        read_workflow(tmp_path / "a.png", nodes)


@pytest.mark.parametrize("content", [b"fLaC", b"\x1aE\xdf\xa3\xa3B\x86\x81\x01", b"\0\0\0\x20ftypisom", b"OggS"])
def test_damaged_videos_and_sounds(content: bytes, tmp_path: Path, nodes: dict[str, type]) -> None:
    pytest.importorskip("av")
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(WorkflowError, match=r"a\.mp4 (cannot be read|has no workflow)"):
        read_workflow(tmp_path / "a.mp4", nodes)


@pytest.mark.parametrize("header", [b"", b"\xff" * 8, struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 4) + b"{\xff}}"])
def test_damaged_latents(header: bytes, tmp_path: Path, nodes: dict[str, type]) -> None:
    (tmp_path / "a.latent").write_bytes(header)
    with pytest.raises(WorkflowError, match=r"a\.latent (cannot be read|has no workflow)"):
        read_workflow(tmp_path / "a.latent", nodes)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000, '{"a": ' * 300 + "1" + "}" * 300])
def test_text_that_is_no_workflow(text: Any, tmp_path: Path, nodes: dict[str, type]) -> None:  # noqa: ANN401
    png(tmp_path / "a.png", {"workflow": text})
    with pytest.raises(WorkflowError, match=r"a\.png (has no|is not|is nested)"):
        read_workflow(tmp_path / "a.png", nodes)
