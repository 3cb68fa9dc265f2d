"""Videos in: their frames as a player shows them, in parts that fit memory, with their times and the sound between."""

import logging
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from .animation import frame_of
from .images import eight_bits
from .profiles import coding_points

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer
    from PIL.Image import Image

log = logging.getLogger(__name__)

# fmt: off
VIDEOS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv",
    ".ts", ".mts", ".m2ts", ".3gp", ".flv", ".ogv", ".vob",
)
# fmt: on
"""The endings of the videos that are looked for in folders."""
ANIMATIONS = (".gif", ".webp", ".png", ".apng")
"""The endings of pictures that may move."""
MAX_PART_PIXELS = 1 << 20
"""Of all frames of a part, unless one has more: few, so that something can soon be seen."""
BT709, BT601, BT2020 = 1, 5, 9
"""Matrices from colours to luminance and chroma, by FFmpeg's numbers; the first is that of its primaries too."""
KNOWN_MATRICES = (1, 4, 5, 6, 7, 9)
"""Those that the library converts; where none of them is named, the size tells, as in players."""
PQ_AND_HLG, WIDE_PRIMARIES, SRGB = (16, 18), (9, 11, 12), 13
"""Transfer curves of high dynamic range; the primaries of BT.2020 and P3; a standard screen's transfer curve."""
BACK, AHEAD, TOGETHER = Fraction(1, 10), 10, 2
"""Seconds: a clock that goes back by more has started again; in broadcast streams, one that leaps by more has too; and
tracks whose clocks do so within so much did it together."""
SHORTEST_DELAY, USUAL_DELAY = 11, 100
"""Milliseconds: frames of an animation that claim to be shown for less than the first are shown for the second, as in
browsers."""
FAILED_READS = 8
"""One after the other, until a file counts as at its end."""


@dataclass(frozen=True)
class Part:
    """Frames that follow each other, and the sound that lies between them in the file."""

    frames: Tensor
    """[n, H, W, 3], float32 in 0..1; [n, 0, 0, 3] where they were passed over."""
    times: list[int]
    """When to show each, in the source's time base, ascending."""
    durations: list[int]
    """For how long; 0 where the file does not say."""
    sound: "list[Packet]"
    alpha: Tensor | None = None
    """[n, H, W] in 0..1, how opaque they are; None in a video without transparency."""

    @staticmethod
    def of(pixels: list[np.ndarray[Any, Any]], times: list[int], durations: list[int], sound: "list[Packet]") -> "Part":
        """Of frames of uint8 [H, W, 3 or 4]."""
        frames = torch.from_numpy(np.stack(pixels)).float().div_(255)
        return Part(frames[..., :3], times, durations, sound, frames[..., 3] if frames.shape[-1] == 4 else None)


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

    def parts(self, max_frames: int | None = None, skip: int = 0) -> Iterator[Part]:
        """All frames in order, at most `max_frames` at once, else `MAX_PART_PIXELS`. No part is without a frame.

        Frames are upright, of square pixels, of the first one's size, in the colours of a standard screen. What is
        damaged is left out with a warning; ValueError where nothing can be read. The first `skip` frames, which are
        whole parts, are passed over: their pixels are not converted.
        """
        pixels: list[np.ndarray[Any, Any]] = []
        times: list[int] = []
        durations: list[int] = []
        sound: list[Packet] = []
        shown, done, earliest = None, 0, None
        with closing(self._decoded()) as decoded:
            for kind, item in decoded:
                if kind == "sound":
                    sound.append(item)
                    continue
                shown = shown or _Shown.of(item, self.picture.sample_aspect_ratio)
                if len(times) == (max_frames or max(1, MAX_PART_PIXELS // (shown.width * shown.height))):
                    yield Part.of(pixels, times, durations, sound)
                    pixels, times, durations, sound = [], [], [], []
                pixels.append(np.empty((0, 0, 3), np.uint8) if done < skip else shown.pixels(item))
                time = item.pts if item.pts is not None else item.dts
                time = (earliest or 0) if time is None else time if earliest is None else max(time, earliest)
                times.append(time)
                durations.append(item.duration or 0)
                done, earliest = done + 1, time + 1
        if not times:
            raise ValueError(f"{self.container.name} holds no frame that can be read: convert it to MP4")
        yield Part.of(pixels, times, durations, sound)

    def _decoded(self) -> Generator[tuple[str, Any], None, None]:
        """Frames and packets of sound as they lie in the file, on one clock that starts at 0."""
        from av import CodecContext
        from av.error import EOFError as EndOfFile
        from av.error import FFmpegError

        decoder = self.picture.codec_context
        if self.picture.metadata.get("alpha_mode") == "1":  # which FFmpeg's own decoders pass over
            decoder = cast("Any", CodecContext.create({"vp8": "libvpx"}.get(decoder.name, "libvpx-vp9"), "r"))
        start = Fraction(max(0, self.container.start_time or 0), 1_000_000)
        broadcast = self.container.format.name in ("mpegts", "mpeg")
        clock = _Clock(-start, broadcast)
        damaged = failed = 0
        ended = False
        while not ended and failed < FAILED_READS:
            try:
                for packet in self.container.demux(self.picture, *self.sounds):
                    failed = 0
                    if packet.size:
                        clock.set(packet)
                    if packet.stream is not self.picture:
                        yield "sound", packet
                    elif packet.size:
                        try:
                            frames = decoder.decode(packet)
                        except FFmpegError:
                            damaged += 1
                        else:
                            yield from (("frame", frame) for frame in frames)
                ended = True
            except FFmpegError:  # reading goes on behind what is damaged
                failed += 1
                damaged += 1
        try:
            yield from (("frame", frame) for frame in decoder.decode(None))
        except EndOfFile:
            pass
        except FFmpegError:
            damaged += 1
        if damaged:
            log.warning("%s is damaged in %d places: frames are missing there.", self.container.name, damaged)


@dataclass(frozen=True)
class Animation:
    """An open picture that moves: GIF, WebP or PNG. It has the face of a video without sound."""

    picture: "Image"
    first: int
    """Its first frame: a PNG may begin with one that is shown only where animations are not."""
    delays: list[int]
    """Milliseconds of each frame."""
    transparent: bool
    points: tuple[int, int] | None
    """What a PNG's chunk cICP says of its colours."""
    sounds: "tuple[AudioStream, ...]" = ()
    time_base: Fraction = Fraction(1, 1000)

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        return Fraction(1000 * len(self.delays), sum(self.delays))

    @property
    def count(self) -> int:
        """Frames."""
        return len(self.delays)

    def parts(self, max_frames: int | None = None, skip: int = 0) -> Iterator[Part]:
        """As those of a `Source`."""
        max_frames = max_frames or max(1, MAX_PART_PIXELS // (self.picture.width * self.picture.height))
        times = [sum(self.delays[:k]) for k in range(self.count)]
        for at in range(0, self.count, max_frames):
            pixels = [np.empty((0, 0, 3), np.uint8)] * max_frames
            if at >= skip:
                pixels = []
                for number in range(at, min(at + max_frames, self.count)):
                    self.picture.seek(self.first + number)
                    pixels.append(self._pixels())
            part = slice(at, at + max_frames)
            yield Part.of(pixels[: self.count - at], times[part], self.delays[part], [])

    def _pixels(self) -> np.ndarray:
        """The current frame as bytes [H, W, 3 or 4], upright and in sRGB."""
        image, alpha = frame_of(self.picture, self.points)
        if self.transparent:
            image = torch.cat([image, torch.ones_like(image[..., :1]) if alpha is None else alpha[..., None]], -1)
        return eight_bits(image).numpy()


Video = Source | Animation
"""Whatever `reading` opens."""


def moves(path: Path) -> bool:
    """Whether a picture has several frames."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return getattr(picture, "n_frames", 1) > 1
    except (OSError, SyntaxError, ValueError):
        return False


@contextmanager
def reading(path: Path) -> Iterator[Video]:
    """Open a video or an animation; FileNotFoundError or ValueError in one sentence where there is none."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no video {path}")
    if path.suffix.lower() in ANIMATIONS:
        from PIL import Image

        try:
            picture = Image.open(path)
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(f"{path} cannot be read as an animation: {error}") from error
        with picture:
            yield _animation(picture, path)
        return

    import av
    from av.error import FFmpegError

    try:
        container = av.open(str(path))
    except FFmpegError as error:
        raise ValueError(f"{path} cannot be read as a video: {error.strerror}") from error
    with container:
        picture = cast("VideoStream | None", container.streams.best("video"))  # no cover
        if picture is None:
            raise ValueError(f"{path} holds no pictures: name a video")
        if picture.frames == 1:  # nor a cover that does not say so
            picture = max(container.streams.video, key=lambda track: track.frames)
        picture.thread_type = "SLICE"  # threads for frames would lose the neighbours of one that is damaged
        yield Source(container, picture, container.streams.audio)


def _animation(picture: "Image", path: Path) -> Animation:
    """Reads all frames once: delays and transparency stand at each."""
    first, points = int(bool(getattr(picture, "default_image", False))), coding_points(picture)
    delays: list[int] = []
    transparent = False
    for number in range(first, getattr(picture, "n_frames", 1)):
        try:
            picture.seek(number)
            picture.load()
        except (EOFError, OSError, SyntaxError, ValueError) as error:
            if not delays:
                raise ValueError(f"{path} cannot be read as an animation: {error}") from error
            log.warning("%s is damaged: only its first %d frames can be read.", path, len(delays))
            break
        delay = round(picture.info.get("duration") or 0)
        delays.append(USUAL_DELAY if delay < SHORTEST_DELAY else delay)
        if picture.has_transparency_data and not transparent:
            low, _ = cast("tuple[int, int]", picture.convert("RGBA").getchannel("A").getextrema())
            transparent = low < 255
    return Animation(picture, first, delays, transparent, points)


@dataclass
class _Clock:
    """Sets the times of packets so that they go on where a file's clock starts again, all tracks alike."""

    shift: Fraction
    """Seconds to add before the first restart."""
    leaps: bool
    """Whether a leap ahead is a restart too."""
    shifts: dict[int, Fraction] = field(default_factory=dict)
    """By track, from its last restart on."""
    ends: dict[int, Fraction] = field(default_factory=dict)
    """By track, the end of its last packet in seconds, after the shift."""

    def set(self, packet: "Packet") -> None:
        track, base = packet.stream.index, packet.time_base or packet.stream.time_base
        shift = self.shifts.setdefault(track, self.shift)
        if not base:
            return
        if packet.dts is not None:
            at, end = packet.dts * base, self.ends.get(track)
            if end is not None and (at + shift < end - BACK or (self.leaps and at + shift > end + AHEAD)):
                wanted = max(self.ends.values()) - at
                others = [other for other in self.shifts.values() if other != shift]
                nearest = min(others, key=lambda other: abs(other - wanted), default=wanted)
                shift = self.shifts[track] = nearest if abs(nearest - wanted) < TOGETHER else wanted
            self.ends[track] = at + shift + (packet.duration or 0) * base
            packet.dts += round(shift / base)
        if packet.pts is not None:
            packet.pts += round(shift / base)


@dataclass(frozen=True)
class _Shown:
    """How frames become what a player shows."""

    stored: tuple[int, int]
    """Width and height with square pixels, before any turn."""
    transposed: bool
    flipped: tuple[int, ...]
    """The axes of the picture [H, W] that are mirrored, after that."""
    format: str
    reformatter: Any

    @property
    def width(self) -> int:
        return self.stored[self.transposed]

    @property
    def height(self) -> int:
        return self.stored[not self.transposed]

    @staticmethod
    def of(frame: "VideoFrame", aspect: Fraction | None) -> "_Shown":
        """By a first frame, whose pixels are `aspect` times as wide as high."""
        from av.video.reformatter import VideoReformatter

        width, height = frame.width, frame.height
        if aspect and aspect > 1:
            width = 2 * round(width * aspect / 2)
        elif aspect and 0 < aspect < 1:
            height = 2 * round(height / aspect / 2)
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")  # pyright: ignore[reportArgumentType, reportCallIssue]
        # A point (x, y) is shown at (a x + c y, b x + d y).
        a, b, _, c, d = (1, 0, 0, 0, 1) if matrix is None else np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
        transposed = abs(a) + abs(d) < abs(b) + abs(c)
        down, right = (b, c) if transposed else (d, a)
        flipped = tuple(axis for axis, sign in enumerate((down, right)) if sign < 0)
        opaque = not any(component.is_alpha for component in frame.format.components) and not frame.format.has_palette
        return _Shown((width, height), transposed, flipped, "rgb24" if opaque else "rgba", VideoReformatter())

    def pixels(self, frame: "VideoFrame") -> np.ndarray[Any, Any]:
        """The frame as uint8 [height, width, 3 or 4]."""
        width, height = self.stored
        more: dict[str, Any] = {"width": width, "height": height, "format": self.format}
        if (frame.width, frame.height) != self.stored:
            more["interpolation"] = "BICUBIC"
        curve, bright = getattr(frame, "color_trc", None), False
        if not frame.format.is_rgb and frame.colorspace not in KNOWN_MATRICES:
            large = frame.width >= 1280 or frame.height > 576
            more["src_colorspace"] = BT2020 if curve in PQ_AND_HLG else BT709 if large else BT601
        if curve in PQ_AND_HLG or getattr(frame, "color_primaries", None) in WIDE_PRIMARIES:
            bright = True
        try:
            mapped = {"dst_color_trc": SRGB, "dst_color_primaries": BT709} if bright else {}
            shown = self.reformatter.reformat(frame, **more, **mapped)
        except (TypeError, OSError, ValueError):
            if not bright:
                raise
            log.warning("Colours of high dynamic range look pale here: pip install -U av")
            shown = self.reformatter.reformat(frame, **more)
        values = shown.to_ndarray()
        return np.ascontiguousarray(np.flip(values.swapaxes(0, 1) if self.transposed else values, self.flipped))
