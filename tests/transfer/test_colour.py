"""Keeping colours: what is taken from whom, and statistics that do not depend on the picture's size."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kornia.color import rgb_to_lab
from torch import Tensor

from brushwork.tests.laws import covariance, law, picture, seeds
from brushwork.tests.parity.compare import distance
from brushwork.tests.tolerances import COVARIANCE, assert_close
from brushwork.transfer.colour import keep_colours, keep_luminance, match_colours

many = st.integers(3, 12)


def muted(height: int, width: int, batch: int = 1, seed: int = 0) -> Tensor:
    """Colours so near grey that lightness and chroma of any two make a colour that a screen can show."""
    return 0.4 + 0.2 * picture(height, width, batch, seed)


def lab(image: Tensor) -> Tensor:
    """L*a*b* in units of a hundred."""
    return rgb_to_lab(image) / 100


def test_lightness_of_one_and_chroma_of_the_other() -> None:
    stylised, content = muted(6, 7, 2), muted(6, 7, 2, seed=1)
    result = lab(keep_luminance(stylised, content))
    assert_close(result[:, :1], lab(stylised)[:, :1])
    assert_close(result[:, 1:], lab(content)[:, 1:])


def test_a_picture_with_itself() -> None:
    image = picture(6, 7)
    assert_close(keep_luminance(image, image), image)


def test_grey_content_makes_grey() -> None:
    result = keep_luminance(picture(6, 7), picture(6, 7, seed=1).mean(1, keepdim=True).expand(-1, 3, -1, -1))
    assert result.std(1).max() < 1e-3


def test_one_content_for_many() -> None:
    stylised, content = muted(4, 5, 3), muted(4, 5, seed=1)
    assert_close(keep_luminance(stylised, content), keep_luminance(stylised, content.expand(3, -1, -1, -1)))


def test_luminance_stays_in_range() -> None:
    white, red = torch.ones(1, 3, 2, 2), torch.tensor([1.0, 0, 0]).reshape(1, 3, 1, 1).expand(1, 3, 2, 2)
    result = keep_luminance(white, red)
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1


@law
@given(st.integers(1, 3), many, many, many, many, st.booleans(), seeds)
def test_mean_and_covariance_are_the_references(
    batch: int, height: int, width: int, ref_height: int, ref_width: int, shared: bool, seed: int
) -> None:
    """Whatever the two sizes: the covariance is divided by the number of pixels."""
    image = picture(height, width, batch, seed)
    reference = muted(ref_height, ref_width, 1 if shared else batch, seed + 1)
    result = match_colours(image, reference)
    assert_close(result.mean((2, 3)), reference.mean((2, 3)).expand(batch, -1))
    for item, target in zip(result, reference.expand(batch, -1, -1, -1), strict=True):
        assert distance(covariance(item), covariance(target)) < COVARIANCE


def test_a_larger_copy_of_the_reference_changes_nothing() -> None:
    image, reference = picture(8, 8), muted(30, 30, seed=1)
    larger = reference.repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(match_colours(image, larger), match_colours(image, reference), rtol=0, atol=1e-3)


def test_matched_to_itself() -> None:
    image = picture(9, 9)
    assert_close(match_colours(image, image), image)


@pytest.mark.parametrize("flat", ["image", "reference"])
@pytest.mark.parametrize("size", [1, 5])
def test_flat_and_grey_pictures(flat: str, size: int) -> None:
    grey = torch.full((1, 3, size, size), 0.5)
    image, reference = (grey if name == flat else picture(5, 5) for name in ("image", "reference"))
    result = match_colours(image, reference)
    assert_close(result.mean((2, 3)), reference.mean((2, 3)))
    assert_close(result, reference.mean((2, 3), keepdim=True).expand_as(result))


def test_pixels_that_do_not_count() -> None:
    """As if they were not there; they are changed as all are."""
    image, reference = picture(8, 8), picture(6, 7, seed=1)
    masks = torch.zeros(1, 8, 8), torch.zeros(1, 6, 7)
    masks[0][..., :3], masks[1][..., 2:] = 1, 1
    result = match_colours(image, reference, *masks)
    assert_close(result[..., :3], match_colours(image[..., :3], reference[..., 2:]))
    again = match_colours(result, reference, *masks)
    assert_close(again, result)


@pytest.mark.parametrize("by_pixel", [True, False])
def test_colours_kept_within_a_region(by_pixel: bool) -> None:
    """Its own pixels decide, those that do not count do not, and outside all stays as it is."""
    stylised, content = muted(6, 8), muted(6, 8, seed=1)
    left, top = torch.zeros(1, 6, 8), torch.zeros(1, 6, 8)
    left[..., :5], top[:, :3] = 1, 1
    kept = keep_colours(stylised, content, by_pixel, left, top)
    assert_close(kept[..., 5:], stylised[..., 5:])
    corner = keep_colours(stylised[..., :3, :5], content[..., :3, :5], by_pixel)
    assert_close(kept[..., :3, :5], corner)
