"""Whitening and colouring: the style's covariance is reached, and features without rank stay finite."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.tests.laws import channels, covariance, features, law, noise, seeds, steep
from brushwork.tests.parity.compare import distance
from brushwork.tests.tolerances import COVARIANCE, assert_close
from brushwork.transfer.moments import Moments
from brushwork.transfer.operators import ChannelMap
from brushwork.transfer.wct import METHODS, TRANSPORT, WHITENING, wct

BOTH = pytest.mark.parametrize("method", METHODS)
plenty = st.integers(5, 8)
"""Sides of maps that have more pixels than channels."""


def fitted(content: Tensor, style: Tensor, method: str) -> ChannelMap:
    return wct(Moments.of(content, full=True), Moments.of(style, full=True), method)


def restyle(content: Tensor, style: Tensor, method: str) -> Tensor:
    return fitted(content, style, method)(content)


def assert_reached(result: Tensor, target: Tensor) -> None:
    """The covariance of `result` [C, h, w] is `target` [C, C]."""
    assert distance(covariance(result), target) < COVARIANCE


@BOTH
def test_one_channel_is_scaled(method: str) -> None:
    content, style = torch.tensor([[[[0.0, 2.0]]]]), torch.tensor([[[[10.0, 16.0]]]])
    assert_close(fitted(content, style, method).matrix, torch.tensor([[[3.0]]]))
    assert_close(restyle(content, style, method), style)


@BOTH
@law
@given(
    batch=st.integers(1, 3),
    width=channels,
    sizes=st.tuples(plenty, plenty, plenty, plenty),
    seed=seeds,
    shared=st.booleans(),
)
def test_result_has_the_styles_mean_and_covariance(
    method: str, batch: int, width: int, sizes: tuple[int, ...], seed: int, shared: bool
) -> None:
    content = features((batch, width, *sizes[:2]), seed)
    style = features((1 if shared else batch, width, *sizes[2:]), seed + 50)
    result = restyle(content, style, method)
    assert_close(result.mean((2, 3)), style.mean((2, 3)).expand(batch, -1))
    for item, target in zip(result, style.expand(batch, -1, -1, -1), strict=True):
        assert_reached(item, covariance(target))


@BOTH
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_own_style_is_the_identity(method: str, dtype: torch.dtype) -> None:
    content = features((2, 4, 6, 6), dtype=dtype)
    result = restyle(content, content, method)
    assert result.dtype == dtype
    assert_close(result, content)


@BOTH
def test_small_directions_count_beside_large_ones(method: str) -> None:
    """Variances of 100 and 0.001 in one map are both the picture's, not noise."""
    content, style = steep(seed=1), steep(seed=2)
    assert_close(restyle(content, content, method), content)
    reached, target = covariance(restyle(content, style, method)[0]), covariance(style[0])
    whiten = torch.linalg.inv(torch.linalg.cholesky(target))
    assert distance(whiten @ reached @ whiten.mT, torch.eye(12)) < COVARIANCE


def without_rank() -> dict[str, Tensor]:
    twins, dead = features((2, 4, 6, 6)), features((2, 4, 6, 6))
    twins[:, 3] = twins[:, 0]
    dead[:, 1:3] = 0
    return {
        "twin channels": twins,
        "dead channels": dead,
        "fewer pixels than channels": features((2, 4, 1, 3)),
        "constant": torch.full((2, 4, 3, 3), 7.0),
        "one pixel": features((2, 4, 1, 1)),
        "zero": torch.zeros(2, 4, 2, 2),
        "faint": features((2, 4, 6, 6)) * 1e-4,
        "strong": features((2, 4, 6, 6)) * 1e4,
    }


@BOTH
@pytest.mark.parametrize("content", without_rank())
@pytest.mark.parametrize("style", [*without_rank(), "full"])
def test_features_without_rank_stay_finite(method: str, content: str, style: str) -> None:
    cases = without_rank() | {"full": features((2, 4, 5, 5), seed=1)}
    result = restyle(cases[content], cases[style], method)
    assert result.isfinite().all()
    assert result.abs().max() <= 10 * cases[style].abs().max() + 1e-3


@BOTH
@pytest.mark.parametrize("kind", ["constant", "one pixel", "zero"])
def test_content_without_variance_takes_the_styles_mean(method: str, kind: str) -> None:
    content, style = without_rank()[kind], features((2, 4, 5, 5), seed=1)
    result = restyle(content, style, method)
    assert_close(result, style.mean((2, 3), keepdim=True).expand_as(content))


@BOTH
@pytest.mark.parametrize("kind", ["twin channels", "dead channels", "fewer pixels than channels"])
def test_covariance_is_reached_wherever_there_is_rank(method: str, kind: str) -> None:
    """With P the projection on the directions that the content has: transport reaches the style's covariance among
    them, P S P, and the paper's formula colours a white P, S^(1/2) P S^(1/2)."""
    content, style = without_rank()[kind], features((2, 4, 6, 6), seed=1)
    for item, target, result in zip(content, style, restyle(content, style, method), strict=True):
        values, vectors = torch.linalg.eigh(covariance(item))
        present = vectors[:, values > 1e-5]
        projection, wanted = present @ present.mT, covariance(target)
        if method == TRANSPORT:
            assert_reached(torch.einsum("ij,jhw->ihw", projection, result.double()), projection @ wanted @ projection)
        else:
            values, vectors = torch.linalg.eigh(wanted)
            root = vectors * values.sqrt() @ vectors.mT
            assert_reached(result, root @ projection @ root)


@BOTH
def test_channels_dead_in_both_are_no_loss(method: str) -> None:
    """As in the compressed networks, where a third of the channels never fires."""
    content, style = features((1, 5, 8, 8)), features((1, 5, 8, 8), seed=1)
    content[:, 2:4] = style[:, 2:4] = 0
    result = restyle(content, style, method)
    assert_reached(result[0], covariance(style[0]))
    assert_close(result[:, 2:4], torch.zeros(1, 2, 8, 8))


@law
@given(width=channels, seed=seeds)
def test_transport_is_symmetric_and_positive(width: int, seed: int) -> None:
    content, style = features((2, width, 8, 8), seed), features((1, width, 6, 6), seed + 50)
    matrix = fitted(content, style, TRANSPORT).matrix
    assert_close(matrix, matrix.mT)
    assert torch.linalg.eigvalsh(matrix.double()).min() > 0


@law
@given(width=channels, seed=seeds)
def test_transport_moves_features_least(width: int, seed: int) -> None:
    content, style = features((1, width, 8, 8), seed), features((1, width, 6, 6), seed + 50)
    moved = {m: (restyle(content, style, m) - content).double().square().mean() for m in METHODS}
    assert moved[TRANSPORT] <= moved[WHITENING] * (1 + 1e-4)


@law
@given(width=channels, seed=seeds)
def test_methods_agree_where_covariances_commute(width: int, seed: int) -> None:
    """Then both are the one scaling of the common directions."""
    content = features((1, width, 6, 6), seed, torch.float64)
    values, vectors = torch.linalg.eigh(Moments.of(content, full=True).covariance)
    stretch = vectors * (noise((1, 1, width), seed).abs() + 0.5) @ vectors.mT
    style = torch.einsum("bij,bjhw->bihw", stretch, content)
    for method in METHODS:
        assert_close(fitted(content, style, method).matrix, stretch)


@BOTH
def test_each_item_is_by_itself(method: str) -> None:
    content, style = features((2, 3, 6, 6)), features((2, 3, 5, 7), seed=1)
    alone = [restyle(content[i : i + 1], style[i : i + 1], method) for i in range(2)]
    assert_close(restyle(content, style, method), torch.cat(alone))
    assert_close(restyle(content, style[:1], method), restyle(content, style[:1].expand(2, -1, -1, -1), method))


@BOTH
@pytest.mark.parametrize("empty", ["content", "style"])
def test_an_empty_mask_is_the_identity(method: str, empty: str) -> None:
    content, style, mask = features((2, 3, 6, 6)), features((2, 3, 6, 6), seed=1), torch.ones(2, 1, 6, 6)
    mask[1] = 0
    masks = [mask if name == empty else None for name in ("content", "style")]
    result = wct(Moments.of(content, masks[0], True), Moments.of(style, masks[1], True), method)(content)
    assert_close(result[0], restyle(content, style, method)[0])
    assert_close(result[1], content[1])


@BOTH
def test_the_floor_drops_directions(method: str) -> None:
    content, style = features((1, 3, 6, 6)), features((1, 3, 6, 6), seed=1)
    own, target = Moments.of(content, full=True), Moments.of(style, full=True)
    assert torch.equal(wct(own, target, method, floor=1e6).matrix, torch.zeros(1, 3, 3))


@BOTH
def test_batches_that_do_not_pair(method: str) -> None:
    with pytest.raises(ValueError, match="3 content images cannot be paired with 2 style images"):
        restyle(features((3, 2, 4, 4)), features((2, 2, 4, 4)), method)


def test_unknown_method_and_diagonal_moments() -> None:
    moments = Moments.of(features((1, 2, 4, 4)), full=True)
    with pytest.raises(ValueError, match="unknown WCT method 'zca': use one of whitening-colouring, optimal transport"):
        wct(moments, moments, "zca")
    with pytest.raises(ValueError, match="take them with full=True"):
        wct(moments, Moments.of(features((1, 2, 4, 4))))


@BOTH
def test_nan_is_refused_in_a_sentence(method: str) -> None:
    content = features((1, 2, 4, 4))
    content[0, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinite values: encode the picture again in float32"):
        restyle(content, features((1, 2, 4, 4)), method)
