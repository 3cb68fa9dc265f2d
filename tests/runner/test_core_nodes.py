"""The stand-ins for ComfyUI's picture and mask nodes, on cases that can be seen."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from brushwork.runner.core_nodes import (
    SCALING,
    image_batch,
    image_crop,
    image_scale,
    image_scale_by,
    image_to_mask,
    invert_mask,
    join_alpha,
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


@pytest.mark.parametrize(("asked", "size"), [((4, 6), (6, 4)), ((3, 0), (1, 3)), ((0, 6), (6, 18)), ((0, 0), (2, 6))])
@pytest.mark.parametrize("kind", SCALING[0])
def test_a_side_of_nothing_follows_the_other_one(kind: str, asked: tuple[int, int], size: tuple[int, int]) -> None:
    (scaled,) = image_scale(torch.full((2, 2, 6, 3), 0.2), kind, *asked, "disabled")
    assert scaled.shape == (2, *size, 3) and torch.allclose(scaled, torch.tensor(0.2), atol=1e-6)


@pytest.mark.parametrize("kind", SCALING[0])
def test_what_the_new_shape_lacks_is_cut_off_on_both_sides(kind: str) -> None:
    wide = torch.zeros(1, 4, 10, 3)
    wide[:, :, 3:7] = 1.0
    assert torch.allclose(image_scale(wide, kind, 2, 2, "center")[0], torch.ones(1, 2, 2, 3))
    assert torch.allclose(image_scale(wide.transpose(1, 2), kind, 2, 2, "center")[0], torch.ones(1, 2, 2, 3))


def test_twice_as_large_by_the_nearest_pixel() -> None:
    (twice,) = image_scale_by(RAMP, "nearest-exact", 2.0)
    assert torch.equal(twice, RAMP.repeat_interleave(2, 1).repeat_interleave(2, 2))


def test_a_batch_has_the_size_of_the_first_pictures() -> None:
    one, other = torch.full((2, 4, 6, 3), 0.3), torch.full((1, 9, 5, 3), 0.6)
    (batch,) = image_batch(one, other)
    assert batch.shape == (3, 4, 6, 3) and torch.equal(batch[:2], one) and torch.allclose(batch[2], other[0, :4, :1])


def test_a_picture_is_transparent_where_the_mask_is_white() -> None:
    (joined,) = join_alpha(RAMP.expand(3, -1, -1, -1), torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]]))
    assert joined.shape == (2, 2, 6, 4) and torch.equal(joined[..., :3], RAMP.expand(2, -1, -1, -1))
    assert torch.allclose(joined[0, 0, :, 3], joined[1, 0, :, 3].flip(0), atol=1e-6)
    assert joined[0, 0, 0, 3] == 1 and joined[0, 0, -1, 3] == 0


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
