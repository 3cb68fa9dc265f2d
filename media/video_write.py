"""Videos out: written frame by frame, beside the sound of their source, and worth keeping wherever they end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch.nn.functional as F
from torch import Tensor

from .images import eight_bits
from .video_read import Part, Source

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoStream
    from av.container import OutputContainer

log = logging.getLogger(__name__)

BT709, LIMITED = 1, 1
"""Colours of high-definition video, and values from 16 to 235, by FFmpeg's numbers."""
KEYFRAME_SECONDS = 2
"""Between frames that stand for themselves: what a killed run loses, beside what the encoder still held."""
SAMPLE_RATE = 48_000
"""Samples a second of sound that is encoded again: every codec here knows it."""


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
_VP9 = {"crf": "24", "b": "0", "cpu-used": "4", "row-mt": "1"}
KINDS = {
    ".mp4": Kind("mp4", **_H264, options=_FRAGMENTS),
    ".mov": Kind("mov", **_H264, options=_FRAGMENTS),
    ".mkv": Kind("matroska", **_H264, options=_CLUSTERS),
    ".webm": Kind("webm", "libvpx-vp9", "yuv420p", _VP9, "libopus", _CLUSTERS),
    ".gif": Kind("gif", "gif", "rgb8", {}, None, colours=None),
}


def check_video_suffix(suffix: str) -> None:
    """ValueError where no video can be saved under a name that ends so."""
    if suffix.lower() not in KINDS:
        raise ValueError(f"a video cannot be saved as '{suffix}': end the name in one of {', '.join(KINDS)}")


def partial_path(path: Path) -> Path:
    """The name of a video that is still being written."""
    return path.with_stem(f"{path.stem}.part")


def is_partial(path: Path) -> bool:
    """Whether a file bears such a name."""
    return path.suffix.lower() in KINDS and path.stem.endswith(".part")


@contextmanager
def writing(path: Path, source: Source) -> "Iterator[VideoFile]":
    """A video that is complete, as far as it came, at the end of the block."""
    file = VideoFile(path, source)
    try:
        yield file
    finally:
        file.close()


class VideoFile:
    """A video that grows as its frames come, beside its sound.

    Until `close` its name is `NAME.part.mp4` (or as it ends), and it can be played up to the last seconds at any time,
    also where the process was killed. `close` completes it and gives it its own name, over any older file, even after
    an interruption or a failure: the frames done are worth keeping. Before the first frame nothing is written.

    H.264 takes even sides only: the last column or row of a picture with odd sides is repeated once.
    """

    def __init__(self, path: Path, source: Source) -> None:
        check_video_suffix(path.suffix)
        self.path, self.partial = path, partial_path(path)
        self._kind, self._source = KINDS[path.suffix.lower()], source
        self._streams: tuple[OutputContainer, VideoStream, Sound] | None = None

    def write(self, frames: Tensor, part: Part) -> None:
        """Add the frames [n, H, W, 3] in 0..1 that those of `part` have become, and its sound."""
        from av import VideoFrame

        kind = self._kind
        if kind.even:
            height, width = frames.shape[1:3]
            frames = F.pad(frames.movedim(-1, 1), (0, width % 2, 0, height % 2), mode="replicate").movedim(1, -1)
        self._streams = self._streams or self._open(*frames.shape[1:3])
        container, picture, sound = self._streams
        for values, time, duration in zip(frames, part.times, part.durations, strict=True):
            pixels = eight_bits(values).cpu().contiguous().numpy()
            frame = VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(format=kind.pixels, dst_colorspace=kind.colours)
            frame.time_base, frame.pts, frame.duration = self._source.time_base, time, duration
            container.mux(picture.encode(frame))
        container.mux([written for packet in part.sound for written in sound.written(packet)])

    def close(self) -> None:
        """Complete the file, if there is one, under its own name."""
        if self._streams is None:
            return
        container, picture, sound = self._streams
        self._streams = None
        with container:
            container.mux(picture.encode(None))
            container.mux(list(sound.flushed()))
        self.partial.replace(self.path)

    def _open(self, height: int, width: int) -> "tuple[OutputContainer, VideoStream, Sound]":
        import av

        kind, source = self._kind, self._source
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        options = {**kind.options, "flush_packets": "1"}
        container = av.open(str(self.partial), "w", format=kind.container, container_options=options)
        picture = cast("VideoStream", container.add_stream(kind.codec, rate=source.rate, options=dict(kind.quality)))
        picture.width, picture.height, picture.pix_fmt = width, height, kind.pixels
        picture.codec_context.time_base = source.time_base
        picture.codec_context.gop_size = max(1, round(KEYFRAME_SECONDS * source.rate))
        if kind.colours is not None:  # unsaid, players take small pictures for BT.601
            coder = picture.codec_context
            coder.colorspace = coder.color_primaries = coder.color_trc = kind.colours
            coder.color_range = LIMITED
        return container, picture, Sound.of(container, source, kind.sound)


@dataclass(frozen=True)
class Sound:
    """The streams of sound of a new file by their index in the source: as they are, or encoded again."""

    copied: "dict[int, AudioStream]"
    encoded: "dict[int, AudioStream]"

    @staticmethod
    def of(container: "OutputContainer", source: Source, codec: str | None) -> "Sound":
        """Streams for those of the source; `codec` is for sound that the file does not take as it is."""
        sound = Sound({}, {})
        if source.sounds and codec is None:
            log.warning("%s files hold no sound: it is left out.", container.format.name)
            return sound
        for stream in source.sounds:
            if stream.codec_context.codec.canonical_name in container.supported_codecs:
                sound.copied[stream.index] = container.add_stream_from_template(stream)
            else:
                sound.encoded[stream.index] = cast("AudioStream", container.add_stream(codec or "", rate=SAMPLE_RATE))
        return sound

    def written(self, packet: "Packet") -> "Iterator[Packet]":
        """The packets to write for one of the source's."""
        index = packet.stream.index
        if index in self.encoded:
            for frame in packet.decode():
                yield from self.encoded[index].encode(frame)  # pyright: ignore[reportArgumentType] - a sound stream's
        elif index in self.copied and packet.dts is not None:  # the one without is the source's end
            packet.stream = self.copied[index]
            yield packet

    def flushed(self) -> "Iterator[Packet]":
        """What the encoders still hold."""
        for stream in self.encoded.values():
            yield from stream.encode(None)
