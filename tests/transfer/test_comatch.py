"""CoMatch: the closed form, linearity in the style's Gram matrix, and the root that stands for it on a backbone."""

import pytest
import torch
from hypothesis import given
from torch import Tensor

from brushwork.tests.laws import features, law, noise, seeds, weightings
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.comatch import comatch, gram_root
from brushwork.transfer.moments import Moments
from brushwork.transfer.operators import ChannelMap, mix
from brushwork.transfer.wct import wct


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


def with_ones(values: Tensor) -> Tensor:
    return torch.cat([values, torch.ones_like(values[:, :1])], 1)


@law
@given(seed=seeds)
def test_the_root_is_one_of_the_gram_matrix(seed: int) -> None:
    style = Moments.of(with_ones(features((2, 4, 6, 6), seed, torch.float64)), full=True)
    root = gram_root(style)
    assert_close(root @ root.mT, style.covariance + style.mean[:, :, None] * style.mean[:, None])
    assert_close(root[:, -1], torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0]] * 2).to(root))


@law
@given(seed=seeds)
def test_by_the_root_one_weight_whitens_for_every_style(seed: int) -> None:
    """What whitens the content makes of CoMatch the WCT of any style; by the Gram matrix itself it cannot."""
    content = features((1, 4, 6, 6), seed, torch.float64)
    plain = Moments.of(content, full=True)
    white = wct(plain, Moments(plain.count, plain.mean * 0, (plain.count - 1) * torch.eye(4).double()[None]))
    weight = torch.eye(5).double()
    weight[:4, :4], weight[4, :4] = white.matrix[0].mT, -white.matrix[0] @ plain.mean[0]
    for offset in (1, 2):
        style = features((1, 4, 5, 7), seed + offset, torch.float64)
        mapped = comatch(gram_root(Moments.of(with_ones(style), full=True)), weight)(with_ones(content))
        expected = wct(plain, Moments.of(style, full=True))(content)
        assert_close(mapped, with_ones(expected))
