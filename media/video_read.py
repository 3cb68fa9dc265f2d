"""Videos in: their frames upright, in parts that fit memory, with the times to show them and the sound between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer

VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv")
"""The endings of the videos that are looked for in folders."""
MAX_PART_PIXELS = 1 << 22
"""Of all frames of a part: what the features of two frames at 1920 x 1080 take fits anywhere."""


@dataclass(frozen=True)
class Part:
    """Frames that follow each other, and the sound that lies between them in the file."""

    frames: Tensor
    """[n, H, W, 3], float32 in 0..1."""
    times: list[int]
    """When to show each, in the source's time base."""
    durations: list[int]
    """For how long; 0 where the file does not say."""
    sound: "list[Packet]"


@dataclass(frozen=True)
class Source:
    """An open video."""

    container: "InputContainer"
    picture: "VideoStream"
    sounds: "tuple[AudioStream, ...]"

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        return self.picture.average_rate or self.picture.guessed_rate or Fraction(25)

    @property
    def time_base(self) -> Fraction:
        """Seconds of one step of time."""
        return self.picture.time_base or 1 / self.rate

    @property
    def count(self) -> int:
        """Frames, as far as the file says; else by its length, and 0 where it does not even tell that."""
        seconds = (self.container.duration or 0) / 1_000_000
        return self.picture.frames or round(seconds * self.rate)

    def parts(self, max_frames: int | None = None) -> Iterator[Part]:
        """All frames in order, at most `max_frames` at once, else `MAX_PART_PIXELS`. No part is without a frame."""
        max_frames = max_frames or max(1, MAX_PART_PIXELS // (self.picture.width * self.picture.height))
        frames: list[VideoFrame] = []
        sound: list[Packet] = []
        for packet in self.container.demux(self.picture, *self.sounds):
            if packet.stream is not self.picture:
                sound.append(packet)
                continue
            for frame in packet.decode():
                if len(frames) == max_frames:
                    yield _part(frames, sound)
                    frames, sound = [], []
                frames.append(frame)  # pyright: ignore[reportArgumentType] - a video stream's
        if frames:
            yield _part(frames, sound)


def _part(frames: "list[VideoFrame]", sound: "list[Packet]") -> Part:
    pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    upright = torch.from_numpy(pixels).rot90(frames[0].rotation // 90, (1, 2)).float().div_(255)
    times = [frame.pts if frame.pts is not None else frame.dts or 0 for frame in frames]
    return Part(upright, times, [frame.duration or 0 for frame in frames], sound)


@contextmanager
def reading(path: Path) -> Iterator[Source]:
    """Open a video; FileNotFoundError or ValueError in one sentence where there is none."""
    import av
    from av.error import FFmpegError

    if not path.is_file():
        raise FileNotFoundError(f"there is no video {path}")
    try:
        container = av.open(str(path))
    except FFmpegError as error:
        raise ValueError(f"{path} cannot be read as a video: {error.strerror}") from error
    with container:
        if not container.streams.video:
            raise ValueError(f"{path} holds no pictures: name a video")
        picture = container.streams.video[0]
        picture.thread_type = "AUTO"
        yield Source(container, picture, container.streams.audio)
