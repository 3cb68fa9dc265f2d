"""Videos out: written frame by frame, beside the sound of their source; worth keeping wherever they end, and gone on
with from there.

A video is encoded in stretches, each by an encoder of its own: so one that was stopped and goes on at the end of a
stretch has the very frames of one that was never stopped.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from struct import Struct
from typing import IO, TYPE_CHECKING, Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from .images import eight_bits
from .video_read import ANIMATIONS, BT709, SHORTEST_DELAY, Part, Video

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoCodecContext, VideoStream
    from av.bitstream import BitStreamFilterContext
    from av.container import OutputContainer

log = logging.getLogger(__name__)

LIMITED = 1
"""Values from 16 to 235, by FFmpeg's numbers."""
FRAME_DURATION = 1 << 8
"""FFmpeg's flag for encoders that hand on how long each frame lasts."""
KEYFRAME_SECONDS = 2
"""Between frames that stand for themselves, at most."""
STRETCH_PIXELS = 1 << 25
"""Of a stretch, at most: 16 frames at 1920 x 1080. The first stretches are shorter, so that something soon plays."""
SAMPLE_RATE = 48_000
"""Samples a second of sound that is encoded again: every codec here knows it."""
SOUND_BITS = 192_000
"""A second, of sound that is encoded again."""
DESCRIPTION = 270
"""The Exif tag ImageDescription."""


@dataclass(frozen=True)
class Kind:
    """How to write one kind of video file."""

    container: str
    codec: str
    pixels: str
    quality: dict[str, str]
    sound: str | None
    """What sound becomes that the container does not take as it is; None: the container takes none at all."""
    taken: frozenset[str] | None = None
    """The sound that players expect in the container, which is copied; None: all that can be written."""
    options: dict[str, str] = field(default_factory=dict)
    colours: int | None = BT709
    even: bool = False
    """Whether the sides must be even numbers."""
    alpha: bool = False
    resumable: bool = True


# Fragments of a tenth of a second, complete by themselves, that become an ordinary file at the end; the header waits
# for what the sound's first packet says of it; the offsets keep the first frame at its own time. Without B-frames: with
# them the end of the last fragment could be lost.
_FRAGMENTS = {"movflags": "hybrid_fragmented+negative_cts_offsets+delay_moov", "frag_duration": "100000"}
_CLUSTERS = {"cluster_time_limit": "100"}  # milliseconds that Matroska keeps in memory at most
_H264: dict[str, Any] = {
    "codec": "libx264",
    "pixels": "yuv420p",
    "quality": {"crf": "17", "preset": "medium", "bf": "0"},
    "sound": "aac",
    "even": True,
}
_VP9 = {"crf": "24", "b": "0", "cpu-used": "4", "row-mt": "1"}
_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
_MOV = frozenset(
    {"aac", "mp3", "ac3", "eac3", "alac", *(f"pcm_{kind}" for kind in ("s16le", "s16be", "s24le", "s24be", "f32le"))}
)
_LOSSLESS = Kind("matroska", "ffv1", "bgr0", {}, "libopus", None, _CLUSTERS, colours=None)
_ANIMATION = replace(_LOSSLESS, sound=None)  # what animations are put together from at their end
KINDS = {
    ".mp4": Kind("mp4", **_H264, taken=_MP4, options=_FRAGMENTS),
    ".mov": Kind("mov", **_H264, taken=_MOV, options=_FRAGMENTS),
    ".mkv": Kind("matroska", **_H264, options=_CLUSTERS),
    ".webm": Kind("webm", "libvpx-vp9", "yuv420p", _VP9, "libopus", frozenset({"opus", "vorbis"}), _CLUSTERS),
    ".gif": _ANIMATION,
    ".webp": _ANIMATION,
    ".apng": _ANIMATION,
}
WITH_ALPHA = {
    ".mov": replace(
        KINDS[".mov"],
        codec="prores_ks",
        pixels="yuva444p10le",
        quality={"profile": "4444"},
        even=False,
        alpha=True,
    ),
    ".mkv": replace(_LOSSLESS, pixels="bgra", alpha=True),
    # Its opacity is in side data, which cannot be read back into a packet.
    ".webm": replace(KINDS[".webm"], pixels="yuva420p", alpha=True, resumable=False),
    **dict.fromkeys(ANIMATIONS, replace(_ANIMATION, pixels="bgra", alpha=True)),
}
"""For videos with transparency."""


def check_video_suffix(suffix: str) -> None:
    """ValueError where no video can be saved under a name that ends so."""
    if suffix.lower() not in KINDS:
        raise ValueError(f"a video cannot be saved as '{suffix}': end the name in one of {', '.join(KINDS)}")


def partial_path(path: Path) -> Path:
    """The name of a video that is still being written."""
    if path.suffix.lower() in ANIMATIONS:
        return path.with_name(f"{path.name}.part.mkv")
    return path.with_stem(f"{path.stem}.part")


def is_partial(path: Path) -> bool:
    """Whether a file bears such a name."""
    return path.suffix.lower() in KINDS and path.stem.endswith(".part")


def is_unfinished(path: Path) -> bool:
    """Whether there is something to go on from towards a video of this name."""
    return _Journal(partial_path(path)).state.is_file()


@contextmanager
def writing(path: Path, source: Video, order: str = "", afresh: bool = False) -> "Iterator[VideoFile]":
    """A video that is complete, as far as it came, at the end of the block; for the rest see `VideoFile`."""
    file = VideoFile(path, source, order, afresh)
    try:
        yield file
    except BaseException:
        file.close(finished=False)
        raise
    file.close()


class VideoFile:
    """A video that grows as its frames come, beside its sound.

    Until `close` its name is `NAME.part.mp4` (or as it ends), and it can be played up to the last seconds at any time,
    also where the process was killed. `close` completes it and gives it its own name, over any older file, even after
    an interruption or a failure: the frames done are worth keeping. Before the first frame nothing is written.

    With an `order`, which tells what is written here from anything else, what is needed to go on is kept beside it at
    each `checkpoint` until the video is finished. A file of the same order then starts with `kept` frames, for which
    `write` is given none, and whoever makes the frames goes on with the `state` of that checkpoint; unless `afresh`.

    H.264 takes even sides only: the last column or row of a picture with odd sides is repeated once.
    """

    def __init__(self, path: Path, source: Video, order: str = "", afresh: bool = False) -> None:
        if path.suffix.lower() not in WITH_ALPHA:
            check_video_suffix(path.suffix)
        self.path, self.partial, self.order = path, partial_path(path), order
        self.kept, self.state = 0, None
        self._kind = KINDS.get(path.suffix.lower(), _ANIMATION)
        self._source = source
        self._streams: tuple[OutputContainer, VideoStream, Sound] | None = None
        self._encoder: VideoCodecContext | None = None
        self._journal = _Journal(self.partial)
        self._stretch: list[bytes] = []
        self._started = self.done = 0
        """Frames before this stretch, and in all."""
        self._size = (0, 0)
        saved = self._journal.load(order) if order and not afresh else None
        if saved is not None:
            self.kept, self.state, self._size = saved["frames"], saved["state"], tuple(saved["size"])
            self._kind = WITH_ALPHA[path.suffix.lower()] if saved["alpha"] else self._kind

    def write(self, frames: Tensor, part: Part) -> None:
        """Add the frames [n, H, W, 3] in 0..1 that those of `part` have become, and its sound."""
        from av import VideoFrame

        made = frames.numel() > 0
        if made:
            if part.alpha is not None:
                frames = self._with_alpha(frames, part.alpha)
            if self._kind.even:
                height, width = frames.shape[1:3]
                frames = F.pad(frames.movedim(-1, 1), (0, width % 2, 0, height % 2), mode="replicate").movedim(1, -1)
            self._size = (frames.shape[1], frames.shape[2])
        kind, time_base = self._kind, self._source.time_base
        step = max(1, round(1 / (self._source.rate * time_base)))
        self._streams = self._streams or self._open()
        container, _, sound = self._streams
        self.done += len(part.times)
        if made:
            for values, time, duration in zip(eight_bits(frames).cpu(), part.times, part.durations, strict=True):
                pixels = values.contiguous().numpy()
                frame = VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[-1] == 4 else "rgb24")
                frame = frame.reformat(format=kind.pixels, dst_colorspace=kind.colours)
                frame.time_base, frame.pts, frame.duration = time_base, time, duration or step
                self._encoder = self._encoder or self._new_encoder()
                self._mux(self._encoder.encode(frame))
            longest = min(KEYFRAME_SECONDS * self._source.rate, STRETCH_PIXELS // (self._size[0] * self._size[1]))
            if self.done - self._started >= min(self._started, longest):
                self._end_stretch()
                self._started = self.done
        else:
            self._mux(self._journal.next(len(part.times)))
            self._stretch, self._started = [], self.done
        container.mux([written for packet in part.sound for written in sound.written(packet)])

    def checkpoint(self, state: Any = None) -> None:  # noqa: ANN401 - tensors in dictionaries and lists
        """With an order, where a stretch has just ended: keep what is needed to go on from here, `state` too."""
        if self._encoder is not None or not self._stretch:
            return
        if self.order and self._kind.resumable:
            values = {"frames": self.done, "size": self._size, "alpha": self._kind.alpha, "state": state}
            self._journal.save({"order": self.order, **values}, self._stretch)
        self._stretch = []

    def close(self, finished: bool = True) -> None:
        """Complete the file, if there is one, under its own name; unless `finished`, keep what going on needs."""
        if self._streams is not None:
            container, _, sound = self._streams
            with container:
                self._end_stretch()
                container.mux(list(sound.flushed()))
            self._streams = None
            if not self.done or not self.partial.exists():  # the encoder refused the first frame
                pass
            elif self.path.suffix.lower() in ANIMATIONS:
                _animate(self.partial, self.path, self.order)
                self.partial.unlink()
            else:
                self.partial.replace(self.path)
        self._journal.close(remove=finished)

    def _with_alpha(self, frames: Tensor, alpha: Tensor) -> Tensor:
        """[n, H, W, 4]; or, where the file holds no transparency, over black, as players show it."""
        if self._streams is None:
            if self.path.suffix.lower() in WITH_ALPHA:
                self._kind = WITH_ALPHA[self.path.suffix.lower()]
            else:
                log.warning("%s files hold no transparency: it is put on black.", self.path.suffix[1:])
        size = (frames.shape[1], frames.shape[2])
        if alpha.shape[1:] != size:
            alpha = F.interpolate(alpha[:, None], size, mode="bilinear", antialias=True)[:, 0]
        alpha = alpha.to(frames)[..., None]
        return torch.cat((frames, alpha), -1) if self._kind.alpha else frames * alpha

    def _open(self) -> "tuple[OutputContainer, VideoStream, Sound]":
        import av

        kind, source = self._kind, self._source
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        options = {**kind.options, "flush_packets": "1"}
        container = av.open(str(self.partial), "w", format=kind.container, container_options=options)
        if self.order:
            container.metadata["comment"] = self.order
        picture = cast("VideoStream", container.add_stream(kind.codec, rate=source.rate, options=dict(kind.quality)))
        self._set_up(picture.codec_context)
        return container, picture, Sound.of(container, source, kind, self.path.suffix)

    def _new_encoder(self) -> "VideoCodecContext":
        """As that of the stream, which only says in the file's header what there is."""
        from av import CodecContext

        assert self._streams is not None
        coder, like = cast("VideoCodecContext", CodecContext.create(self._kind.codec, "w")), self._streams[1]
        coder.options = dict(self._kind.quality)
        coder.framerate = self._source.rate
        coder.flags |= like.codec_context.flags | FRAME_DURATION
        coder.bit_rate = like.codec_context.bit_rate or 0
        self._set_up(coder)
        return coder

    def _set_up(self, coder: "VideoCodecContext") -> None:
        kind, source = self._kind, self._source
        coder.height, coder.width = self._size
        coder.pix_fmt, coder.time_base = kind.pixels, source.time_base
        coder.gop_size = max(1, round(KEYFRAME_SECONDS * source.rate))
        coder.thread_count = 1  # x264 with several does not make all frames alike each time
        if kind.colours is not None:  # unsaid, players take small pictures for BT.601
            coder.colorspace = coder.color_primaries = coder.color_trc = kind.colours
            coder.color_range = LIMITED

    def _end_stretch(self) -> None:
        if self._encoder is not None:
            self._mux(self._encoder.encode(None))
            self._encoder = None

    def _mux(self, packets: "Iterable[Packet]") -> None:
        """Write the next packets; frames are encoded in the order in which they are shown."""
        assert self._streams is not None
        container, picture, _ = self._streams
        for packet in packets:
            if self.order:
                self._stretch.append(_Journal.entry(packet))
            packet.stream, packet.time_base, packet.dts = picture, self._source.time_base, packet.pts
            container.mux(packet)


class _Journal:
    """What going on needs, beside a file that is being written: the packets of its stretches, and the state at the end
    of the last one."""

    HEAD = Struct("<qqq?")  # bytes, time, duration, whether it is a keyframe

    def __init__(self, partial: Path) -> None:
        self.packets = partial.with_name(f"{partial.name}.packets")
        self.state = partial.with_name(f"{partial.name}.state")
        self._file: IO[bytes] | None = None

    def load(self, order: str) -> dict[str, Any] | None:
        """What was saved last by the same order; None where there is nothing to go on from."""
        try:
            saved = torch.load(self.state, weights_only=True)
            if saved["order"] != order:
                return None
            self._file = self.packets.open("r+b")
            for _ in range(saved["frames"]):
                size, *_ = self.HEAD.unpack(self._file.read(self.HEAD.size))
                self._file.seek(size, 1)
            if self._file.tell() > self.packets.stat().st_size:
                raise EOFError
        except Exception:  # whatever a killed run or another program left
            self.close(remove=False)
            return None
        self._file.truncate()
        self._file.seek(0)
        return saved

    def next(self, count: int) -> "Iterator[Packet]":
        """The next packets that were saved."""
        from av import Packet

        assert self._file is not None
        for _ in range(count):
            size, time, duration, key = self.HEAD.unpack(self._file.read(self.HEAD.size))
            packet = Packet(self._file.read(size))
            packet.pts, packet.duration, packet.is_keyframe = time, duration, key
            yield packet

    @classmethod
    def entry(cls, packet: "Packet") -> bytes:
        return cls.HEAD.pack(packet.size, packet.pts, packet.duration or 0, packet.is_keyframe) + bytes(packet)

    def save(self, state: dict[str, Any], stretch: list[bytes]) -> None:
        """The entries of a stretch, and the state at its end."""
        self._file = self._file or self.packets.open("w+b")
        self._file.writelines(stretch)
        self._file.flush()
        fresh = self.state.with_name(f"{self.state.name}.new")
        torch.save(state, fresh)
        fresh.replace(self.state)

    def close(self, remove: bool) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if remove:
            self.state.unlink(missing_ok=True)
            self.packets.unlink(missing_ok=True)


def written_order(path: Path) -> str:
    """The order that a finished video was written for; empty where none is known."""
    try:
        if path.suffix.lower() in ANIMATIONS:
            from PIL import Image

            with Image.open(path) as picture:
                comment = picture.info.get("comment") or picture.getexif().get(DESCRIPTION) or ""
            return comment.decode() if isinstance(comment, bytes) else str(comment)
        import av

        with av.open(str(path)) as container:
            return {name.lower(): text for name, text in container.metadata.items()}.get("comment", "")
    except (OSError, SyntaxError, ValueError):
        return ""


def _animate(lossless: Path, path: Path, order: str) -> None:
    """Put a GIF, WebP or PNG together from its frames in a video; frames too short for browsers are passed over."""
    import av
    from PIL import Image

    gif = path.suffix.lower() == ".gif"
    grid, shortest = (10, 2) if gif else (1, SHORTEST_DELAY)
    images: list[Image.Image] = []
    starts: list[int] = []
    end = 0
    with av.open(str(lossless)) as container:
        for frame in container.decode(video=0):
            milliseconds = 1000 * (frame.pts or 0) * (frame.time_base or 0)
            end = round((milliseconds + 1000 * frame.duration * (frame.time_base or 0)) / grid)
            start = round(milliseconds / grid)
            if starts and start < starts[-1] + shortest:
                continue
            starts.append(start)
            alpha = frame.format.name == "bgra"
            image = Image.fromarray(frame.to_ndarray(format="rgba" if alpha else "rgb24"))
            if alpha and gif:
                image.putalpha(image.getchannel("A").point([0] * 128 + [255] * 128))
            images.append(image)
    ends = [*starts[1:], max(end, starts[-1] + shortest)]
    delays = [grid * (end - start) for start, end in zip(starts, ends, strict=True)]
    exif = Image.Exif()
    exif[DESCRIPTION] = order
    more: dict[str, Any] = (
        {"comment": order, "disposal": 2 if images[0].mode == "RGBA" else 1} if gif else {"exif": exif}
    )
    kind = {".gif": "GIF", ".webp": "WEBP"}.get(path.suffix.lower(), "PNG")
    if kind == "WEBP":
        more["quality"] = 95
    fresh = path.with_name(f"{path.name}.part")
    images[0].save(fresh, kind, save_all=True, append_images=images[1:], duration=delays, loop=0, **more)
    fresh.replace(path)


@dataclass(frozen=True)
class Sound:
    """The streams of sound of a new file by their index in the source: as they are, or encoded again."""

    copied: "dict[int, AudioStream]"
    encoded: "dict[int, AudioStream]"
    unframed: "dict[int, BitStreamFilterContext]"
    """Takes the headers off AAC's packets that broadcast streams have in place of one for all."""
    last: dict[int, int]
    """When the last packet of each was."""

    @staticmethod
    def of(container: "OutputContainer", source: Video, kind: Kind, suffix: str) -> "Sound":
        """Streams for those of the source."""
        from av.bitstream import BitStreamFilterContext

        sound = Sound({}, {}, {}, {})
        if source.sounds and kind.sound is None:
            log.warning("%s files hold no sound: it is left out.", suffix[1:])
            return sound
        for stream in source.sounds:
            coder = stream.codec_context
            if coder is None or not coder.sample_rate:
                log.warning("A track of sound is left out, whose kind is not known.")
                continue
            name = coder.codec.canonical_name
            if name in container.supported_codecs and (kind.taken is None or name in kind.taken):
                sound.copied[stream.index] = container.add_stream_from_template(stream)
                if name == "aac" and not coder.extradata:
                    sound.unframed[stream.index] = BitStreamFilterContext("aac_adtstoasc", stream)
            else:
                layout = "mono" if coder.layout.nb_channels == 1 else "stereo"
                new = cast("AudioStream", container.add_stream(kind.sound or "", rate=SAMPLE_RATE, layout=layout))
                new.bit_rate = SOUND_BITS
                sound.encoded[stream.index] = new
        return sound

    def written(self, packet: "Packet") -> "Iterator[Packet]":
        """The packets to write for one of the source's; what is damaged or comes twice is left out."""
        from av.error import FFmpegError

        index, base = packet.stream.index, packet.time_base
        try:
            if index in self.encoded:
                for frame in packet.decode():
                    yield from self.encoded[index].encode(frame)  # pyright: ignore[reportArgumentType] - a sound stream's
            elif index in self.copied and packet.dts is not None:  # the one without is the source's end
                for each in self.unframed[index].filter(packet) if index in self.unframed else (packet,):
                    if each.dts is not None and each.dts > self.last.get(index, each.dts - 1):
                        self.last[index] = each.dts
                        each.stream, each.time_base = self.copied[index], base
                        yield each
        except FFmpegError as error:
            log.warning("Damaged sound is left out: %s", error.strerror)

    def flushed(self) -> "Iterator[Packet]":
        """What the encoders still hold."""
        for stream in self.encoded.values():
            yield from stream.encode(None)
