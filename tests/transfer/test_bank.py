"""StyleBank's kernels: values that add and scale, on maps of any size."""

import pytest
import torch
from hypothesis import example, given

from brushwork.tests.laws import alphas, features, law, noise, seeds, shapes, sides, weightings
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.moments import Moments
from brushwork.transfer.operators import ChannelMap, KernelMap

WIDTH = 4


def kernel(seed: int = 0, side: int = 3, width: int = WIDTH) -> KernelMap:
    return KernelMap.of(noise((width, width, side, side), seed), noise((width,), seed + 1))


def identity(side: int = 3, width: int = WIDTH) -> KernelMap:
    weight = torch.zeros(width, width, side, side)
    weight[:, :, side // 2, side // 2] = torch.eye(width)
    return KernelMap.of(weight, torch.zeros(width))


VALUES = features((2, WIDTH, 5, 6), dtype=torch.float64)


@pytest.mark.parametrize("side", [1, 3, 5])
@law
@given(shape=shapes)
def test_identity_kernel(side: int, shape: tuple[int, ...]) -> None:
    values = features(shape)
    assert torch.equal(identity(side, shape[1])(values), values)


def test_borders_are_reflected() -> None:
    """The right neighbour of the last pixel is the one before it."""
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, 1, 2] = 1
    values = torch.arange(12.0).reshape(1, 1, 3, 4)
    result = KernelMap.of(weight, torch.tensor([0.5]))(values)
    assert result[0, 0].tolist() == [[1.5, 2.5, 3.5, 2.5], [5.5, 6.5, 7.5, 6.5], [9.5, 10.5, 11.5, 10.5]]


@pytest.mark.parametrize("side", [1, 3, 5])
@law
@given(height=sides, width=sides)
@example(height=1, width=1)
@example(height=1, width=7)
def test_any_size_of_map(side: int, height: int, width: int) -> None:
    """A constant map sees the sum of the kernel, whatever the border."""
    operator = kernel(side=side)
    expected = operator.weight[0].sum((1, 2, 3)) * 2 + operator.bias[0]
    result = operator(torch.full((2, WIDTH, height, width), 2.0, dtype=torch.float64))
    assert_close(result, expected[None, :, None, None].expand(2, WIDTH, height, width))


def test_blend_ends() -> None:
    assert_close(kernel().blend(1)(VALUES), kernel()(VALUES))
    assert_close(kernel().blend(0)(VALUES), VALUES)


@law
@given(alpha=alphas, seed=seeds)
def test_blended_kernel_is_the_blended_result(alpha: float, seed: int) -> None:
    operator = kernel(seed)
    assert_close(operator.blend(alpha)(VALUES), alpha * operator(VALUES) + (1 - alpha) * VALUES)


@law
@given(weights=weightings, seed=seeds)
def test_mixed_kernels_give_mixed_results(weights: list[float], seed: int) -> None:
    kernels = [kernel(seed + i) for i in range(len(weights))]
    expected = sum(k(VALUES) * w for k, w in zip(kernels, weights, strict=True)) / sum(weights)
    assert isinstance(expected, torch.Tensor)
    assert_close(KernelMap.mix(kernels, weights)(VALUES), expected)
    assert_close(KernelMap.mix([kernels[0]] * len(weights), weights)(VALUES), kernels[0](VALUES))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_values_keep_their_dtype(dtype: torch.dtype) -> None:
    result = kernel()(VALUES.to(dtype))
    assert result.dtype == dtype
    assert_close(result / 40, kernel()(VALUES) / 40, dtype)


def test_strength_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be mixed"):
        kernel().blend(1.5)


def normalising(seed: int = 0) -> ChannelMap:
    return ChannelMap.normalising(Moments.of(features((2, WIDTH, 5, 6), seed, torch.float64), full=False))


@law
@given(alpha=alphas, seed=seeds)
def test_normalised_first_is_one_kernel(alpha: float, seed: int) -> None:
    """So are its strengths, its mixtures and its items."""
    first, other = kernel(seed), kernel(seed + 1)
    normalise = normalising(seed)
    inner = normalise(VALUES)
    one = first.after(normalise)
    assert_close(one(VALUES), first(inner))
    assert_close(one.blend(alpha)(VALUES), alpha * first(inner) + (1 - alpha) * VALUES)
    assert_close(KernelMap.mix([one, other.after(normalise)], [1, 3])(VALUES), first(inner) / 4 + other(inner) * 3 / 4)
    assert_close(one.of_items(slice(1, 2))(VALUES[1:]), first(inner)[1:])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_an_even_map_stays_even_in_half_precision(dtype: torch.dtype) -> None:
    """Nothing differs from the mean, which the kernel would see at 300 times its size."""
    values = torch.full((1, WIDTH, 5, 6), 3.0, dtype=dtype)
    operator = kernel().after(ChannelMap.normalising(Moments.of(values, full=False)))
    assert_close(operator(values), operator.bias[..., None, None].expand(values.shape), dtype)
