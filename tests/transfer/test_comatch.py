"""CoMatch: the closed form, and linearity in the style's Gram matrix."""

import pytest
import torch
from hypothesis import given

from brushwork.tests.laws import features, law, noise, seeds, weightings
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.comatch import comatch
from brushwork.transfer.moments import Moments
from brushwork.transfer.operators import ChannelMap, mix


def test_closed_form() -> None:
    """W G = [[1, 4], [3, 8]], and its transpose on (1, 1) is (4, 12)."""
    weight, gram = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    assert comatch(gram, weight)(torch.ones(1, 2, 1, 1)).flatten().tolist() == [4, 12]


@law
@given(weights=weightings, seed=seeds)
def test_mixed_grams_give_mixed_results(weights: list[float], seed: int) -> None:
    content, weight = features((2, 4, 3, 5), seed, torch.float64), noise((4, 4), seed)
    grams = [Moments.of(features((2, 4, 4, 4), seed + i, torch.float64), full=True).gram for i in range(len(weights))]
    maps = [comatch(gram, weight) for gram in grams]
    mixed = comatch(mix(grams, weights), weight)(content)
    assert_close(mixed, mix([operator(content) for operator in maps], weights))
    assert_close(mixed, ChannelMap.mix(maps, weights)(content))


def test_twice_the_gram_is_twice_the_result() -> None:
    content, gram, weight = features((2, 4, 3, 5), dtype=torch.float64), noise((1, 4, 4)), noise((4, 4), 1)
    assert_close(comatch(2 * gram, weight)(content), 2 * comatch(gram, weight)(content))


def test_the_inverse_gram_reproduces_the_content() -> None:
    style = features((1, 4, 6, 6), dtype=torch.float64)
    gram = Moments.of(style, full=True).gram
    assert_close(comatch(gram, gram[0].inverse())(style), style)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_weight_of_another_dtype_serves(dtype: torch.dtype) -> None:
    gram = noise((1, 4, 4), dtype=torch.float32)
    assert comatch(gram, noise((4, 4), 1).to(dtype)).matrix.dtype == torch.float32


def test_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="matches 8 channels and the style has 4: encode it with the same network"):
        comatch(noise((1, 4, 4)), noise((8, 8)))
