"""AdaIN: the result has the style's mean and deviation, and nothing is divided by zero."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.tests.laws import channels, features, law, seeds, sides
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.adain import EPSILON, adain
from brushwork.transfer.moments import Moments


def restyle(content: Tensor, style: Tensor) -> Tensor:
    return adain(Moments.of(content), Moments.of(style))(content)


def test_two_pixels() -> None:
    content, style = torch.tensor([[[[0.0, 2.0]]]]), torch.tensor([[[[10.0, 14.0]]]])
    assert_close(restyle(content, style), style)


@law
@given(
    st.integers(1, 3),
    channels,
    sides.filter(lambda s: s > 1),
    sides,
    sides.filter(lambda s: s > 1),
    sides,
    seeds,
    st.booleans(),
)
def test_result_has_the_styles_mean_and_deviation(
    batch: int, width: int, h: int, w: int, style_h: int, style_w: int, seed: int, shared: bool
) -> None:
    """Up to epsilon, which holds the scale of faint features down."""
    content = features((batch, width, h, w), seed, torch.float64)
    style = features((1 if shared else batch, width, style_h, style_w), seed + 50, torch.float64)
    own, target, reached = Moments.of(content), Moments.of(style), Moments.of(restyle(content, style))
    assert_close(reached.mean, target.mean.expand_as(reached.mean))
    kept = own.variance / (own.variance + EPSILON)
    assert_close(reached.variance, (target.variance + EPSILON) * kept)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_own_style_is_the_identity(dtype: torch.dtype) -> None:
    content = features((2, 3, 4, 5), dtype=dtype)
    result = restyle(content, content)
    assert result.dtype == dtype
    assert_close(result, content)


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (2, 3, 1, 1)])
def test_constant_content_takes_the_styles_mean(shape: tuple[int, ...]) -> None:
    style = features((1, 3, 5, 5), seed=1)
    result = restyle(torch.full(shape, 7.0), style)
    assert_close(result, style.mean((2, 3), keepdim=True).expand(shape))


def test_constant_style_nearly_levels_the_content() -> None:
    content = features((1, 3, 6, 6))
    result = restyle(content, torch.full((1, 3, 1, 1), 2.0))
    assert result.isfinite().all()
    assert (result - 2).abs().max() < 0.05


@pytest.mark.parametrize("empty", ["content", "style"])
def test_an_empty_mask_is_the_identity(empty: str) -> None:
    content, style = features((2, 3, 4, 4)), features((2, 3, 4, 4), seed=1)
    mask = torch.ones(2, 1, 4, 4)
    mask[1] = 0
    masks = [mask if name == empty else None for name in ("content", "style")]
    operator = adain(Moments.of(content, masks[0]), Moments.of(style, masks[1]))
    assert_close(operator(content)[0], restyle(content, style)[0])
    assert_close(operator(content)[1], content[1])


def test_each_item_is_by_itself() -> None:
    content, style = features((2, 3, 4, 4)), features((2, 3, 5, 3), seed=1)
    alone = [restyle(content[i : i + 1], style[i : i + 1]) for i in range(2)]
    assert_close(restyle(content, style), torch.cat(alone))
    assert_close(restyle(content, style[:1]), restyle(content, style[:1].expand(2, -1, -1, -1)))


def test_full_moments_serve_too() -> None:
    content, style = features((2, 3, 4, 4)), features((2, 3, 4, 4), seed=1)
    operator = adain(Moments.of(content, full=True), Moments.of(style, full=True))
    assert_close(operator(content), restyle(content, style))


def test_batches_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="3 content images cannot be paired with 2 style images"):
        restyle(features((3, 2, 4, 4)), features((2, 2, 4, 4)))
