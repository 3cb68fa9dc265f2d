"""Moments: what they are on two pixels, and that they add up whatever the parts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.tests.laws import covariance, features, law, noise, seeds, shapes, soft_mask
from brushwork.tests.tolerances import assert_close
from brushwork.transfer import moments
from brushwork.transfer.comatch import comatch
from brushwork.transfer.moments import Moments, check_batches
from brushwork.transfer.operators import ChannelMap

FULL = pytest.mark.parametrize("full", [False, True])


def assert_same(actual: Moments, expected: Moments) -> None:
    for part in ("count", "mean", "scatter"):
        assert_close(getattr(actual, part), getattr(expected, part))


def part_of(values: Tensor, weights: Tensor | None, chosen: Tensor, full: bool) -> Moments:
    """Moments of the pixels where `chosen` [h * w] holds."""
    pixels = values.flatten(2)[..., None, chosen]
    return Moments.of(pixels, None if weights is None else weights.flatten(2)[..., None, chosen], full)


def test_two_pixels() -> None:
    moments = Moments.of(torch.tensor([[[[1.0, 3.0]], [[10.0, 20.0]]]]), full=True)
    assert moments.count.tolist() == [2]
    assert moments.mean.tolist() == [[2, 15]]
    assert moments.scatter.tolist() == [[[2, 10], [10, 50]]]
    assert moments.covariance.tolist() == [[[2, 10], [10, 50]]]
    assert moments.variance.tolist() == [[2, 50]]
    assert moments.gram.tolist() == [[[2.5, 17.5], [17.5, 125]]]


@law
@given(shapes.filter(lambda shape: shape[2] * shape[3] > 1), seeds)
def test_covariance_and_variance_are_unbiased(shape: tuple[int, ...], seed: int) -> None:
    values = features(shape, seed, torch.float64)
    moments = Moments.of(values, full=True)
    assert_close(moments.covariance, torch.stack([covariance(item) for item in values]))
    assert_close(moments.variance, values.flatten(2).var(2))
    assert_close(moments.mean, values.mean((2, 3)))


@law
@given(shapes, seeds)
def test_gram(shape: tuple[int, ...], seed: int) -> None:
    pixels = features(shape, seed, torch.float64).flatten(2)
    expected = pixels @ pixels.mT / (pixels.shape[1] * pixels.shape[2])
    assert_close(Moments.of(pixels[..., None], full=True).gram, expected)


@FULL
@law
@given(shape=shapes, seed=seeds, block=st.integers(1, 9))
def test_gradient(full: bool, shape: tuple[int, ...], seed: int, block: int) -> None:
    """Against differences, and for a batch whose rows and columns are swapped in memory."""

    def parts(values: Tensor) -> tuple[Tensor, Tensor]:
        own = Moments.of(values, full=full)
        return own.mean, own.scatter

    values = features(shape, seed, torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "BLOCK", block)
        for each in (values, values.mT):
            learning = each.detach().requires_grad_(True)
            assert torch.autograd.gradcheck(parts, (learning,))
            for found, expected in zip(parts(learning), parts(each), strict=True):
                assert_close(found.detach(), expected)


@FULL
@pytest.mark.parametrize("masked", [False, True])
@law
@given(shape=shapes, seed=seeds, parts=st.integers(1, 5))
def test_parts_merge_to_the_whole(full: bool, masked: bool, shape: tuple[int, ...], seed: int, parts: int) -> None:
    values = features(shape, seed, torch.float64)
    weights = soft_mask(shape, seed) if masked else None
    owner = torch.randint(parts, (shape[2] * shape[3],), generator=torch.Generator().manual_seed(seed))
    merged = None
    for part in owner.unique():
        moments = part_of(values, weights, owner == part, full)
        merged = moments if merged is None else merged.merge(moments)
    assert merged is not None
    assert_same(merged, Moments.of(values, weights, full))


@FULL
@law
@given(shape=shapes, seed=seeds)
def test_over_the_batch_is_one_long_picture(full: bool, shape: tuple[int, ...], seed: int) -> None:
    values, weights = features(shape, seed, torch.float64), soft_mask(shape, seed)
    joined = [item.transpose(0, 1).flatten(1, 2)[None] for item in (values, weights)]
    assert_same(Moments.of(values, full=full).over_batch(), Moments.of(joined[0], full=full))
    assert_same(Moments.of(values, weights, full).over_batch(), Moments.of(joined[0], joined[1], full))


@FULL
@law
@given(shape=shapes, seed=seeds)
def test_weights_choose_pixels(full: bool, shape: tuple[int, ...], seed: int) -> None:
    values, chosen = features(shape, seed, torch.float64), soft_mask((1, *shape[1:]), seed) > 0.5
    expected = part_of(values, None, chosen.flatten(), full)
    assert_same(Moments.of(values, chosen.float(), full), expected)
    assert_same(Moments.of(values, chosen.float().expand(shape[0], 1, -1, -1), full), expected)


@FULL
def test_weights_of_ones_are_none(full: bool) -> None:
    values = features((2, 3, 4, 5), dtype=torch.float64)
    assert_same(Moments.of(values, torch.ones(1, 1, 4, 5), full), Moments.of(values, None, full))


@FULL
def test_a_half_mask_counts_half_and_keeps_the_mean(full: bool) -> None:
    values = features((2, 3, 4, 5), dtype=torch.float64)
    whole, half = Moments.of(values, None, full), Moments.of(values, torch.full((2, 1, 4, 5), 0.5), full)
    assert_same(half, Moments(whole.count / 2, whole.mean, whole.scatter / 2))


def test_divisor_never_falls_under_half_the_count() -> None:
    """Weights 0.6 and 0.6 on 0 and 2: scatter 1.2 over 1.2 / 2, and not over 0.2."""
    moments = Moments.of(torch.tensor([[[[0.0, 2.0]]]]), torch.full((1, 1, 1, 2), 0.6), full=True)
    assert moments.variance.item() == pytest.approx(2)
    assert moments.covariance.item() == pytest.approx(2)


@FULL
@pytest.mark.parametrize("weight", [0.0, 1e-6, 1.0])
def test_one_pixel_or_none(full: bool, weight: float) -> None:
    values, mask = features((2, 3, 2, 2)), torch.zeros(2, 1, 2, 2)
    mask[:, :, 1, 0] = weight
    moments = Moments.of(values, mask, full)
    assert_close(moments.mean, values[:, :, 1, 0] * (weight > 0))
    assert_close(moments.variance, torch.zeros(2, 3))
    assert moments.over_batch().mean.isfinite().all()
    if full:
        assert moments.gram.isfinite().all() and moments.covariance.isfinite().all()


@FULL
def test_an_empty_part_adds_nothing(full: bool) -> None:
    values = features((2, 3, 4, 4), dtype=torch.float64)
    whole, nothing = Moments.of(values, None, full), Moments.of(values, torch.zeros(1, 1, 4, 4), full)
    assert_same(whole.merge(nothing), whole)
    assert_same(nothing.merge(whole), whole)
    assert nothing.merge(nothing).mean.isfinite().all()


@FULL
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_half_types_are_summed_in_float32(full: bool, dtype: torch.dtype) -> None:
    values = features((2, 3, 9, 9), dtype=dtype)
    exact = torch.promote_types(dtype, torch.float32)
    moments = Moments.of(values, None, full)
    assert {moments.count.dtype, moments.mean.dtype, moments.scatter.dtype} == {exact}
    assert_same(moments, Moments.of(values.double(), None, full))


@FULL
def test_scatter_does_not_suffer_from_a_large_mean(full: bool) -> None:
    """In float32 the squares of 4096 have no room for a variance of one."""
    values = (noise((1, 3, 16, 16)) * 256).round().float() / 256
    assert_close(Moments.of(values + 4096, None, full).scatter, Moments.of(values, None, full).scatter)


@law
@given(shapes, seeds)
def test_diagonal_and_full_moments_agree(shape: tuple[int, ...], seed: int) -> None:
    values, weights = features(shape, seed, torch.float64), soft_mask((1, *shape[1:]), seed)
    own, full = Moments.of(values, weights), Moments.of(values, weights, full=True)
    assert full.full and not own.full
    assert_close(own.variance, full.variance)


@pytest.mark.parametrize("name", ["covariance", "gram"])
def test_what_was_not_kept_is_not_given(name: str) -> None:
    with pytest.raises(ValueError, match="take them with full=True"):
        getattr(Moments.of(features((1, 2, 3, 3))), name)


@pytest.mark.parametrize(("content", "style", "fits"), [(1, 1, True), (3, 1, True), (3, 3, True), (3, 2, False)])
def test_batches_that_pair(content: int, style: int, fits: bool) -> None:
    if fits:
        return check_batches(content, style)
    with pytest.raises(ValueError, match="3 content images cannot be paired with 2 style images: give one style"):
        check_batches(content, style)


def test_moments_of_mapped_values() -> None:
    values, matrix, offset = torch.randn(2, 3, 5, 6), torch.randn(4, 3), torch.randn(4)
    mapped = torch.einsum("oc,bchw->bohw", matrix, values) + offset[:, None, None]
    expected, actual = Moments.of(mapped, full=True), Moments.of(values, full=True).mapped(matrix, offset)
    assert_close(actual.mean, expected.mean)
    assert_close(actual.scatter, expected.scatter)
    with pytest.raises(ValueError, match="take them with full=True"):
        Moments.of(values).mapped(matrix, offset)


@FULL
def test_items_of_a_batch_come_apart_and_together(full: bool) -> None:
    values = features((3, 2, 4, 4))
    whole = Moments.of(values, full=full)
    parts = [whole.of_items(slice(0, 1)), whole.of_items(slice(1, 3))]
    assert_same(parts[1], Moments.of(values[1:], full=full))
    assert_same(Moments.joined(parts), whole)
    one = Moments.of(values[:1], full=full)
    assert one.of_items(slice(1, 3)) is one  # one goes with all


@FULL
def test_a_training_in_bfloat16_sums_in_float32(full: bool) -> None:
    """Autocast, which rounds matrix products elsewhere, changes nothing in moments and in maps of channels."""
    values, weights = features((2, 3, 9, 9)), soft_mask((1, 3, 9, 9))
    matrix, offset, square = noise((4, 3)).float(), noise((4,)).float(), noise((3, 3), 1).float()

    def results() -> list[Tensor]:
        moments = Moments.of(values, weights, full)
        parts = [moments, moments.merge(moments), moments.over_batch()]
        maps = [ChannelMap(moments.scatter, moments.mean, moments.mean + 1)]
        if full:
            parts.append(moments.mapped(matrix, offset))
            maps += [comatch(moments.gram, square), ChannelMap(moments.gram, moments.mean, moments.mean)]
        found = [operator(values) for operator in maps]
        return found + [tensor for part in parts for tensor in (part.count, part.mean, part.scatter, part.variance)]

    exact = results()
    with torch.autocast("cpu", torch.bfloat16):
        assert (square @ square).dtype == torch.bfloat16
        assert all(map(torch.equal, results(), exact))
