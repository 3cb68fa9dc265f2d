"""The transforms against the published ones, on tiny features; and where ours differ from some of them on purpose."""

import pytest
import torch
from torch import Tensor

from brushwork.tests.parity.compare import assert_features, distance, golden
from brushwork.transfer.adain import adain
from brushwork.transfer.colour import match_colours
from brushwork.transfer.comatch import comatch
from brushwork.transfer.moments import Moments
from brushwork.transfer.wct import wct

DTYPES = [torch.float32, torch.float64]


@pytest.fixture
def tiny() -> dict[str, Tensor]:
    return golden("formulas")


def covariance(values: Tensor) -> Tensor:
    """[C, C] of `values` [1, C, h, w], divided by the number of pixels less one."""
    return torch.cov(values[0].flatten(1).double())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("contrast", "expected"), [(1, "adain"), (1 / 300, "adain_faint")])
def test_adain_is_the_published_formula(
    tiny: dict[str, Tensor], contrast: float, expected: str, dtype: torch.dtype
) -> None:
    """Also where a content is so faint that epsilon decides."""
    content, style = tiny["content"].to(dtype) * contrast, tiny["style"].to(dtype)
    assert_features(adain(Moments.of(content), Moments.of(style))(content), tiny[expected])


@pytest.mark.parametrize("dtype", DTYPES)
def test_wct_is_the_published_formula(tiny: dict[str, Tensor], dtype: torch.dtype) -> None:
    content, style = tiny["content"].to(dtype), tiny["style"].to(dtype)
    assert_features(wct(Moments.of(content, full=True), Moments.of(style, full=True))(content), tiny["wct"])


@pytest.mark.parametrize("dtype", DTYPES)
def test_comatch_is_the_published_formula(tiny: dict[str, Tensor], dtype: torch.dtype) -> None:
    gram = Moments.of(tiny["style"].to(dtype), full=True).gram
    assert_features(comatch(gram, tiny["comatch_weight"])(tiny["content"].to(dtype)), tiny["comatch"])


def test_wct_leaves_the_identity_out_and_so_reaches_the_style(tiny: dict[str, Tensor]) -> None:
    target = covariance(tiny["style"])
    content = Moments.of(tiny["content"], full=True)
    ours = wct(content, Moments.of(tiny["style"], full=True))(tiny["content"])
    theirs = tiny["wct_plus_identity"]
    assert distance(covariance(ours), target) < 0.01
    assert 0.13 < 1 - float(covariance(theirs).trace() / target.trace()) < 0.22
    assert distance(ours, theirs) > 0.1


def test_adain_divides_by_the_pixels_less_one(tiny: dict[str, Tensor]) -> None:
    """The authors' layer is a batch norm, which divides by N; with few pixels that is another picture."""
    few, style = tiny["content"][:, :, :2, :2], tiny["style"]
    biased = [values.var((2, 3), correction=0) + 1e-5 for values in (few, style)]
    theirs = (biased[1] / biased[0]).sqrt()
    ours = adain(Moments.of(few), Moments.of(style)).matrix
    torch.testing.assert_close(ours, theirs * (3 / 4 * 45 / 44) ** 0.5, rtol=1e-3, atol=0)


def test_colour_matching_divides_by_the_pixels(tiny: dict[str, Tensor]) -> None:
    """A picture of a fourth of the reference's pixels comes out of the published CORAL with twice the contrast."""
    target = covariance(tiny["reference"])
    ours = match_colours(tiny["image"], tiny["reference"])
    assert distance(covariance(ours), target) < 0.01
    ratio = covariance(tiny["coral"]).trace().sqrt() / target.trace().sqrt()
    assert float(ratio) == pytest.approx(2, rel=0.05)
    torch.testing.assert_close(ours.mean((2, 3)), tiny["coral"].mean((2, 3)))
