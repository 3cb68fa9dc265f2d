"""Losses in closed form: zero at the target, without units, and with finite slopes where they vanish."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from brushwork.tests.tolerances import assert_close
from brushwork.training.losses import gram_distance, moment_distance, relative_distance, relative_error, total_variation
from brushwork.transfer.moments import Moments


def test_relative_error() -> None:
    target = torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2)
    assert_close(relative_error(target, target), torch.tensor(0.0))
    assert_close(relative_error(0 * target, target), torch.tensor(1.0))
    assert_close(relative_error(target + torch.tensor([0.0, 5.0]), target), torch.tensor(1.0))


def test_moment_distance() -> None:
    style = torch.randn(2, 4, 5, 6)
    shuffled = style.flatten(2)[:, :, torch.randperm(30)].unflatten(2, (5, 6))
    assert moment_distance(Moments.of(shuffled), Moments.of(style)) < 1e-3  # where the features stand does not matter
    # Mean 1 and deviation sqrt(2) against 3 and sqrt(2): (2 / sqrt(9 + 2)).
    low, high = torch.tensor([0.0, 2.0]).reshape(1, 1, 1, 2), torch.tensor([2.0, 4.0]).reshape(1, 1, 1, 2)
    assert_close(moment_distance(Moments.of(low), Moments.of(high)), torch.tensor(2 / 11**0.5))


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_units_do_not_matter(scale: float) -> None:
    values, target = torch.randn(1, 3, 8, 8), torch.randn(1, 3, 8, 8) + 1
    assert_close(relative_error(scale * values, scale * target), relative_error(values, target))
    scaled = moment_distance(Moments.of(scale * values), Moments.of(scale * target))
    assert_close(scaled, moment_distance(Moments.of(values), Moments.of(target)))


def test_slopes_are_finite_at_the_target_and_on_constants() -> None:
    for target in (torch.randn(1, 3, 4, 4), torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)):
        values = target.clone().requires_grad_(True)
        (relative_error(values, target) + moment_distance(Moments.of(values), Moments.of(target))).backward()
        assert values.grad is not None and values.grad.isfinite().all()


@pytest.mark.parametrize("loss", [relative_error, relative_distance])
def test_sums_of_half_types_are_float32(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    """In bfloat16 a sum of 10,000 ones ends at 256."""
    values, target = torch.full((1, 1, 100, 100), 2.0), torch.ones(1, 1, 100, 100)
    for dtype in (torch.bfloat16, torch.float16):
        assert_close(loss(values.to(dtype), target.to(dtype)), loss(values, target))


def test_total_variation() -> None:
    stripes = torch.tensor([0.0, 1.0, 0.0, 1.0]).expand(1, 3, 4, 4)
    assert_close(total_variation(stripes), torch.tensor(1.0))
    assert_close(total_variation(torch.full((1, 3, 4, 4), 0.4)), torch.tensor(0.0))


def test_distances_are_roots_of_relative_squares() -> None:
    target = torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2)
    assert_close(relative_distance(target + torch.tensor([0.0, 10.0]), target), torch.tensor(2.0))
    gram = torch.tensor([[[3.0, 0.0], [0.0, 4.0]]])
    assert_close(gram_distance(3 * gram, gram), torch.tensor(2.0))
    assert gram_distance(gram, gram) < 1e-3
