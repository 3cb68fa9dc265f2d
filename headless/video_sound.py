"""The sound of a video, handed on beside new pictures: as it is where the file takes it, else encoded again."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

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
