"""Two processes that torchrun starts learn as one does with the double batch."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.in_group import STEPS, learn
from brushwork.training import distributed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes left all they have."""
    out = tmp_path_factory.mktemp("pair")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = [str(Path(__file__).with_name("in_group.py")), str(ROOT), str(out)]
    surroundings = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "BRUSHWORK_TRAINING_DTYPE": "float32",
    }
    done = subprocess.run([*launcher, *script], env=surroundings, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def pair(folder: Path) -> list[dict[str, Any]]:
    """The outcome of the run at one go, by process."""
    return [torch.load(folder / f"whole{rank}") for rank in range(2)]


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, Any]:
    """The outcome of one process."""
    return learn(tmp_path)


def test_gradients_are_those_of_the_double_batch(alone: dict[str, Any], pair: list[dict[str, Any]]) -> None:
    for own in pair:
        for name, gradient in own["gradients"].items():
            expected = alone["gradients"][name]
            if expected is None:  # the kernel that nobody met
                assert name.startswith("bank.4.") and not gradient.any()
            else:
                assert expected.abs().max() > 1e-3
                assert_close(gradient, expected)


def test_weights_are_the_same_in_both(alone: dict[str, Any], pair: list[dict[str, Any]]) -> None:
    for name, value in pair[0]["weights"].items():
        assert torch.equal(value, pair[1]["weights"][name])
        assert_close(value, alone["weights"][name])


def test_each_draws_its_own(alone: dict[str, Any], pair: list[dict[str, Any]]) -> None:
    assert torch.equal(pair[0]["drawn"], alone["drawn"])
    assert not (pair[0]["drawn"] == pair[1]["drawn"]).any()


def test_both_are_told_the_mean_of_the_losses(alone: dict[str, Any], pair: list[dict[str, Any]]) -> None:
    assert len(alone["seen"]) == STEPS
    assert pair[0]["seen"] == pair[1]["seen"] == pytest.approx(alone["seen"], rel=1e-4)


def test_interrupted_they_end_the_same(folder: Path, pair: list[dict[str, Any]]) -> None:
    for rank in range(2):
        resumed = torch.load(folder / f"parts{rank}")
        assert len(resumed["seen"]) == STEPS - 3
        assert torch.equal(resumed["drawn"], pair[rank]["drawn"][3:])
        assert all(torch.equal(value, pair[rank]["weights"][name]) for name, value in resumed["weights"].items())


def test_only_the_first_writes(folder: Path) -> None:
    assert sorted(file.name for file in (folder / "parts" / "0").iterdir()) == ["run.csv", "run.pt", "run.safetensors"]
    assert not (folder / "parts" / "1").exists()


def test_alone_nothing_changes() -> None:
    values = torch.rand(3)
    assert distributed.rank() == 0
    assert distributed.mean(values) is values
    assert distributed.from_first(lambda: 3) == 3
    with distributed.joined():
        assert not torch.distributed.is_initialized()


def test_more_processes_than_graphics_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert distributed.training_device() == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="more processes than the 2 graphics cards: set --nproc_per_node to 2"):
        distributed.training_device()
