"""What linear maps of features tell, in closed form."""

import pytest
import torch

from brushwork.tests.tolerances import assert_close
from brushwork.training import readout
from brushwork.training.readout import Readout


@pytest.fixture(autouse=True)
def no_ridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readout, "RIDGE", 0.0)


def test_a_linear_map_misses_nothing() -> None:
    values = torch.randn(2, 3, 8, 8)
    target = torch.einsum("oc,bchw->bohw", torch.randn(5, 3), values) + 7
    assert Readout(3, 5)(values, target) < 1e-2


def test_the_share_that_is_missed() -> None:
    # Half of the target's variance is the values' own sign, half is a pattern that has nothing to do with it.
    signs = torch.tensor([1.0, -1.0]).repeat(8).reshape(1, 1, 4, 4)
    other = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(4).reshape(1, 1, 4, 4)
    assert_close(Readout(1, 1)(signs, signs + other), torch.tensor(0.5**0.5))
    assert_close(Readout(1, 1)(signs, other), torch.tensor(1.0))


def test_chance_is_not_taken_for_telling() -> None:
    """Twelve positions fit twelve channels of noise exactly, but not over many batches."""
    one = Readout(12, 1)
    first = one(torch.randn(1, 12, 3, 4), torch.randn(1, 1, 3, 4))
    for _ in range(30):
        last = one(torch.randn(1, 12, 3, 4), torch.randn(1, 1, 3, 4))
    assert first < 0.1 and last > 0.7


def test_dead_channels_have_finite_slopes() -> None:
    values = torch.zeros(1, 3, 4, 4, requires_grad=True)
    Readout(3, 2)(values, torch.randn(1, 2, 4, 4)).backward()
    assert values.grad is not None and values.grad.isfinite().all()
