"""The loop on a tiny learner: whatever happens, the same command goes on and ends as if nothing had happened."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import dropout

from brushwork.media.images import read_picture
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import Clock, Killed
from brushwork.training import trainer
from brushwork.training.trainer import Losses, Trainer, TrainingError, later

STEPS = 9


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A step takes a second; there are a preview and a checkpoint every two and three."""
    clock = Clock()
    monkeypatch.setattr(trainer, "time", clock)
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 3)
    monkeypatch.setattr(trainer, "PREVIEW_SECONDS", 2)
    monkeypatch.setattr(Copying, "clock", clock)
    return clock


class Copying:
    """A convolution that learns to do nothing, from random numbers; one loss every other step only."""

    clock = Clock()

    def __init__(self, out: Path, steps: int = STEPS, rate: float = 0.1, seed: int = 5, **options: Any) -> None:
        torch.manual_seed(1)
        self.learner = nn.Conv2d(3, 3, 3, padding=1)
        settings = {"rate": rate, "steps": steps}
        self.trainer = Trainer(self.learner, out / "copying.pt", settings, rate, steps, seed=seed, **options)

    def losses(self) -> Losses:
        self.clock.now += 1
        image = torch.rand(2, 3, 5, 5)
        parts = {"near": (self.learner(dropout(image, 0.2)) - image).square().mean()}
        return parts | ({"small": self.learner.weight.square().mean()} if self.trainer.step % 2 else {})

    def preview(self) -> Tensor:
        return torch.rand(1, 3, 4, 6)

    def run(self, stop: int = 0) -> dict[str, Tensor]:
        """The weights at the end, or Killed after `stop` steps."""
        for step, _ in self.trainer.run(self.losses, self.preview):
            if step == stop:
                raise Killed
        return self.weights()

    def weights(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.learner.state_dict().items()}

    def averaged(self) -> dict[str, Tensor]:
        return self.trainer.finished(self.learner).state_dict()


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "copying.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def told(file: Path) -> dict[str, Any]:
    """What a float16 file says of its run."""
    with safe_open(file, "pt") as opened:
        return json.loads(opened.metadata()["training"])


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


# Going on


@pytest.mark.parametrize("stops", [(1,), (3,), (5,), (8,), (2, 4, 7)])
def test_killed_after_a_step_it_ends_the_same(tmp_path: Path, stops: tuple[int, ...]) -> None:
    whole = Copying(tmp_path / "whole")
    whole.run()
    for stop in stops:
        with pytest.raises(Killed):
            Copying(tmp_path / "parts").run(stop)
    resumed = Copying(tmp_path / "parts")
    assert resumed.trainer.step == stops[-1] // 3 * 3
    assert_same(resumed.run(), whole.weights())
    assert_same(resumed.averaged(), whole.averaged())
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("write", range(12))
def test_killed_while_it_writes_it_ends_the_same(
    tmp_path: Path, write: int, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a file is replaced, or just after: the log's, a preview's, the weights' or a checkpoint's."""
    whole = Copying(tmp_path / "whole").run()
    replace, left = Path.replace, [write]

    def deadly(self: Path, target: Path) -> None:
        left[0] -= 1
        if left[0] >= 0 or late:
            replace(self, target)
        if left[0] < 0:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", deadly)
        Copying(tmp_path / "parts").run()
    assert_same(Copying(tmp_path / "parts").run(), whole)
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")
    assert_same(
        load_file(tmp_path / "parts" / "copying.safetensors"), load_file(tmp_path / "whole" / "copying.safetensors")
    )


def test_a_finished_run_does_nothing_more(tmp_path: Path) -> None:
    whole = Copying(tmp_path).run()
    again = Copying(tmp_path)
    assert not list(again.trainer.run(again.losses))
    assert_same(again.learner.state_dict(), whole)
    assert len(rows(tmp_path)) == STEPS


def test_only_steps_may_differ(tmp_path: Path) -> None:
    Copying(tmp_path).run()
    longer = Copying(tmp_path, steps=STEPS + 3)
    assert [step for step, _ in longer.trainer.run(longer.losses)] == [10, 11, 12]
    with pytest.raises(ValueError, match=r"copying\.pt was trained otherwise: name another folder, or the same set"):
        Copying(tmp_path, rate=0.2)


def test_previews_and_other_random_numbers_change_nothing(tmp_path: Path) -> None:
    watched = Copying(tmp_path / "watched").run()
    alone = Copying(tmp_path / "alone")
    for _ in alone.trainer.run(alone.losses):
        torch.rand(3)
    assert_same(alone.weights(), watched)


def test_the_random_state_of_others_is_left_alone(tmp_path: Path) -> None:
    copying = Copying(tmp_path)
    before = torch.get_rng_state()
    list(copying.trainer.run(copying.losses))
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_and_steps_draw_differently(tmp_path: Path) -> None:
    seen: list[Tensor] = []
    for seed in (5, 6):
        copying = Copying(tmp_path / str(seed), seed=seed)

        def losses(copying: Copying = copying) -> Losses:
            seen.append(torch.rand(4))
            return copying.losses()

        list(copying.trainer.run(losses))
    assert len({tuple(numbers.tolist()) for numbers in seen}) == 2 * STEPS


# The average of the weights, and its file


def test_the_average_in_closed_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tenth that stays at each step, the weights of n steps ago count 0.9 times 0.1 to the power of n."""
    monkeypatch.setattr(trainer, "AVERAGE_DECAY", 0.1)
    copying, seen = Copying(tmp_path), list[Tensor]()
    first = copying.learner.bias.detach().clone()
    for _ in copying.trainer.run(copying.losses):
        seen.append(copying.learner.bias.detach().clone())
    expected = 0.1**STEPS * first + sum(0.9 * 0.1**age * weights for age, weights in enumerate(reversed(seen)))
    assert_close(copying.averaged()["bias"], expected)
    assert not torch.equal(copying.averaged()["bias"], seen[-1])


def test_young_averages_forget_faster(tmp_path: Path) -> None:
    """Of the first weights remain 1/10 after a step, and 1/10 of 2/11 after two."""
    copying, seen = Copying(tmp_path), list[Tensor]()
    seen.append(copying.learner.bias.detach().clone())
    for step, _ in copying.trainer.run(copying.losses):
        seen.append(copying.learner.bias.detach().clone())
        if step == 2:
            break
    once = 0.1 * seen[0] + 0.9 * seen[1]
    assert_close(copying.averaged()["bias"], (2 * once + 9 * seen[2]) / 11)


def test_the_average_is_what_is_shown_and_kept(tmp_path: Path) -> None:
    copying, shown = Copying(tmp_path), list[dict[str, Tensor]]()

    def preview() -> Tensor:
        shown.append(copying.weights())
        return copying.preview()

    list(copying.trainer.run(copying.losses, preview))
    current = copying.weights()
    averaged = copying.averaged()
    assert_same(shown[-1], averaged)
    assert_same(load_file(tmp_path / "copying.safetensors"), {name: w.half() for name, w in averaged.items()})
    assert not any(torch.equal(value, current[name]) for name, value in averaged.items())
    assert not copying.learner.training and not copying.learner.weight.requires_grad


def test_a_file_lies_beside_each_checkpoint_from_the_start(tmp_path: Path) -> None:
    copying = Copying(tmp_path)

    def losses() -> Losses:
        there = told(tmp_path / "copying.safetensors")["step"], torch.load(tmp_path / "copying.pt")["step"]
        assert there == (copying.trainer.step // 3 * 3,) * 2
        return copying.losses()

    assert len(list(copying.trainer.run(losses))) == STEPS
    assert told(tmp_path / "copying.safetensors")["step"] == STEPS


def test_only_the_part_that_is_asked_for_is_exported(tmp_path: Path) -> None:
    learner = nn.ModuleDict({"wanted": nn.Linear(2, 2), "probe": nn.Linear(2, 2)})
    run = Trainer(learner, tmp_path / "a.pt", {}, 0.1, 2, exported=learner["wanted"])
    list(run.run(lambda: {"sum": sum(part(torch.ones(1, 2)).sum() for part in learner.values())}))
    finished = run.finished(learner["wanted"])
    assert_same(load_file(tmp_path / "a.safetensors"), {k: v.half() for k, v in finished.state_dict().items()})


def test_the_file_alone_is_enough_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the step and the time count on, and the rate rises anew."""
    monkeypatch.setattr(trainer, "WARM_UP", 4)
    with pytest.raises(Killed):
        Copying(tmp_path).run(stop=7)
    (tmp_path / "copying.pt").unlink()
    file = load_file(tmp_path / "copying.safetensors")
    again, rates = Copying(tmp_path), list[float]()
    assert (again.trainer.step, again.trainer.seconds, again.trainer.fresh) == (6, 6, 6)
    assert_same({name: value.half() for name, value in again.learner.state_dict().items()}, file)
    assert_same({name: value.half() for name, value in again.averaged().items()}, file)
    assert not again.trainer.optimiser.state
    again.learner.requires_grad_(True)

    def losses() -> Losses:
        rates.append(again.trainer.optimiser.param_groups[0]["lr"])
        return again.losses()

    assert [step for step, _ in again.trainer.run(losses)] == [7, 8, 9]
    assert rates == pytest.approx([0.1 / 4, 0.1 * 2 / 9, 0.1 / 9])
    assert again.trainer.seconds == STEPS
    assert Copying(tmp_path).trainer.fresh == 6


def test_another_runs_file_is_a_start(tmp_path: Path) -> None:
    Copying(tmp_path / "first").run()
    start = tmp_path / "first" / "copying.safetensors"
    second = Copying(tmp_path / "second", rate=0.2, seed=6, start=start)
    assert (second.trainer.step, second.trainer.seconds, second.trainer.seed) == (0, 0, 6)
    assert_same({name: value.half() for name, value in second.learner.state_dict().items()}, load_file(start))
    with pytest.raises(Killed):
        second.run(stop=4)
    assert Copying(tmp_path / "second", rate=0.2, seed=6, start=start).trainer.step == 3


def test_a_start_that_is_none(tmp_path: Path) -> None:
    other, broken = tmp_path / "other.safetensors", tmp_path / "broken.safetensors"
    save_file(nn.Conv2d(3, 4, 3).state_dict(), other)
    broken.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="^.*other.safetensors holds the weights of another network: start "):
        Copying(tmp_path, start=other)
    for file in (broken, tmp_path / "missing.safetensors"):
        with pytest.raises(ValueError, match=r"^.*holds no weights \(.*\): name a .safetensors file of a run\.$"):
            Copying(tmp_path, start=file)


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\3\4"])
def test_a_damaged_checkpoint(content: bytes, tmp_path: Path) -> None:
    first = Copying(tmp_path)
    first.run()
    checkpoint = tmp_path / "copying.pt"
    checkpoint.write_bytes(content)
    with pytest.raises(ValueError, match=r"copying\.pt is no checkpoint, or a damaged one: delete it, and the run"):
        Copying(tmp_path)
    checkpoint.unlink()
    assert Copying(tmp_path).trainer.step == first.trainer.step


# Time


def test_minutes_end_in_time(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the preview and the checkpoint at the end, which take as long as they took before."""
    monkeypatch.setattr(trainer, "PREVIEW_SECONDS", 10)
    copying = Copying(tmp_path, steps=10**6, minutes=0.5)

    def preview() -> Tensor:
        clock.now += 2
        return copying.preview()

    began = clock.now
    list(copying.trainer.run(copying.losses, preview))
    assert 27 <= clock.now - began <= 30
    for file in ("copying.safetensors", "copying.pt", "copying-preview.png"):
        assert (tmp_path / file).is_file()
    assert told(tmp_path / "copying.safetensors")["step"] == len(rows(tmp_path)) == copying.trainer.step


def test_minutes_are_those_of_all_commands(tmp_path: Path) -> None:
    whole = Copying(tmp_path / "whole", minutes=0.2).run()
    with pytest.raises(Killed):
        Copying(tmp_path / "parts", minutes=0.2).run(stop=5)
    parts = Copying(tmp_path / "parts", minutes=0.2)
    assert parts.trainer.seconds == 3
    assert_same(parts.run(), whole)
    done = Copying(tmp_path / "parts", minutes=0.2)
    assert not list(done.trainer.run(done.losses))
    more = Copying(tmp_path / "parts", minutes=0.3)
    assert [step for step, _ in more.trainer.run(more.losses)] == list(range(12, 18))


def test_the_rate_rises_and_falls_to_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "WARM_UP", 20)
    copying, rates = Copying(tmp_path, steps=60), list[float]()

    def losses() -> Losses:
        rates.append(copying.trainer.optimiser.param_groups[0]["lr"])
        return copying.losses()

    list(copying.trainer.run(losses))
    assert rates[:2] == pytest.approx([0.005, 0.01])
    assert max(rates) == pytest.approx(0.1 * 3 / 4)
    assert rates[-1] == pytest.approx(0.1 / 60)


def test_the_rate_falls_with_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "WARM_UP", 1)
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 1000)
    copying, rates = Copying(tmp_path, minutes=10 / 60), list[float]()

    def losses() -> Losses:
        rates.append(copying.trainer.optimiser.param_groups[0]["lr"])
        return copying.losses()

    list(copying.trainer.run(losses))
    assert rates == pytest.approx([0.1 * (1 - second / 10) for second in range(10)])


def test_some_weights_learn_faster(tmp_path: Path) -> None:
    learner = nn.Linear(1, 1)
    before = [value.detach().clone() for value in learner.parameters()]
    run = Trainer(learner, tmp_path / "x.pt", {}, 0.01, 1, rate_factors=[(learner.bias, 4.0)])
    list(run.run(lambda: {"sum": learner(torch.ones(1, 1)).sum()}))
    weight, bias = ((old - new).abs().item() for old, new in zip(before, learner.parameters(), strict=True))
    assert bias == pytest.approx(4 * weight, rel=1e-3) and weight > 0


# Errors


def full(source: IO[bytes], file: IO[bytes]) -> None:
    """A disk that takes half a file."""
    content = source.read()
    file.write(content[: len(content) // 2])
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_a_sentence_and_loses_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Copying(tmp_path / "whole").run()
    copying, out = Copying(tmp_path / "parts"), tmp_path / "parts"
    expected = (
        f"{out / 'copying.pt'} cannot be written: No space left on device: make room and give the same command again; "
        f"the last good checkpoint, of step 3, is {out / 'copying.pt'}."
    )
    with monkeypatch.context() as patch, pytest.raises(TrainingError) as caught:
        for step, _ in copying.trainer.run(copying.losses):
            if step == 4:
                patch.setattr("brushwork.media.images.copyfileobj", full)
    assert str(caught.value) == expected
    assert sorted(file.name for file in out.iterdir()) == ["copying.csv", "copying.pt", "copying.safetensors"]
    assert_same(Copying(out).run(), whole)


def test_a_disk_full_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brushwork.media.images.copyfileobj", full)
    with pytest.raises(TrainingError, match=r"csv cannot be written: .*: make room .*; there is no checkpoint yet\.$"):
        Copying(tmp_path).run()
    assert not list(tmp_path.iterdir())


def spoiled(copying: Copying, spoil: Callable[[Tensor], Tensor], step: int) -> Callable[[], Losses]:
    def losses() -> Losses:
        parts = copying.losses()
        return {**parts, "near": spoil(parts["near"])} if copying.trainer.step == step else parts

    return losses


SPOILS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "nan": (lambda loss: loss * float("nan"), "near became nan"),
    "infinite": (lambda loss: loss / 0, "near became inf"),
    "steep": (lambda loss: loss + (loss - loss.detach()).sqrt(), "the gradient became (nan|inf)"),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, spoil: str) -> None:
    whole = Copying(tmp_path / "whole").run()
    copying = Copying(tmp_path / "parts")
    function, message = SPOILS[spoil]
    expected = (
        rf"^{message} in step 6: the last good checkpoint, of step 3, is .*copying\.pt; the same command goes on from "
        r"there, and if this happens again, train with a smaller rate into another folder\.$"
    )
    with pytest.raises(TrainingError, match=expected):
        list(copying.trainer.run(spoiled(copying, function, 5)))
    assert_same(Copying(tmp_path / "parts").run(), whole)


def test_a_loss_that_is_no_number_at_once(tmp_path: Path) -> None:
    copying = Copying(tmp_path)
    with pytest.raises(TrainingError, match="in step 1: the last good checkpoint, of step 0, is "):
        list(copying.trainer.run(spoiled(copying, SPOILS["nan"][0], 0)))
    assert all(value.isfinite().all() for value in Copying(tmp_path).weights().values())


def test_a_device_without_room_is_a_sentence(tmp_path: Path) -> None:
    copying = Copying(tmp_path)

    def losses() -> Losses:
        if copying.trainer.step == 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return copying.losses()

    expected = r"^cpu has no room for a step: train with a smaller batch or side; the last good checkpoint, of step 3,"
    with pytest.raises(TrainingError, match=expected):
        list(copying.trainer.run(losses))


# What is left behind


def test_the_preview_is_a_picture(tmp_path: Path) -> None:
    copying = Copying(tmp_path)
    shown = torch.tensor([-1.0, 0.2, float("nan")]).reshape(1, 3, 1, 1).expand(1, 3, 2, 5).bfloat16()
    list(copying.trainer.run(copying.losses, lambda: shown))
    image, _ = read_picture(tmp_path / "copying-preview.png")
    assert image.shape == (1, 2, 5, 3)
    assert image[0, 0, 0].tolist() == pytest.approx([0.0, 0.2, 0.0])


def test_the_learner_is_where_and_as_it_computes_fastest(tmp_path: Path) -> None:
    copying = Copying(tmp_path)
    assert copying.trainer.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert copying.learner.weight.is_contiguous(memory_format=torch.channels_last)
    assert copying.learner.weight.device.type == copying.trainer.device.type


def test_later_stages_count_on() -> None:
    seen: list[int] = []
    on_step = later(lambda step, losses: seen.append(step), 20)
    assert on_step is not None
    on_step(3, {})
    assert seen == [23]
    assert later(None, 20) is None
