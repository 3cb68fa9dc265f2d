"""The stand-ins for ComfyUI's picture and mask nodes, on cases that can be seen."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from brushwork.runner.core_nodes import (
    image_crop,
    image_to_mask,
    invert_mask,
    load_image,
    load_image_mask,
    mask_composite,
    solid_mask,
    threshold_mask,
)

RAMP = torch.arange(12.0).reshape(1, 2, 6, 1).expand(1, 2, 6, 3) / 12


def solid(value: float, width: int, height: int) -> Tensor:
    return solid_mask(value, width, height)[0]


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [((2, 1, 3, 1), slice(1, 2), slice(3, 5)), ((9, 9, 4, 0), slice(0, 2), slice(4, 6)), ((1, 1, 9, 9), -1, -1)],
)
def test_a_crop_is_the_part_that_lies_inside(
    box: tuple[int, int, int, int], rows: slice | int, columns: slice | int
) -> None:
    width, height, x, y = box
    (part,) = image_crop(RAMP, width, height, x, y)
    assert torch.equal(part.flatten(), RAMP[:, rows, columns].flatten())


def test_a_mask_is_one_channel() -> None:
    picture = torch.rand(2, 3, 4, 3)
    assert torch.equal(image_to_mask(picture, "green")[0], picture[..., 1])


def test_threshold_and_inverse() -> None:
    mask = torch.tensor([[[0.2, 0.5, 0.7]]])
    (cut,) = threshold_mask(mask, 0.5)
    assert cut.flatten().tolist() == [0, 0, 1]
    assert invert_mask(cut)[0].flatten().tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("operation", "inside"), [("add", 1), ("multiply", 0.25), ("subtract", 0), ("and", 1), ("or", 1), ("xor", 0)]
)
def test_a_composite_changes_only_what_the_source_covers(operation: str, inside: float) -> None:
    destination = solid(0.5, 4, 2)
    (result,) = mask_composite(destination, solid(0.5, 2, 9), 1, 1, operation)
    assert result[0].tolist() == [[0.5] * 4, [0.5, inside, inside, 0.5]]
    assert torch.equal(destination, solid(0.5, 4, 2))


def test_pictures_of_a_workflow_are_guarded_and_those_of_a_person_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    for load in (load_image, lambda image, folder: load_image_mask(image, folder, "red")):
        load(tmp_path / "a.png", tmp_path)
        with pytest.raises(ValueError, match="decompression bomb"):
            load("a.png", tmp_path)
