"""Fit and apply in one go: masks, batches, regions."""

import pytest
import torch
from torch import Tensor

from brushwork.tests.laws import features, soft_mask
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.adain import adain
from brushwork.transfer.moments import Moments
from brushwork.transfer.restyle import fit, masked_blend
from brushwork.transfer.wct import METHODS, wct

ALL = pytest.mark.parametrize("method", ["adain", *METHODS])
CONTENT, STYLE = features((2, 3, 6, 6)), features((2, 3, 5, 7), seed=1)
CONTENT_MASK, STYLE_MASK = soft_mask((2, 1, 6, 6)), soft_mask((1, 1, 5, 7))


def by_hand(method: str, content: Moments, style: Moments) -> Tensor:
    return (adain(content, style) if method == "adain" else wct(content, style, method))(CONTENT)


@ALL
def test_statistics_come_from_the_masks(method: str) -> None:
    full = method != "adain"
    own, target = Moments.of(CONTENT, CONTENT_MASK, full), Moments.of(STYLE, STYLE_MASK, full)
    assert_close(fit(method, CONTENT, STYLE, CONTENT_MASK, STYLE_MASK)(CONTENT), by_hand(method, own, target))


@ALL
def test_over_the_batch_there_is_one_map(method: str) -> None:
    """Whatever the number of styles; and two equal frames are treated like one."""
    full = method != "adain"
    own, target = Moments.of(CONTENT, None, full).over_batch(), Moments.of(STYLE, None, full).over_batch()
    operator = fit(method, CONTENT, STYLE, whole_batch=True)
    assert operator.centre.shape[0] == 1
    assert_close(operator(CONTENT), by_hand(method, own, target))
    assert fit(method, CONTENT[:1].expand(3, -1, -1, -1), STYLE, whole_batch=True).centre.shape[0] == 1


@ALL
def test_masks_without_a_pixel_leave_everything(method: str) -> None:
    nothing = torch.zeros(1, 1, 6, 6)
    assert_close(fit(method, CONTENT, STYLE, nothing)(CONTENT), CONTENT)
    assert_close(fit(method, CONTENT, STYLE, nothing, whole_batch=True)(CONTENT), CONTENT)


@ALL
def test_a_region_that_is_everything_or_nothing(method: str) -> None:
    operator = fit(method, CONTENT, STYLE)
    ones = torch.ones(1, 1, 6, 6)
    assert torch.equal(masked_blend(operator, CONTENT, None), operator(CONTENT))
    assert torch.equal(masked_blend(operator, CONTENT, ones), operator(CONTENT))
    assert torch.equal(masked_blend(operator, CONTENT, ones * 0), CONTENT)


def test_a_soft_region_fades() -> None:
    operator = fit("adain", CONTENT, STYLE)
    faded = masked_blend(operator, CONTENT, CONTENT_MASK)
    assert_close(faded, CONTENT_MASK * operator(CONTENT) + (1 - CONTENT_MASK) * CONTENT)


def test_unknown_method() -> None:
    with pytest.raises(ValueError, match="unknown WCT method 'gatys'"):
        fit("gatys", CONTENT, STYLE)
