"""Tiny videos, painted with PyAV."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from torch import Tensor

from brushwork.media.images import eight_bits

RATE, SIZE, STEP = 25, (48, 64), Fraction(1, 12_800)


def moving(frames: int = 10, size: tuple[int, int] = SIZE) -> Tensor:
    """A soft blob that crosses a coloured ground [n, H, W, 3]."""
    across, down = torch.linspace(0, 1, size[1]), torch.linspace(0, 1, size[0])[:, None]
    ground = torch.stack([across.expand(size), down.expand(size), torch.full(size, 0.3)], -1)
    blobs = [torch.exp(-40 * ((across - at) ** 2 + (down - 0.5) ** 2)) for at in torch.linspace(0.1, 0.9, frames)]
    return (ground + torch.stack(blobs)[..., None] * 0.5).clamp(0, 1)


def write_clip(
    path: Path, frames: Tensor | None = None, times: list[int] | None = None, sound: str | None = "aac", **more: Any
) -> Path:
    """Frames [n, H, W, 3] at 25 a second (or at `times`, in 12,800ths of a second) beside a sine."""
    frames = moving() if frames is None else frames
    times = times or [512 * k for k in range(len(frames))]
    with av.open(str(path), "w", **more) as container:
        codec = "libvpx-vp9" if path.suffix == ".webm" else "libx264"
        picture = container.add_stream(codec, rate=RATE, options={"crf": "1"})
        picture.height, picture.width, picture.pix_fmt = *frames.shape[1:3], "yuv444p"
        picture.codec_context.time_base = STEP
        track = container.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for values, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(eight_bits(values).numpy(), format="rgb24")
            frame.pts, frame.time_base = time, STEP
            container.mux(picture.encode(frame))
            if track:
                container.mux(track.encode(_sine(time * 48_000 // 12_800)))
        container.mux(picture.encode(None))
        if track:
            container.mux(track.encode(None))
    return path


def _sine(start: int) -> av.AudioFrame:
    samples = np.sin(np.arange(start, start + 1920) * 440 * 2 * np.pi / 48_000).astype(np.float32) * 0.3
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
    return frame


def turned(path: Path, quarters: int) -> Path:
    """An MP4 that asks to be turned clockwise by quarters, as telephones write it: in its matrix of sixteenths."""
    one, none = (1 << 16).to_bytes(4, "big"), bytes(4)
    minus = (-1 << 16).to_bytes(4, "big", signed=True)
    cells = {1: (none, one, minus, none), 2: (minus, none, none, minus), 3: (none, minus, one, none)}[quarters]
    data = path.read_bytes()
    track = data.index(b"tkhd")  # the picture's comes first
    at = data.index(one + none * 3 + one, track)
    a, b, c, d = cells
    path.write_bytes(data[:at] + a + b + none + c + d + data[at + 20 :])
    return path
