"""Videos through `stylize`: as many frames, as fast, as loud, and the same whatever the parts."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from brushwork.cli import stylize as stylize_command
from brushwork.cli.app import main
from brushwork.cli.order import Stylization
from brushwork.cli.painter import Painter
from brushwork.cli.stylize import stylize
from brushwork.media import video_read as video_in
from brushwork.media.images import read_picture, write_picture
from brushwork.media.video_read import reading
from brushwork.media.video_write import VideoFile, partial_path
from brushwork.methods import DEFAULT, METHODS, api
from brushwork.tests.media.clips import moving, write_clip
from brushwork.tests.tolerances import VISIBLE

FRAME = 48 * 64


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mp4")


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("style") / "s.png"
    write_picture(path, torch.rand(32, 40, 3, generator=torch.Generator().manual_seed(1)))
    return str(path)


def painted(content: Path, output: str, style: str, **options: Any) -> Tensor:  # noqa: ANN401
    """The frames that a stylized video has."""
    (file,) = stylize(Stylization(content=str(content), output=content.with_name(output), style=[style], **options))
    with reading(file) as video:
        return torch.cat([part.frames for part in video.parts()])


def difference(first: Tensor, second: Tensor) -> float:
    """PSNR."""
    return float(-10 * (first - second).square().mean().clamp(min=1e-12).log10())


def test_a_video_keeps_its_frames_rate_and_sound(clip: Path, style: str) -> None:
    result = painted(clip, "b.mp4", style)
    assert result.shape == (10, 48, 64, 3)
    assert (result - moving()).abs().mean() > 0.05
    with reading(clip.with_name("b.mp4")) as video:
        assert video.rate == 25 and len(video.sounds) == 1
    assert not partial_path(clip.with_name("b.mp4")).exists()


@pytest.mark.parametrize(
    "order", [{}, {"method": "wct", "levels": "relu3_1,relu2_1"}, {"preserve_color": "matching"}, {"method": "msgnet"}]
)
def test_parts_do_not_show(order: dict[str, Any], clip: Path, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics go on over the cuts, each level's by itself."""
    taken: list[Tensor] = []
    monkeypatch.setattr(VideoFile, "write", lambda self, frames, part: taken.append(frames))

    def before_encoding(frames: int, **options: Any) -> Tensor:  # noqa: ANN401
        taken.clear()
        monkeypatch.setattr(video_in, "MAX_PART_PIXELS", frames * FRAME)
        stylize(Stylization(content=str(clip), output=clip.with_name("b.mp4"), style=[style], **{**order, **options}))
        return torch.cat(taken)

    whole = before_encoding(10)
    assert difference(before_encoding(3), whole) > VISIBLE
    assert difference(before_encoding(10, statistics="per image"), whole) < VISIBLE


def test_a_static_video_stays_static(tmp_path: Path, style: str) -> None:
    clip = write_clip(tmp_path / "a.mp4", moving(1).repeat(10, 1, 1, 1))
    result = painted(clip, "b.mp4", style)
    change = (result - result[:1]).abs()  # what the codec made of frames that were alike, through the network
    assert change.mean() < 1 / 255 and change.max() < 16 / 255


def test_network_and_styles_are_read_once(clip: Path, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = api.load_network
    monkeypatch.setattr(api, "load_network", lambda name, **more: loaded.append(name) or load(name, **more))
    monkeypatch.setattr(video_in, "MAX_PART_PIXELS", FRAME)
    painted(clip, "b.mp4", style)
    assert loaded == [METHODS[DEFAULT].network]


def test_progress_counts_frames(clip: Path, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_in, "MAX_PART_PIXELS", 4 * FRAME)
    told: list[tuple[int, int, str]] = []
    monkeypatch.setattr(stylize_command, "shown_progress", lambda: nullcontext(lambda *told_now: told.append(told_now)))
    painted(clip, "b.mp4", style)
    assert told == [(done, 10, "a.mp4") for done in (0, 4, 8, 10)]


def test_an_interruption_leaves_a_video(
    clip: Path, style: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[None] = []
    paint = Painter.paint

    def interrupted(*arguments: Any) -> Tensor:  # noqa: ANN401
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return paint(*arguments)

    monkeypatch.setattr(Painter, "paint", interrupted)
    monkeypatch.setattr(video_in, "MAX_PART_PIXELS", 3 * FRAME)
    output = clip.with_name("b.mp4")
    with pytest.raises(SystemExit, match="130"):
        main(["stylize", str(clip), "--style", style, "-o", str(output)])
    assert caplog.messages == [f"{output} holds the first 6 frames."]
    with reading(output) as video:
        assert sum(len(part.times) for part in video.parts()) == 6


@pytest.mark.parametrize("ending", ["mp4", "apng"])
def test_a_stopped_video_goes_on_as_if_it_had_not_been(
    ending: str, clip: Path, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics and what holds paint still go on, too."""
    monkeypatch.setattr(video_in, "MAX_PART_PIXELS", 2 * FRAME)
    whole = painted(clip, f"whole.{ending}", style)
    paint, calls = Painter.paint, list[int]()

    def stops(self: Painter, *given: Any, **more: Any) -> Tensor:  # noqa: ANN401
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return paint(self, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Painter, "paint", stops)
        with pytest.raises(KeyboardInterrupt):
            painted(clip, f"stopped.{ending}", style)
    assert torch.equal(painted(clip, f"stopped.{ending}", style), whole)


def test_a_folder_of_pictures_and_videos(clip: Path, style: str) -> None:
    write_clip(clip.with_name("d.avi"), moving(2), sound=None)
    write_clip(clip.with_name("e.part.mp4"), moving(2), sound=None)  # left by a run that was killed: no content
    write_picture(clip.with_name("c.jpg"), moving(1)[0])
    out = clip.parent / "out"
    files = stylize(Stylization(content=str(clip.parent), output=out, style=[style], max_size=32))
    assert sorted(files) == [out / "a.mp4", out / "c.png", out / "d.mp4"]
    assert read_picture(out / "c.png")[0].shape == (1, 24, 32, 3)
    for name, frames in (("a.mp4", 10), ("d.mp4", 2)):
        with reading(out / name) as video:
            assert [part.frames.shape for part in video.parts()] == [(frames, 24, 32, 3)]


def test_a_gif_is_a_video_where_one_is_asked_for(clip: Path, style: str) -> None:
    painted(clip, "b.gif", style)
    assert len(painted(clip.with_name("b.gif"), "c.mp4", style)) == 10
    picture = clip.with_name("d.png")
    assert stylize(Stylization(content=str(clip.with_name("b.gif")), output=picture, style=[style])) == [picture]


@pytest.mark.parametrize(
    ("content", "output", "message"),
    [
        ("a.mp4", "b.png", r"^a video cannot be saved as '\.png': end the name in one of \.mp4"),
        ("a.mp4", "a.mp4", r"a\.mp4 would replace a picture or video that it is made from"),
        ("b.part.mp4", "b.mp4", r"b\.mp4 would replace a picture or video that it is made from"),
    ],
)
def test_faults(content: str, output: str, message: str, clip: Path, style: str) -> None:
    clip.rename(clip.with_name(content))
    with pytest.raises(ValueError, match=message):
        painted(clip.with_name(content), output, style)


def test_without_pyav_one_line_says_what_to_do(
    clip: Path, style: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["stylize", str(clip), "--style", style, "-o", str(clip.with_name("b.mp4"))]) == 1
    assert capsys.readouterr().err == "brushwork: a video needs av: pip install av opencv-python-headless\n"


def test_without_opencv_one_line_says_what_to_do(
    clip: Path, style: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    order = ["stylize", str(clip), "--style", style, "-o", str(clip.with_name("b.mp4"))]
    assert main(order) == 1
    assert capsys.readouterr().err == "brushwork: holding a video still needs cv2: pip install opencv-python-headless\n"
    assert len(painted(clip, "c.mp4", style, stability=0.0)) == 10


def test_paint_is_held_still_across_parts(clip: Path, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one stream, whatever the parts; at stability 0 frame by frame."""
    whole = painted(clip, "b.apng", style)
    crawling = painted(clip, "c.apng", style, stability=0.0)
    monkeypatch.setattr(video_in, "MAX_PART_PIXELS", 3 * FRAME)
    assert difference(painted(clip, "d.apng", style), whole) > 40
    assert difference(crawling, whole) < 40
