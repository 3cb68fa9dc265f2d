"""Fit and apply in one go on whole maps: masks, batches, regions."""

import pytest
import torch
from torch import Tensor

from brushwork.methods import MATCHING
from brushwork.tests.laws import features, soft_mask
from brushwork.tests.tolerances import assert_close
from brushwork.tiling.features import statistics_of_map
from brushwork.transfer.adain import adain
from brushwork.transfer.efdm import efdm
from brushwork.transfer.operators import masked_blend
from brushwork.transfer.temporal import WHOLE_BATCH
from brushwork.transfer.wct import wct

ALL = pytest.mark.parametrize("method", MATCHING)
CONTENT, STYLE = features((2, 3, 6, 6)), features((2, 3, 5, 7), seed=1)
CONTENT_MASK, STYLE_MASK = soft_mask((2, 1, 6, 6)), soft_mask((1, 1, 5, 7))


def by_hand(method: str, content: Tensor | None, style: Tensor | None, over_batch: bool = False) -> Tensor:
    """CONTENT restyled by statistics taken with these weights."""
    kind = MATCHING[method].kind
    moments = [statistics_of_map(kind, *pair) for pair in ((CONTENT, content), (STYLE, style))]
    own, target = [each.over_batch() for each in moments] if over_batch else moments
    fit = {"adain": adain, "efdm": efdm}.get(method)
    return (fit(own, target) if fit else wct(own, target, method))(CONTENT)


@ALL
def test_statistics_come_from_the_masks(method: str) -> None:
    operator = MATCHING[method].fit_values(CONTENT, STYLE, CONTENT_MASK, STYLE_MASK)
    assert_close(operator(CONTENT), by_hand(method, CONTENT_MASK, STYLE_MASK))


@ALL
def test_over_the_batch_there_is_one_map(method: str) -> None:
    """Whatever the number of styles; and two equal frames are treated like one."""
    operator = MATCHING[method].fit_values(CONTENT, STYLE, statistics=WHOLE_BATCH)
    assert len(next(iter(vars(operator).values()))) == 1
    assert_close(operator(CONTENT), by_hand(method, None, None, over_batch=True))
    alike = MATCHING[method].fit_values(CONTENT[:1].expand(3, -1, -1, -1), STYLE, statistics=WHOLE_BATCH)
    assert len(next(iter(vars(alike).values()))) == 1


@ALL
def test_masks_without_a_pixel_leave_everything(method: str) -> None:
    nothing = torch.zeros(1, 1, 6, 6)
    assert_close(MATCHING[method].fit_values(CONTENT, STYLE, nothing)(CONTENT), CONTENT)
    assert_close(MATCHING[method].fit_values(CONTENT, STYLE, nothing, None, WHOLE_BATCH)(CONTENT), CONTENT)


@ALL
def test_a_region_that_is_everything_or_nothing(method: str) -> None:
    operator = MATCHING[method].fit_values(CONTENT, STYLE)
    ones = torch.ones(1, 1, 6, 6)
    assert torch.equal(masked_blend(operator, CONTENT, None), operator(CONTENT))
    assert torch.equal(masked_blend(operator, CONTENT, ones), operator(CONTENT))
    assert torch.equal(masked_blend(operator, CONTENT, ones * 0), CONTENT)


def test_a_soft_region_fades() -> None:
    operator = MATCHING["adain"].fit_values(CONTENT, STYLE)
    faded = masked_blend(operator, CONTENT, CONTENT_MASK)
    assert_close(faded, CONTENT_MASK * operator(CONTENT) + (1 - CONTENT_MASK) * CONTENT)
