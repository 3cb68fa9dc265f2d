"""Latents, a style that was learnt long ago, colours and sheets are what they were."""

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from brushwork.tests.frozen.make_values import VALUES, computed
from brushwork.tests.frozen.test_pictures import decibels
from brushwork.tests.tolerances import assert_close

EXPECTED = load_file(VALUES)
DECIBELS = 60.0
"""Of PSNR; the code of 0.1.0 paints the learnt style at 86."""


@pytest.fixture(scope="module")
def now() -> dict[str, Tensor]:
    return computed()


def test_all_are_there(now: dict[str, Tensor]) -> None:
    assert set(now) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_values_stay(name: str, now: dict[str, Tensor]) -> None:
    """Frozen by python tests/frozen/make_values.py."""
    actual, expected = now[name], EXPECTED[name]
    assert actual.shape == expected.shape
    if expected.dtype is torch.uint8:
        assert decibels(actual, expected) > DECIBELS
    else:
        assert_close(actual, expected)
