"""Preview sheets: any tensor that a picture may be becomes a PNG."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from brushwork.training.preview import write_preview


@pytest.mark.parametrize("value, level", [(-1.0, 0), (0.2, 51), (2.0, 255), (float("nan"), 0), (float("inf"), 255)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_values(tmp_path: Path, value: float, level: int, dtype: torch.dtype) -> None:
    write_preview(tmp_path / "new" / "a.png", torch.full((1, 3, 2, 5), value, dtype=dtype, requires_grad=True))
    with Image.open(tmp_path / "new" / "a.png") as picture:
        assert picture.size == (5, 2)
        assert picture.getpixel((4, 1)) == (level, level, level)
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_channels(tmp_path: Path) -> None:
    colours = torch.tensor([1.0, 0.0, 0.4]).reshape(1, 3, 1, 1).expand(1, 3, 2, 2)
    write_preview(tmp_path / "a.png", colours.contiguous(memory_format=torch.channels_last))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.getpixel((0, 0)) == (255, 0, 102)
