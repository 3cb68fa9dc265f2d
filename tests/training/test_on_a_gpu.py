"""Every recipe on an emulated CUDA device, fresh and resumed: nothing is left behind on the CPU, and nothing waits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.tests.second_device import SecondDevice
from brushwork.tests.training.test_recipes import NARROW, RECIPES
from brushwork.tests.training.tiny import tiny_job
from brushwork.training import compact, trainer, wct
from brushwork.training.trainer import Trainer

COUNTED = ("launches", "layout_copies", "host_reads")

MOST = {
    "encoder": (900, 10, 0),
    "wct": (600, 2, 8),
    "deepest": (1000, 2, 0),
    "adain": (1400, 2, 0),
    "adain, taught": (1950, 2, 1),
    "msgnet": (1200, 2, 1),
    "msgnet, taught": (2600, 4, 1),
    "stylebank": (980, 7, 0),
    "stylebank, taught": (1450, 8, 1),
    "compact": (1250, 10, 8),
}
"""Launches, layout copies and host reads of a step that meets new styles, on networks of full depth. The host waits for
decompositions, of which WCT's features have two and MSG-Net's styles one, and for a picture of the teacher's that goes
to a file.
"""


@dataclass
class Counts:
    """What the device met in each step of a training."""

    device: SecondDevice
    steps: list[dict[str, int]] = field(default_factory=list)

    def most(self, name: str) -> int:
        return max(step[name] for step in self.steps)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counts]:
    monkeypatch.setattr(wct, "SOLVED_CROPS", 6)
    monkeypatch.setattr(compact, "COMPACT", NARROW)
    monkeypatch.delenv("BRUSHWORK_TRAINING_DTYPE")
    with SecondDevice() as device:
        counts = Counts(device)
        take_step: Callable[..., trainer.Losses] = Trainer._take_step

        def counted(self: Trainer, losses: Callable[[], trainer.Losses]) -> trainer.Losses:
            before = {name: getattr(device, name) for name in COUNTED}
            parts = take_step(self, losses)
            counts.steps.append({name: getattr(device, name) - before[name] for name in COUNTED})
            return parts

        monkeypatch.setattr(Trainer, "_take_step", counted)
        yield counts


class Stopped(BaseException):
    """After a step."""


def stop(step: int, losses: dict[str, float]) -> None:
    raise Stopped


@pytest.mark.parametrize("name", RECIPES)
def test_it_trains_and_goes_on_there_and_no_step_waits(
    name: str, gpu: Counts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a checkpoint after its first step, which another process might have left, on a CPU as well."""
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(trainer, "READ_EVERY", 1)
        patch.setattr(trainer, "SAVE_SECONDS", 0)
        RECIPES[name][0](tiny_job(tmp_path, stop))
    assert len(gpu.steps) == 1
    job = tiny_job(tmp_path)
    RECIPES[name][0](job)
    assert len(gpu.steps) >= 2
    for count, most in zip(COUNTED, MOST[name], strict=True):
        assert gpu.most(count) <= most, count
    for file in job.out.glob("*.safetensors"):
        assert all(value.isfinite().all() for value in load_file(file).values()), file.name


def test_from_the_cpu_to_the_gpu_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 0)
    monkeypatch.setattr(trainer, "READ_EVERY", 1)
    places: list[str] = []

    def tell_and_stop(step: int, losses: dict[str, float]) -> None:
        places.append(f"{step} {'cuda' if torch.cuda.is_available() else 'cpu'}")
        raise Stopped

    for emulated in (False, True, False):
        with SecondDevice() if emulated else torch.enable_grad(), pytest.raises(Stopped):
            RECIPES["adain"][0](tiny_job(tmp_path, tell_and_stop))
    assert places == ["1 cpu", "2 cuda", "3 cpu"]
