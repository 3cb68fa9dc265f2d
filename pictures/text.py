"""Text as pixels."""

import torch
from torch import Tensor


def draw_text(text: str, size: tuple[int, int], paper: float, ink: float = 0.15, at_left: bool = False) -> Tensor:
    """One line of `text`, centred or at the left, in a grey picture [3, H, W] of `size` (H, W); shrunk to fit."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = size
    canvas = Image.new("L", (width, height), round(paper * 255))
    draw = ImageDraw.Draw(canvas)
    points = height * 0.72
    while points > 6 and draw.textlength(text, ImageFont.load_default(points)) > width:
        points *= 0.9
    font = ImageFont.load_default(points)
    place, anchor = (0.0, "lm") if at_left else (width / 2, "mm")
    draw.text((place, height / 2), text, fill=round(ink * 255), font=font, anchor=anchor)
    pixels = torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8).reshape(1, height, width)
    return (pixels.float() / 255).expand(3, -1, -1)
