"""The algebra of channel maps: every law for diagonal and for full matrices, and for both together."""

from itertools import product

import pytest
import torch
from hypothesis import given

from brushwork.tests.laws import alphas, features, law, noise, seeds, weightings
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.operators import ChannelMap

KINDS = pytest.mark.parametrize("full", [False, True])
PAIRS = pytest.mark.parametrize(("first", "second"), list(product([False, True], repeat=2)))
BATCHES = pytest.mark.parametrize("batches", [(1, 1), (2, 1), (1, 2), (2, 2)])
WIDTH = 4


def random_map(full: bool, seed: int = 0, batch: int = 2, dtype: torch.dtype = torch.float64) -> ChannelMap:
    matrix = noise((batch, WIDTH, WIDTH) if full else (batch, WIDTH), seed, dtype)
    return ChannelMap(matrix, noise((batch, WIDTH), seed + 1, dtype), noise((batch, WIDTH), seed + 2, dtype))


VALUES = features((2, WIDTH, 3, 5), seed=9, dtype=torch.float64)


def test_closed_form() -> None:
    values = torch.tensor([2.0, 3.0]).reshape(1, 2, 1, 1)
    centre, shift = torch.tensor([[1.0, 1.0]]), torch.tensor([[10.0, 20.0]])
    diagonal = ChannelMap(torch.tensor([[2.0, 3.0]]), centre, shift)
    full = ChannelMap(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), centre, shift)
    assert diagonal(values).flatten().tolist() == [12, 26]
    assert full(values).flatten().tolist() == [15, 31]


@KINDS
def test_blend_ends(full: bool) -> None:
    operator = random_map(full)
    assert_close(operator.blend(0)(VALUES), VALUES)
    assert_close(operator.blend(1)(VALUES), operator(VALUES))


@KINDS
def test_items_of_a_batch(full: bool) -> None:
    operator, one = random_map(full), random_map(full, batch=1)
    assert_close(operator.of_items(slice(1, 2))(VALUES[1:]), operator(VALUES)[1:])
    assert one.of_items(slice(1, 2)) is one  # one goes with all


@KINDS
@law
@given(alpha=alphas, seed=seeds)
def test_blended_map_is_the_blended_result(full: bool, alpha: float, seed: int) -> None:
    operator = random_map(full, seed)
    assert_close(operator.blend(alpha)(VALUES), alpha * operator(VALUES) + (1 - alpha) * VALUES)


@KINDS
def test_an_alpha_for_each_item(full: bool) -> None:
    operator = random_map(full)
    blended = operator.blend(torch.tensor([0.0, 0.25]))(VALUES)
    assert_close(blended[0], VALUES[0])
    assert_close(blended[1], operator.blend(0.25)(VALUES)[1])


@KINDS
def test_where_chooses_items(full: bool) -> None:
    operator = random_map(full)
    chosen = operator.where(torch.tensor([True, False]))(VALUES)
    assert_close(chosen, torch.stack([operator(VALUES)[0], VALUES[1]]))


@KINDS
@law
@given(weights=weightings)
def test_mix_of_equal_maps_is_that_map(full: bool, weights: list[float]) -> None:
    operator = random_map(full)
    assert_close(ChannelMap.mix([operator] * len(weights), weights)(VALUES), operator(VALUES))


@PAIRS
@law
@given(weights=weightings, seed=seeds)
def test_mixed_maps_give_mixed_results(first: bool, second: bool, weights: list[float], seed: int) -> None:
    maps = [random_map(second if i else first, seed + 10 * i) for i in range(len(weights))]
    expected = sum(m(VALUES) * w for m, w in zip(maps, weights, strict=True)) / sum(weights)
    assert isinstance(expected, torch.Tensor)
    assert_close(ChannelMap.mix(maps, weights)(VALUES), expected)


@PAIRS
@BATCHES
def test_then_is_one_after_the_other(first: bool, second: bool, batches: tuple[int, int]) -> None:
    one, two = random_map(first, 1, batches[0]), random_map(second, 2, batches[1])
    assert one.then(two).full == (first or second)
    assert_close(one.then(two)(VALUES), two(one(VALUES)))


@PAIRS
@BATCHES
def test_mix_of_a_batch_and_of_one(first: bool, second: bool, batches: tuple[int, int]) -> None:
    one, two = random_map(first, 1, batches[0]), random_map(second, 2, batches[1])
    assert_close(ChannelMap.mix([one, two], [1, 3])(VALUES), one(VALUES) / 4 + two(VALUES) * 3 / 4)


@KINDS
def test_one_map_for_many_and_many_for_one(full: bool) -> None:
    one, two = random_map(full, batch=1), random_map(full, batch=2)
    assert_close(one(VALUES), torch.cat([one(item[None]) for item in VALUES]))
    assert_close(two(VALUES[:1]), two(VALUES[:1].expand(2, -1, -1, -1)))


@KINDS
@pytest.mark.parametrize("values_dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("map_dtype", [torch.float32, torch.float64])
def test_values_keep_their_dtype(full: bool, values_dtype: torch.dtype, map_dtype: torch.dtype) -> None:
    """The arithmetic is exact to the result's own rounding, even where the map is large and the result small."""
    operator = random_map(full, dtype=map_dtype)
    large = ChannelMap(operator.matrix, operator.centre + 40, operator.shift)
    values = (VALUES + 40).to(values_dtype)
    mapped = large(values)
    assert mapped.dtype == values_dtype
    exact = ChannelMap(large.matrix.double(), large.centre.double(), large.shift.double())(values.double())
    assert_close(mapped, exact, _coarser(values_dtype, map_dtype))


def _coarser(one: torch.dtype, other: torch.dtype) -> torch.dtype:
    return one if torch.finfo(one).eps > torch.finfo(other).eps else other


@KINDS
def test_values_stay_as_they_were(full: bool) -> None:
    before = VALUES.clone()
    random_map(full)(VALUES)
    assert torch.equal(VALUES, before)


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2], [float("nan"), 1], [float("inf"), 1]])
def test_weights_that_cannot_be_mixed(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot be mixed: each must be 0 or more"):
        ChannelMap.mix([random_map(False)] * 2, weights)
