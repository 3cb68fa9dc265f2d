"""Videos in and out again, without a network between: frames, times, rotation, sound, and what a cut leaves."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.media.video_read import Source, reading
from brushwork.media.video_write import KINDS, VideoFile, is_partial, partial_path, writing
from brushwork.tests.media.clips import moving, turned, write_clip

LOSSY = 0.03
"""How far a mean may lie after colours were taken at half the resolution and compressed."""
VISUAL = pytest.mark.parametrize("suffix", [suffix for suffix in KINDS if KINDS[suffix].sound])


def copy(source: Path, target: Path, max_frames: int = 3) -> Path:
    with reading(source) as video, writing(target, video) as file:
        for part in video.parts(max_frames):
            file.write(part.frames, part)
    return target


def frames_of(source: Source) -> Tensor:
    return torch.cat([part.frames for part in source.parts(4)])


def times_of(path: Path) -> list[float]:
    """Seconds from the first frame on."""
    with reading(path) as video:
        times = [time for part in video.parts(4) for time in part.times]
        return [round(float((time - times[0]) * video.time_base), 2) for time in times]


def seconds_of_sound(path: Path) -> float:
    with reading(path) as video:
        frames = [frame for packet in video.container.demux(audio=0) for frame in packet.decode()]
        return sum(frame.samples / frame.sample_rate for frame in frames)  # pyright: ignore[reportAttributeAccessIssue]


@VISUAL
def test_a_copy_keeps_frames_times_and_sound(suffix: str, tmp_path: Path) -> None:
    again = copy(write_clip(tmp_path / "a.mp4"), tmp_path / "out" / f"b{suffix}")
    with reading(again) as video:
        assert video.rate == 25
        frames = frames_of(video)
    assert frames.shape == (10, 48, 64, 3)
    assert (frames - moving()).abs().mean() < LOSSY
    assert times_of(again) == [round(0.04 * k, 2) for k in range(10)]
    assert seconds_of_sound(again) == pytest.approx(0.4, abs=0.05)
    assert [file.name for file in again.parent.iterdir()] == [again.name]


@pytest.mark.parametrize(("source", "target"), [("a.webm", "b.mp4"), ("a.mp4", "b.mkv"), ("a.mkv", "b.webm")])
def test_sound_is_copied_where_the_file_takes_it(source: str, target: str, tmp_path: Path) -> None:
    codec = "libopus" if source.endswith("webm") else "aac"
    again = copy(write_clip(tmp_path / source, sound=codec), tmp_path / target)
    with reading(again) as video:
        assert video.sounds[0].codec_context.codec.canonical_name == (
            "aac" if codec == "aac" and "webm" not in target else "opus"
        )
    assert seconds_of_sound(again) == pytest.approx(0.4, abs=0.05)


def test_a_gif_has_no_sound_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    again = copy(write_clip(tmp_path / "a.mp4"), tmp_path / "b.gif")
    assert caplog.messages == ["gif files hold no sound: it is left out."]
    with reading(again) as video:
        assert (frames_of(video) - moving()).abs().mean() < 2 * LOSSY  # 256 colours
    assert times_of(again) == times_of(tmp_path / "a.mp4")


def test_uneven_times_stay(tmp_path: Path) -> None:
    times = [0, 512, 2048, 2560, 6400, 6912, 7424, 7936, 8448, 12800]
    again = copy(write_clip(tmp_path / "a.mp4", times=times, sound=None), tmp_path / "b.mp4")
    assert times_of(again) == [round(time / 12800, 2) for time in times]


@pytest.mark.parametrize(("suffix", "size"), [(".mp4", (48, 64)), (".mkv", (48, 64)), (".webm", (47, 63))])
def test_odd_sides(suffix: str, size: tuple[int, int], tmp_path: Path) -> None:
    """H.264 has even ones: the last row and column come twice."""
    frames = moving(3, (47, 63))
    again = copy(write_clip(tmp_path / "a.mkv", frames, sound=None), tmp_path / f"b{suffix}")
    with reading(again) as video:
        result = frames_of(video)
    assert result.shape == (3, *size, 3)
    assert (result[:, :47, :63] - frames).abs().mean() < LOSSY
    assert (result[:, -1] - result[:, -2]).abs().mean() < LOSSY


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_video_stands_upright(quarters: int, tmp_path: Path) -> None:
    again = copy(turned(write_clip(tmp_path / "a.mp4"), quarters), tmp_path / "b.mp4")
    with reading(again) as video:
        assert video.container.streams.video[0].codec_context.width == (64 if quarters == 2 else 48)
        assert (frames_of(video) - moving().rot90(-quarters, (1, 2))).abs().mean() < LOSSY


@pytest.mark.parametrize("max_frames", [1, 3, 10, 11])
def test_parts_are_the_whole(max_frames: int, tmp_path: Path) -> None:
    with reading(write_clip(tmp_path / "a.mp4")) as video:
        parts = list(video.parts(max_frames))
    assert {len(part.frames) for part in parts[:-1]} <= {max_frames}
    assert 0 < len(parts[-1].frames) <= max_frames
    assert sum(len(part.times) for part in parts) == 10
    packets = sum(packet.dts is not None for part in parts for packet in part.sound)
    with reading(tmp_path / "a.mp4") as video:
        assert packets == sum(packet.dts is not None for packet in video.container.demux(audio=0))


@VISUAL
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_cut_leaves_what_was_done(suffix: str, error: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / f"b{suffix}"
    target.write_text("an older file")
    with reading(write_clip(tmp_path / "a.mp4")) as video, pytest.raises(error), writing(target, video) as file:
        for part in video.parts(4):
            if part.times[0]:
                raise error
            file.write(part.frames, part)
    assert times_of(target) == [0, 0.04, 0.08, 0.12]
    assert seconds_of_sound(target) > 0.05
    assert not partial_path(target).exists()


def test_a_cut_before_the_first_frame_leaves_what_there_was(tmp_path: Path) -> None:
    (tmp_path / "b.mp4").write_text("an older file")
    with (
        reading(write_clip(tmp_path / "a.mp4")) as video,
        pytest.raises(ValueError),
        writing(tmp_path / "b.mp4", video),
    ):
        raise ValueError
    assert (tmp_path / "b.mp4").read_text() == "an older file"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@VISUAL
def test_a_killed_run_leaves_a_file_that_plays(suffix: str, tmp_path: Path) -> None:
    """A snapshot of the file while it is being written is what a kill would leave."""
    source = write_clip(tmp_path / "a.mp4", moving(140, (16, 24)), sound=None)
    with reading(source) as video, writing(tmp_path / f"b{suffix}", video) as file:
        for part in video.parts(140):
            file.write(part.frames, part)
            assert is_partial(file.partial)
            shutil.copy(partial_path(tmp_path / f"b{suffix}"), tmp_path / f"killed{suffix}")
    assert len(times_of(tmp_path / f"killed{suffix}")) >= 50  # the first keyframe's


def test_errors(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("hello")
    for name, error, message in (
        ("nix.mp4", FileNotFoundError, r"^there is no video .*nix\.mp4$"),
        ("a.mp4", ValueError, r"a\.mp4 cannot be read as a video: "),
    ):
        with pytest.raises(error, match=message), reading(tmp_path / name):
            pass
    refused = pytest.raises(ValueError, match=r"^a video cannot be saved as '\.avi': end the name in one of \.mp4, ")
    with reading(write_clip(tmp_path / "b.mp4", sound=None)) as video, refused:
        VideoFile(tmp_path / "c.avi", video)


@pytest.mark.parametrize(
    ("source", "target", "codec"),
    [("a.avi", "b.mp4", "aac"), ("a.mov", "b.mov", "pcm_s16le"), ("a.mkv", "b.webm", "opus")],
)
def test_sound_that_does_not_fit_is_encoded(source: str, target: str, codec: str, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / source, sound="pcm_s16le", codec="mpeg4", pixels="yuv420p")
    again = copy(clip, tmp_path / target)
    with reading(again) as video:
        assert video.sounds[0].codec_context.codec.canonical_name == codec
    assert seconds_of_sound(again) == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".webm", ".gif", ".webp", ".apng"])
def test_transparency_stays(suffix: str, tmp_path: Path) -> None:
    alpha = torch.zeros(10, 48, 64)
    alpha[:, :, 32:] = 1
    clip = write_clip(tmp_path / "a.mkv", codec="ffv1", pixels="bgra", alpha=alpha, sound=None)
    with reading(copy(clip, tmp_path / f"b{suffix}")) as video:
        (part,) = video.parts()
    assert part.alpha is not None
    assert (part.alpha - alpha[0]).abs().mean() < LOSSY  # WebP may put frames that are alike together


def test_a_gif_is_not_above_fifty_frames_a_second(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", times=[213 * k for k in range(10)], sound=None)
    with reading(copy(clip, tmp_path / "b.gif")) as video:
        (part,) = video.parts()
    assert min(part.durations) >= 20
    assert sum(part.durations) == pytest.approx(180, abs=30)
