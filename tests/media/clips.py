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
    path: Path,
    frames: Tensor | None = None,
    times: list[int] | None = None,
    sound: str | None = "aac",
    codec: str | None = None,
    pixels: str = "yuv444p",
    layout: str = "mono",
    colours: dict[str, int] | None = None,
    aspect: Fraction | None = None,
    alpha: Tensor | None = None,
    matrix: int = 5,
    **more: Any,
) -> Path:
    """Frames [n, H, W, 3] at 25 a second (or at `times`, in 12,800ths of a second) beside a sine.

    `colours` are the tags that the file bears, `matrix` how its colours are stored, `aspect` the shape of its pixels.
    """
    frames = moving() if frames is None else frames
    times = times or [512 * k for k in range(len(frames))]
    if alpha is not None:
        frames = torch.cat((frames, alpha[..., None]), -1)
    with av.open(str(path), "w", **more) as container:
        codec = codec or ("libvpx-vp9" if path.suffix == ".webm" else "libx264")
        precise = (
            {"crf": "4", "b": "2M"} if codec == "libvpx" else {"crf": "1"} if codec[:3] == "lib" else {"qscale": "2"}
        )
        picture = container.add_stream(codec, rate=RATE, options=precise)
        picture.height, picture.width, picture.pix_fmt = *frames.shape[1:3], pixels
        picture.codec_context.time_base = STEP if codec in ("libx264", "libvpx-vp9", "ffv1") else Fraction(1, RATE)
        if aspect is not None:
            picture.codec_context.sample_aspect_ratio = aspect
        for name, value in (colours or {}).items():
            setattr(picture.codec_context, name, value)
        track = container.add_stream(sound, rate=48_000, layout=layout) if sound else None
        for values, time in zip(frames, times, strict=True):
            kind = "rgba" if alpha is not None else "rgb24"
            frame = av.VideoFrame.from_ndarray(eight_bits(values).numpy(), format=kind)
            frame = frame.reformat(format=pixels, dst_colorspace=matrix)
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


QUARTERS = {1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}
"""The matrices (a, b, c, d) that turn clockwise: what is at (x, y) is shown at (a x + c y, b x + d y)."""


def turned(path: Path, quarters: int) -> Path:
    """An MP4 that asks to be turned clockwise by quarters, as telephones write it."""
    return shown_by(path, QUARTERS[quarters])


def shown_by(path: Path, cells: tuple[int, int, int, int]) -> Path:
    """An MP4 that asks to be shown by a matrix (a, b, c, d), which it has in sixteenths."""
    one, none = (1 << 16).to_bytes(4, "big"), bytes(4)
    data = path.read_bytes()
    track = data.index(b"tkhd")  # the picture's comes first
    at = data.index(one + none * 3 + one, track)
    a, b, c, d = ((cell << 16).to_bytes(4, "big", signed=True) for cell in cells)
    path.write_bytes(data[:at] + a + b + none + c + d + data[at + 20 :])
    return path
