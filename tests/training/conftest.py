"""Every machine trains in the same type here; tests of types choose their own."""

import pytest


@pytest.fixture(autouse=True)
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "float32")


@pytest.fixture
def short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few dozen steps are a training."""
    monkeypatch.setattr("brushwork.training.trainer.WARM_UP", 8)
