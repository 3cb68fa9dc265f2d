"""Video files, written frame by frame with the sound of their source."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch.nn.functional as F
from torch import Tensor

from .images import eight_bits
from .video_read import Part, Source

if TYPE_CHECKING:
    from av import AudioStream, Packet
    from av.container import OutputContainer

log = logging.getLogger(__name__)
RATE = 48_000
"""Samples a second of sound that is encoded again: every codec here knows it."""


@dataclass(frozen=True)
class Track:
    """What one stream of sound becomes."""

    stream: "AudioStream"
    copied: bool


@dataclass(frozen=True)
class Sound:
    """All streams of sound by their index in the source."""

    tracks: dict[int, Track]

    def taken(self, packet: "Packet") -> "Iterator[Packet]":
        """The packets to write for one of the source's."""
        track = self.tracks.get(packet.stream.index)
        if track is None:
            return
        if not track.copied:
            for frame in packet.decode():
                yield from track.stream.encode(frame)  # pyright: ignore[reportArgumentType] - a sound stream's
        elif packet.dts is not None:  # the one without is the source's end
            packet.stream = track.stream
            yield packet

    def rest(self) -> "Iterator[Packet]":
        """What the encoders still hold."""
        for track in self.tracks.values():
            if not track.copied:
                yield from track.stream.encode(None)


def tracks(container: "OutputContainer", sounds: "Sequence[AudioStream]", codec: str | None) -> Sound:
    """Streams of a new file for those of the source; `codec` is for sound that the file does not take as it is."""
    if sounds and codec is None:
        log.warning("%s files hold no sound: it is left out.", container.format.name)
        return Sound({})
    return Sound({stream.index: _track(container, stream, codec or "") for stream in sounds})


def _track(container: "OutputContainer", stream: "AudioStream", codec: str) -> Track:
    if stream.codec_context.codec.canonical_name in container.supported_codecs:
        return Track(container.add_stream_from_template(stream), True)
    return Track(cast("AudioStream", container.add_stream(codec, rate=RATE)), False)


if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import OutputContainer

BT709, LIMITED = 1, 1
"""Colours of high-definition video, and values from 16 to 235, by FFmpeg's numbers."""
SECONDS = 2
"""Between frames that stand for themselves: what a killed run loses, beside what the encoder still held."""


@dataclass(frozen=True)
class Kind:
    """How to write one kind of video file."""

    container: str
    codec: str
    pixels: str
    quality: dict[str, str]
    sound: str | None
    """What sound becomes that the container does not take as it is; None: the container takes none at all."""
    options: dict[str, str] = field(default_factory=dict)
    colours: int | None = BT709
    even: bool = False
    """Whether the sides must be even numbers."""


# Written in fragments, each complete by itself, that become an ordinary file at the end; the offsets keep the first
# frame at its own time.
_FRAGMENTS = {"movflags": "hybrid_fragmented+negative_cts_offsets"}
_CLUSTERS = {"cluster_time_limit": "1000"}  # milliseconds that Matroska keeps in memory at most
_H264: dict[str, Any] = {
    "codec": "libx264",
    "pixels": "yuv420p",
    "quality": {"crf": "17", "preset": "medium"},
    "sound": "aac",
    "even": True,
}
KINDS = {
    ".mp4": Kind("mp4", **_H264, options=_FRAGMENTS),
    ".mov": Kind("mov", **_H264, options=_FRAGMENTS),
    ".mkv": Kind("matroska", **_H264, options=_CLUSTERS),
    ".webm": Kind(
        "webm", "libvpx-vp9", "yuv420p", {"crf": "24", "b": "0", "cpu-used": "4", "row-mt": "1"}, "libopus", _CLUSTERS
    ),
    ".gif": Kind("gif", "gif", "rgb8", {}, None, colours=None),
}


def check_video_suffix(suffix: str) -> None:
    if suffix.lower() not in KINDS:
        raise ValueError(f"a video cannot be saved as '{suffix}': end the name in one of {', '.join(KINDS)}")


def unfinished(path: Path) -> Path:
    """The name of a video that is still being written."""
    return path.with_stem(f"{path.stem}.part")


def is_unfinished(path: Path) -> bool:
    """Whether a file bears such a name."""
    return path.suffix.lower() in KINDS and path.stem.endswith(".part")


class VideoFile:
    """A video that grows as its frames come, beside its sound.

    Until `close` its name is `NAME.part.mp4` (or as it ends), and it can be played up to the last seconds at any time,
    also where the process was killed. `close` completes it and gives it its own name, over any older file, even after
    an interruption or a failure: the frames done are worth keeping. Before the first frame nothing is written.

    H.264 takes even sides only: the last column or row of a picture with odd sides is repeated once.
    """

    def __init__(self, path: Path, source: Source) -> None:
        check_video_suffix(path.suffix)
        self.path, self.part = path, unfinished(path)
        self._kind, self._source = KINDS[path.suffix.lower()], source
        self._streams: tuple[OutputContainer, VideoStream, Sound] | None = None

    def write(self, frames: Tensor, part: Part) -> None:
        """Add the frames [n, H, W, 3] in 0..1 that those of `part` have become, and its sound."""
        if self._kind.even:
            height, width = frames.shape[1:3]
            frames = F.pad(frames.movedim(-1, 1), (0, width % 2, 0, height % 2), mode="replicate").movedim(1, -1)
        self._streams = self._streams or self._opened(*frames.shape[1:3])
        container, picture, sound = self._streams
        for values, time, duration in zip(frames, part.times, part.durations, strict=True):
            frame = self._frame(values)
            frame.time_base, frame.pts, frame.duration = self._source.time_base, time, duration
            container.mux(picture.encode(frame))
        container.mux([each for packet in part.sound for each in sound.taken(packet)])

    def close(self) -> None:
        """Complete the file, if there is one, under its own name."""
        if self._streams is None:
            return
        container, picture, sound = self._streams
        self._streams = None
        with container:
            container.mux(picture.encode(None))
            container.mux(list(sound.rest()))
        self.part.replace(self.path)

    def _opened(self, height: int, width: int) -> "tuple[OutputContainer, VideoStream, Sound]":
        import av

        kind, source = self._kind, self._source
        self.part.parent.mkdir(parents=True, exist_ok=True)
        container = av.open(
            str(self.part), "w", format=kind.container, container_options={**kind.options, "flush_packets": "1"}
        )
        picture = cast("VideoStream", container.add_stream(kind.codec, rate=source.rate, options=dict(kind.quality)))
        picture.width, picture.height, picture.pix_fmt = width, height, kind.pixels
        picture.codec_context.time_base = source.time_base
        picture.codec_context.gop_size = max(1, round(SECONDS * source.rate))
        if kind.colours is not None:  # unsaid, players take small pictures for BT.601
            coder = picture.codec_context
            coder.colorspace = coder.color_primaries = coder.color_trc = kind.colours
            coder.color_range = LIMITED
        return container, picture, tracks(container, source.sounds, kind.sound)

    def _frame(self, values: Tensor) -> "VideoFrame":
        from av import VideoFrame

        frame = VideoFrame.from_ndarray(eight_bits(values), format="rgb24")
        return frame.reformat(format=self._kind.pixels, dst_colorspace=self._kind.colours)


@contextmanager
def writing(path: Path, source: Source) -> Iterator[VideoFile]:
    """A video that is complete, as far as it came, at the end of the block."""
    file = VideoFile(path, source)
    try:
        yield file
    finally:
        file.close()
