"""Colour profiles made by hand, after the ICC's specification (ICC.1:2001-04)."""

import struct
from collections.abc import Mapping

D50 = (0.9642, 1.0, 0.8249)
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
"""XYZ of full red, green and blue, for a white of D50."""


def rgb_profile(primaries: tuple[tuple[float, ...], ...], gamma: float) -> bytes:
    """Colours by three primaries and a power."""
    columns = {f"{name}XYZ": _xyz(values) for name, values in zip("rgb", primaries, strict=True)}
    return _profile(b"mntrRGB XYZ ", {**columns, **{f"{name}TRC": _curve(gamma) for name in "rgb"}, "wtpt": _xyz(D50)})


def grey_profile(gamma: float) -> bytes:
    """Greys by a power."""
    return _profile(b"mntrGRAYXYZ ", {"kTRC": _curve(gamma), "wtpt": _xyz(D50)})


def cmyk_profile(ink: Mapping[tuple[int, int, int, int], tuple[int, int, int]]) -> bytes:
    """Lab as bytes for each mixture of four inks that are fully there or not; linear between them."""
    corners = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    table = bytes(value for corner in corners for value in ink[corner])
    matrix = b"".join(struct.pack(">i", round(value * 65536)) for value in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + ramp * 4 + table + ramp * 3
    return _profile(b"prtrCMYKLab ", {"A2B0": lut, "wtpt": _xyz(D50)})


def _profile(kind: bytes, tags: Mapping[str, bytes]) -> bytes:
    start, listed, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        listed += name.encode() + struct.pack(">II", start + len(body), len(value))
        body += value + b"\0" * (-len(value) % 4)
    header = struct.pack(">I4sI", start + len(body), b"", 0x02100000) + kind
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _xyz(D50)[8:]
    return header.ljust(128, b"\0") + listed + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
