"""Whatever a camera, a converter or the web hands over is read as a player shows it."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.stream import Disposition
from PIL import Image
from torch import Tensor

from brushwork.media.images import eight_bits
from brushwork.media.video_read import VIDEOS, moves, reading
from brushwork.tests.media.clips import moving, shown_by, write_clip

LOSSY = 0.03
RED = (220, 40, 40)


def seen(path: Path) -> tuple[Tensor, list[float]]:
    """The frames of a video, and when each is shown in seconds."""
    with reading(path) as video:
        parts = list(video.parts(4))
        times = [round(float(time * video.time_base), 3) for part in parts for time in part.times]
        return torch.cat([part.frames for part in parts]), times


def plain(colour: tuple[int, int, int], size: tuple[int, int], frames: int = 2) -> Tensor:
    return (torch.tensor(colour) / 255).expand(frames, *size, 3).contiguous()


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(64, 45), (48, 92)), (Fraction(1, 2), (96, 64)), (Fraction(1), (48, 64))]
)
def test_pixels_become_square(aspect: Fraction, size: tuple[int, int], tmp_path: Path) -> None:
    frames, _ = seen(write_clip(tmp_path / "a.mp4", aspect=aspect))
    assert frames.shape == (10, *size, 3)
    assert (frames - moving(10, size)).abs().mean() < LOSSY


@pytest.mark.parametrize(
    ("size", "matrix", "tags"),
    [
        ((16, 1280), 1, {}),
        ((720, 32), 1, {}),
        ((48, 64), 5, {}),
        ((48, 64), 1, {"colorspace": 1}),
        ((16, 1280), 5, {"colorspace": 5}),
        ((16, 1280), 9, {"colorspace": 9}),
    ],
)
def test_colours_are_by_tag_or_by_size(
    size: tuple[int, int], matrix: int, tags: dict[str, int], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "a.mp4", plain(RED, size), sound=None, colours=tags, matrix=matrix)
    colour = seen(clip)[0].mean((0, 1, 2)) * 255
    assert (colour - torch.tensor(RED)).abs().max() < 3


@pytest.mark.parametrize(("curve", "white"), [(18, 721), (16, 573)])
def test_white_of_high_dynamic_range_is_white(curve: int, white: int, tmp_path: Path) -> None:
    """BT.2408: the white of paper is 75 % of the signal in HLG, and 203 candelas, 58 %, in PQ."""
    half = 64 + (white - 64) // 2
    luma = np.full((48, 64), half, np.uint16)
    luma[:, 32:] = white
    planes = np.concatenate((luma.reshape(-1), np.full(48 * 32, 512, np.uint16))).reshape(72, 64)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        picture = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p10le"
        coder = picture.codec_context
        coder.colorspace, coder.color_primaries, coder.color_trc, coder.color_range = 9, 9, curve, 1
        for time in range(2):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p10le")
            frame.pts, frame.colorspace, frame.color_range = time, 9, 1
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
    frames, _ = seen(tmp_path / "a.mp4")
    assert frames[:, :, 40:].min() > 0.97
    assert frames[:, :, :24].max() < 0.75
    assert (frames[..., 0] - frames[..., 2]).abs().max() < 0.03


@pytest.mark.parametrize("disposition", [Disposition.attached_pic, None])
def test_a_cover_is_no_video(disposition: Disposition | None, tmp_path: Path) -> None:
    """Nor is any other track of one picture that comes first."""
    clip = write_clip(tmp_path / "a.mkv")
    with av.open(str(clip)) as source, av.open(str(tmp_path / "b.mp4"), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 300, 200, "yuvj420p"
        if disposition:
            cover.disposition = disposition
        copy = container.add_stream_from_template(source.streams.video[0])
        picture = av.VideoFrame.from_ndarray(np.zeros((200, 300, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(picture.reformat(format="yuvj420p")))
        container.mux(cover.encode(None))
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    assert seen(tmp_path / "b.mp4")[0].shape == (10, 48, 64, 3)


@pytest.mark.parametrize(
    "cells", [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)] + [(0, b, c, 0) for b in (1, -1) for c in (1, -1)]
)
def test_every_display_matrix(cells: tuple[int, int, int, int], tmp_path: Path) -> None:
    """Turned, mirrored, upside down: a pixel at (x, y) is shown at (a x + c y, b x + d y), moved into sight."""
    frames, _ = seen(shown_by(write_clip(tmp_path / "a.mp4"), cells))
    content = moving()
    a, b, c, d = cells
    y, x = torch.meshgrid(torch.arange(48), torch.arange(64), indexing="ij")
    right, down = a * x + c * y, b * x + d * y
    expected = torch.zeros(10, int(down.max() - down.min()) + 1, int(right.max() - right.min()) + 1, 3)
    expected[:, down - down.min(), right - right.min()] = content
    assert (frames - expected).abs().mean() < LOSSY


def damage(path: Path, number: int) -> Path:
    """A copy of an AVI in which a frame is noise."""
    target = path.with_stem("damaged")
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        copies = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        count = 0
        for packet in source.demux():
            if not packet.size:
                continue
            written, video = packet, packet.stream.type == "video"
            if video and count == number:
                written = av.Packet(bytes(len(bytes(packet))))
                written.pts, written.dts, written.time_base = packet.pts, packet.dts, packet.time_base
            count += video
            written.stream = copies[packet.stream.index]
            container.mux(written)
    return target


@pytest.mark.parametrize(("codec", "number"), [("mjpeg", 0), ("mjpeg", 4), ("mjpeg", 9), ("mpeg4", 4)])
def test_a_damaged_frame_is_left_out(codec: str, number: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = {"mjpeg": "yuvj420p", "mpeg4": "yuv420p"}[codec]
    clip = damage(write_clip(tmp_path / "a.avi", codec=codec, pixels=pixels, sound="pcm_s16le"), number)
    frames, times = seen(clip)
    kept = [k for k in range(10) if k != number]
    assert times == [round(0.04 * k, 3) for k in kept]
    assert (frames - moving()[kept]).abs().mean() < LOSSY
    assert caplog.messages == [f"{clip} is damaged in 1 places: frames are missing there."]
    with reading(clip) as video:
        sound = [packet for part in video.parts() for packet in part.sound]
    assert sum(packet.size for packet in sound) == pytest.approx(2 * 0.4 * 48_000, rel=0.05)


def test_what_has_no_frame_is_said(tmp_path: Path) -> None:
    clip = damage(write_clip(tmp_path / "a.avi", moving(1), codec="png", pixels="rgb24", sound=None), 0)
    with pytest.raises(ValueError, match=r"damaged\.avi holds no frame that can be read: convert it to MP4$"):
        seen(clip)


def test_a_file_that_ends_too_soon_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.ts", moving(50), codec="mpeg2video", pixels="yuv420p", sound=None)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    frames, times = seen(clip)
    assert 10 < len(frames) < 45
    assert times[0] == 0


@pytest.mark.parametrize(("suffix", "sound"), [(".ts", "aac"), (".ts", "mp2"), (".mpg", "mp2"), (".ts", None)])
def test_a_clock_that_starts_again_goes_on(suffix: str, sound: str | None, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / f"a{suffix}", codec="mpeg2video", pixels="yuv420p", sound=sound)
    clip.write_bytes(clip.read_bytes() * 3)
    frames, times = seen(clip)
    assert (frames - moving().repeat(3, 1, 1, 1)).abs().mean() < LOSSY
    steps = [after - before for before, after in pairwise(times)]
    assert all(0.035 < step < 0.045 or (number % 10 == 9 and step < 0.15) for number, step in enumerate(steps))
    if sound:
        with reading(clip) as video:
            parts = list(video.parts())
            heard = [float(each.pts * each.time_base) for part in parts for each in part.sound if each.pts is not None]
        assert heard[-1] == pytest.approx(times[-1], abs=0.25)  # in step with the pictures
        assert all(after - before > -0.03 for before, after in pairwise(heard))


def test_a_clock_that_leaps_in_a_broadcast_goes_on(tmp_path: Path) -> None:
    times = [12_800 * 100 + 512 * k for k in range(10)]
    clip = write_clip(tmp_path / "a.ts", codec="mpeg2video", pixels="yuv420p", sound=None)
    later = write_clip(tmp_path / "b.ts", times=times, codec="mpeg2video", pixels="yuv420p", sound=None)
    clip.write_bytes(clip.read_bytes() + later.read_bytes())
    assert seen(clip)[1] == [round(0.04 * k, 3) for k in range(20)]
    times = [512 * k for k in range(5)] + times[:5]
    clip = write_clip(tmp_path / "a.mp4", times=times, sound=None)  # a file may well show a picture for so long
    assert seen(clip)[1][-1] == 100.16


def test_a_size_that_changes_is_scaled_to_the_first(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "a.ts", pixels="yuv420p", sound=None)
    large = write_clip(tmp_path / "b.ts", moving(10, (96, 128)), pixels="yuv420p", sound=None)
    small.write_bytes(small.read_bytes() + large.read_bytes())
    frames, _ = seen(small)
    assert frames.shape == (20, 48, 64, 3)
    assert (frames - moving().repeat(2, 1, 1, 1)).abs().mean() < LOSSY


CONTAINERS = {
    ".3gp": ("3gp", "libx264"),
    ".flv": ("flv", "flv"),
    ".m2ts": ("mpegts", "libx264"),
    ".m4v": ("mp4", "libx264"),
    ".mpeg": ("mpeg", "mpeg2video"),
    ".mts": ("mpegts", "libx264"),
    ".ogv": ("ogg", "libvpx"),
    ".ts": ("mpegts", "libx264"),
    ".vob": ("vob", "mpeg2video"),
    ".wmv": ("asf", "wmv2"),
}


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_container(suffix: str, tmp_path: Path) -> None:
    assert suffix in VIDEOS
    form, codec = CONTAINERS[suffix]
    clip = write_clip(tmp_path / f"a{suffix}", codec=codec, pixels="yuv420p", sound=None, format=form)
    frames, times = seen(clip)
    assert len(frames) == 10
    assert (frames - moving()).abs().mean() < 2 * LOSSY
    assert times[0] <= 0.1
    assert times[-1] - times[0] == pytest.approx(0.36, abs=0.01)


DELAYS = [100, 40, 500, 20, 90]


def animation(path: Path, delays: list[int], alpha: bool = False, **more: object) -> Path:
    images = [Image.fromarray(eight_bits(values).numpy()) for values in moving(len(delays))]
    for image in images if alpha else ():
        image.putalpha(Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 32, 1).repeat(48, 0)))
    if path.suffix == ".webp":
        more["lossless"] = True
    images[0].save(path, save_all=True, append_images=images[1:], duration=delays, **more)
    return path


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations_keep_delays_and_transparency(suffix: str, alpha: bool, tmp_path: Path) -> None:
    path = animation(tmp_path / f"a{suffix}", DELAYS, alpha, **({"disposal": 2} if alpha and suffix == ".gif" else {}))
    assert moves(path)
    frames, times = seen(path)
    assert times == [round(sum(DELAYS[:k]) / 1000, 3) for k in range(5)]
    assert (frames[:, :, 32:] - moving(5)[:, :, 32:]).abs().mean() < LOSSY
    with reading(path) as video:
        (part,) = video.parts()
    assert part.durations == DELAYS
    if not alpha:
        assert part.alpha is None
    else:
        assert part.alpha is not None
        assert part.alpha[:, :, :32].max() == 0
        assert part.alpha[:, :, 32:].min() == 1


def test_frames_without_a_delay_are_shown_as_browsers_do(tmp_path: Path) -> None:
    assert seen(animation(tmp_path / "a.gif", [0, 10, 20]))[1] == [0, 0.1, 0.2]


def test_a_picture_only_for_those_who_know_no_animation_is_no_frame(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.png", [100, 200], default_image=True)
    assert seen(path)[1] == [0]
    assert not moves(tmp_path / "nix.png")


def test_a_torn_animation_is_read_as_far_as_it_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = animation(tmp_path / "a.gif", DELAYS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert 0 < len(seen(path)[0]) < 5
    assert "is damaged: only its first" in caplog.text
    path.write_text("hello")
    with pytest.raises(ValueError, match=r"a\.gif cannot be read as an animation: "):
        seen(path)


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [(".mov", "qtrle", "argb"), (".mkv", "ffv1", "bgra"), (".webm", "libvpx-vp9", "yuva420p")],
)
def test_transparency_is_read(suffix: str, codec: str, pixels: str, tmp_path: Path) -> None:
    alpha = torch.linspace(0, 1, 64).expand(10, 48, 64)
    clip = write_clip(tmp_path / f"a{suffix}", codec=codec, pixels=pixels, alpha=alpha, sound=None)
    with reading(clip) as video:
        parts = list(video.parts(4))
    read = torch.cat([part.alpha for part in parts if part.alpha is not None])
    assert read.shape == (10, 48, 64)
    assert (read - alpha).abs().mean() < LOSSY
