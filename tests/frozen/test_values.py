"""Latents, a style that was learnt long ago, colours and sheets are what they were."""

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from brushwork.tests.frozen.make_values import VALUES, computed
from brushwork.tests.frozen.test_pictures import decibels
from brushwork.tests.tolerances import FROZEN, assert_close

EXPECTED = load_file(VALUES)


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
        assert decibels(actual, expected) > FROZEN["stylebank"]
    else:
        assert_close(actual, expected)
