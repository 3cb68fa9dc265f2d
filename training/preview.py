"""A picture of how far a run is, beside its checkpoint."""

import io
from pathlib import Path

import torch
from torch import Tensor

from ..pictures.files import write_whole


def write_preview(path: Path, sheet: Tensor) -> None:
    """Save `sheet` [1, 3, H, W] in 0..1 (values outside are clipped) as PNG, whole or not at all."""
    from PIL import Image

    pixels = sheet[0].detach().float().nan_to_num().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.movedim(0, -1).contiguous().numpy()).save(file, "PNG")
    write_whole(path, file.getvalue(), path.with_name(f"{path.name}.part"))
