"""Soft masks on pictures, on the cells of feature maps, and with feathered edges."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.tests.laws import law, picture, seeds
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.masks import cell_weights, feather, fill_hidden, inner_feather, resize_mask

lengths = st.integers(1, 40)
strides = st.sampled_from([1, 2, 4, 8, 16])


def mask(height: int, width: int, seed: int = 0, batch: int = 1) -> Tensor:
    return picture(height, width, batch, seed)[:, 0]


@law
@given(lengths, lengths, lengths, lengths, seeds)
@example(1, 1, 40, 40, 0)
@example(40, 40, 1, 1, 0)
def test_resized_masks(height: int, width: int, new_height: int, new_width: int, seed: int) -> None:
    resized = resize_mask(mask(height, width, seed, 2), (new_height, new_width))
    assert resized.shape == (2, new_height, new_width)
    assert resized.min() >= 0 and resized.max() <= 1
    ones = torch.ones(1, height, width)
    assert_close(resize_mask(ones, (new_height, new_width)), torch.ones(1, new_height, new_width))
    assert torch.equal(resize_mask(0 * ones, (new_height, new_width)), torch.zeros(1, new_height, new_width))


def test_a_mask_of_the_right_size_stays() -> None:
    assert torch.equal(resize_mask(mask(5, 7), (5, 7)), mask(5, 7))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float16])
@pytest.mark.parametrize("size", [(4, 6), (8, 3)])
def test_masks_of_other_dtypes(dtype: torch.dtype, size: tuple[int, int]) -> None:
    assert resize_mask(torch.ones(1, 4, 6).to(dtype), size).dtype == torch.float32


@law
@given(lengths, lengths, strides, seeds, st.integers(0, 1))
@example(1, 1, 16, 0, 1)
@example(1, 1, 1, 0, 1)
def test_a_cell_weighs_the_mean_of_its_pixels(height: int, width: int, stride: int, seed: int, more: int) -> None:
    """Positions over the edge repeat the last pixels; maps of small pictures have a cell more than they need."""
    cells = (-(-height // stride) + more, -(-width // stride) + more)
    values = mask(height, width, seed, 2)
    rows, columns = (
        torch.arange(n * stride).clamp(max=length - 1) for n, length in zip(cells, (height, width), strict=True)
    )
    covered = values[:, rows][:, :, columns]
    expected = covered.reshape(2, cells[0], stride, cells[1], stride).mean((2, 4))
    assert_close(cell_weights(values, cells, stride), expected[:, None])


def test_an_edge_in_the_middle_of_a_cell() -> None:
    values = torch.zeros(1, 4, 6)
    values[:, :, :3] = 1
    assert cell_weights(values, (2, 3), 2).tolist() == [[[[1, 0.5, 0], [1, 0.5, 0]]]]


radii = st.floats(0, 20)


@law
@given(lengths, lengths, radii, seeds)
@example(1, 1, 5.0, 0)
@example(1, 40, 5.0, 0)
def test_feathered_masks(height: int, width: int, radius: float, seed: int) -> None:
    """Within 0..1; mirrored masks give mirrored results; the softened outside is what the softened inside leaves."""
    values = mask(height, width, seed, 2)
    soft = feather(values, radius)
    assert soft.shape == values.shape
    assert soft.min() >= 0 and soft.max() <= 1
    assert_close(feather(values.flip(2), radius), soft.flip(2))
    assert_close(feather(values.flip(1), radius), soft.flip(1))
    assert_close(feather(1 - values, radius), 1 - soft)
    assert_close(feather(torch.ones(1, height, width), radius), torch.ones(1, height, width))


def test_an_edge_is_softened_over_the_radius_to_both_sides() -> None:
    values = torch.zeros(1, 9, 40)
    values[:, :, 20:] = 1
    bell = (-torch.arange(-6, 7).square() / (2 * 3**2)).exp()
    expected = torch.cat([torch.zeros(14), (bell / bell.sum()).cumsum(0)[:-1], torch.ones(14)])
    assert_close(feather(values, 6)[0, 4], expected)


def test_no_radius_no_change() -> None:
    assert torch.equal(feather(mask(5, 7), 0), mask(5, 7))


def test_an_inner_feather_stays_inside_and_reaches_one() -> None:
    mask = torch.zeros(1, 30, 40)
    mask[:, :, 15:] = 1
    soft = inner_feather(mask, 2)
    assert torch.equal(soft[..., :15], mask[..., :15]) and torch.equal(soft[..., 19:], mask[..., 19:])
    assert_close(soft[0, 7, 15:19], torch.tensor([0.2, 0.4, 0.6, 0.8]))
    assert (soft.diff(dim=-1) >= 0).all() and (soft == soft[:, :1]).all()  # up to the picture's own edges


def test_an_inner_feather_adds_nothing_and_leaves_thin_lines() -> None:
    mask = torch.rand(2, 20, 30, generator=torch.Generator().manual_seed(0))
    assert (inner_feather(mask, 3) <= mask + 1e-6).all()
    assert torch.equal(inner_feather(torch.ones(1, 9, 9), 3), torch.ones(1, 9, 9))
    line = torch.zeros(1, 20, 20)
    line[:, :, 9:12] = 1
    assert torch.equal(inner_feather(line, 3), line)


def test_an_inner_feather_sees_two_radii() -> None:
    mask = (torch.rand(1, 40, 40, generator=torch.Generator().manual_seed(1)) > 0.02).float()
    assert_close(inner_feather(mask[:, 4:36, 4:36], 3)[:, 6:-6, 6:-6], inner_feather(mask, 3)[:, 10:30, 10:30])


@law
@given(lengths, lengths, seeds)
def test_hidden_colours_have_no_effect(height: int, width: int, seed: int) -> None:
    image, other = picture(height, width, 2, seed), picture(height, width, 2, seed + 1)
    alpha = (mask(height, width, seed, 2) - 0.5).clamp(min=0) * 2
    shown = alpha[:, None] > 0
    filled = fill_hidden(image, alpha)
    assert torch.equal(filled.where(shown, 0), image.where(shown, 0))
    assert torch.equal(filled, fill_hidden(torch.where(shown, image, other), alpha))
    for index in range(2):
        if shown[index].any():
            seen = image[index][:, shown[index, 0]]
            low, high = seen.amin(1)[:, None, None], seen.amax(1)[:, None, None]
            assert (filled[index] > low - 1e-4).all() and (filled[index] < high + 1e-4).all()
        else:
            assert not filled[index].any()


def test_hidden_pixels_take_the_nearest_colours() -> None:
    image, alpha = torch.zeros(1, 3, 8, 64), torch.zeros(1, 8, 64)
    image[:, 0, :, :8] = image[:, 1, :, -8:] = 1
    alpha[..., :8] = alpha[..., -8:] = 1
    filled = fill_hidden(image, alpha)[0, :, 4]
    assert filled[0, 9:24].min() > 0.7 and filled[1, -24:-9].min() > 0.7
