"""Weighted means of feature maps."""

import pytest
import torch
from hypothesis import given

from brushwork.tests.laws import alphas, features, law, noise, weightings
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.operators import blend, mix, normalised

CONTENT, STYLISED = features((2, 3, 4, 5)), features((2, 3, 4, 5), seed=1)


@law
@given(weightings)
def test_weights_come_to_one(weights: list[float]) -> None:
    shares = normalised(weights)
    assert sum(shares) == pytest.approx(1)
    assert [share * sum(weights) for share in shares] == pytest.approx(weights)


def test_no_sum_of_weights_overflows() -> None:
    assert normalised([1e308, 1e308]) == [0.5, 0.5]


def test_mix_is_a_weighted_mean() -> None:
    assert_close(mix([CONTENT, STYLISED], [1, 3]), CONTENT / 4 + STYLISED * 3 / 4)
    assert_close(mix([CONTENT, STYLISED], [2, 0]), CONTENT)
    assert_close(mix([CONTENT] * 3, [1, 2, 5]), CONTENT)


def test_mix_broadcasts_and_keeps_the_first_dtype() -> None:
    one, two = CONTENT[:1].half(), STYLISED
    assert mix([one, two], [1, 1]).dtype == torch.float16
    assert_close(mix([one, two], [1, 1]), (one + two) / 2, torch.float16)


def test_mix_needs_a_weight_for_each() -> None:
    with pytest.raises(ValueError, match="shorter"):
        mix([CONTENT, STYLISED], [1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_blend_ends_are_exact(dtype: torch.dtype, as_tensor: bool) -> None:
    content, stylised = CONTENT.to(dtype), STYLISED.to(dtype) * 100
    for alpha, expected in ((0.0, content), (1.0, stylised)):
        assert torch.equal(blend(content, stylised, torch.tensor(alpha) if as_tensor else alpha), expected)


@law
@given(alphas)
def test_blend_is_linear(alpha: float) -> None:
    assert_close(blend(CONTENT, STYLISED, alpha), (1 - alpha) * CONTENT + alpha * STYLISED)


def test_blend_by_a_mask() -> None:
    mask = noise((1, 1, 4, 5)).sigmoid()
    assert_close(blend(CONTENT, STYLISED, mask), (1 - mask) * CONTENT + mask * STYLISED)
