"""The loop on a tiny learner: whatever happens, the same command goes on and ends as if nothing had happened."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from brushwork.headless.pictures import read_picture
from brushwork.training import loop
from brushwork.training.loop import Losses, Run, TrainingError, later

STEPS = 9


class Killed(BaseException):
    """A process that ends here."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 3)
    monkeypatch.setattr(loop, "PREVIEW_EVERY", 2)


class Lesson:
    """A convolution that learns to do nothing, from noise of both generators; one loss every other step only."""

    def __init__(self, out: Path, steps: int = STEPS, rate: float = 0.1, seed: int = 5) -> None:
        torch.manual_seed(1)
        self.learner = nn.Conv2d(3, 3, 3, padding=1)
        self.generator = torch.Generator().manual_seed(seed)
        self.run = Run(self.learner, self.generator, {"rate": rate}, steps, rate, out / "lesson.pt")

    def losses(self) -> Losses:
        image = torch.rand(2, 3, 5, 5, generator=self.generator)
        parts = {"near": (self.learner(dropout(image, 0.2)) - image).square().mean()}
        return parts | ({"small": self.learner.weight.square().mean()} if self.run.step % 2 else {})

    def preview(self) -> Tensor:
        return torch.rand(1, 3, 4, 6, generator=self.generator) + torch.rand(())

    def go(self, stop: int = 0) -> dict[str, Tensor]:
        """The weights at the end, or Killed after `stop` steps."""
        for step, _ in self.run.go(self.losses, self.preview):
            if step == stop:
                raise Killed
        return self.learner.state_dict()


def rows(out: Path) -> list[dict[str, str]]:
    """The journal, without the time."""
    with (out / "lesson.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("stops", [(1,), (3,), (5,), (8,), (2, 4, 7)])
def test_killed_after_a_step_it_ends_the_same(tmp_path: Path, stops: tuple[int, ...]) -> None:
    whole = Lesson(tmp_path / "whole").go()
    for stop in stops:
        with pytest.raises(Killed):
            Lesson(tmp_path / "parts").go(stop)
    resumed = Lesson(tmp_path / "parts")
    assert resumed.run.step == stops[-1] // 3 * 3
    assert_same(resumed.go(), whole)
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("write", range(6))
def test_killed_while_it_writes_it_ends_the_same(
    tmp_path: Path, write: int, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a file is replaced, or just after: the journal's, a preview's or a checkpoint's."""
    whole = Lesson(tmp_path / "whole").go()
    replace, left = Path.replace, [write]

    def deadly(self: Path, target: Path) -> None:
        left[0] -= 1
        if left[0] >= 0 or late:
            replace(self, target)
        if left[0] < 0:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", deadly)
        Lesson(tmp_path / "parts").go()
    assert_same(Lesson(tmp_path / "parts").go(), whole)
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


def test_a_finished_run_does_nothing_more(tmp_path: Path) -> None:
    whole = Lesson(tmp_path).go()
    again = Lesson(tmp_path)
    assert not list(again.run.go(again.losses))
    assert_same(again.learner.state_dict(), whole)
    assert len(rows(tmp_path)) == STEPS


def test_previews_and_other_random_numbers_change_nothing(tmp_path: Path) -> None:
    watched = Lesson(tmp_path / "watched").go()
    alone = Lesson(tmp_path / "alone")
    for _ in alone.run.go(alone.losses):
        torch.rand(3)
    assert_same(alone.learner.state_dict(), watched)


def test_the_random_state_of_others_is_left_alone(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path)
    before = torch.get_rng_state()
    list(lesson.run.go(lesson.losses))
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_and_steps_draw_differently(tmp_path: Path) -> None:
    seen: list[Tensor] = []
    for seed in (5, 6):
        lesson = Lesson(tmp_path / str(seed), seed=seed)

        def losses(lesson: Lesson = lesson) -> Losses:
            seen.append(torch.rand(4, generator=lesson.generator))
            return lesson.losses()

        list(lesson.run.go(losses))
    assert len({tuple(numbers.tolist()) for numbers in seen}) == 2 * STEPS


def full(source: IO[bytes], file: IO[bytes]) -> None:
    """A disk that takes half a file."""
    content = source.read()
    file.write(content[: len(content) // 2])
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_a_sentence_and_loses_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Lesson(tmp_path / "whole").go()
    lesson = Lesson(tmp_path / "parts")
    expected = (
        f"{tmp_path / 'parts' / 'lesson.pt'} cannot be written: No space left on device: make room and give the same "
        f"command again; the last good checkpoint, of step 3, is {tmp_path / 'parts' / 'lesson.pt'}."
    )
    with monkeypatch.context() as patch, pytest.raises(TrainingError) as caught:
        for step, _ in lesson.run.go(lesson.losses):
            if step == 4:
                patch.setattr("brushwork.pictures.files.copyfileobj", full)
    assert str(caught.value) == expected
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == ["lesson.csv", "lesson.pt"]
    assert_same(Lesson(tmp_path / "parts").go(), whole)


def test_a_disk_full_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brushwork.pictures.files.copyfileobj", full)
    with pytest.raises(TrainingError, match=r"csv cannot be written: .*: make room .*; there is no checkpoint yet\.$"):
        Lesson(tmp_path).go()
    assert not list(tmp_path.iterdir())


def spoiled(lesson: Lesson, spoil: Callable[[Tensor], Tensor], step: int) -> Callable[[], Losses]:
    def losses() -> Losses:
        parts = lesson.losses()
        return {**parts, "near": spoil(parts["near"])} if lesson.run.step == step else parts

    return losses


SPOILS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "nan": (lambda loss: loss * float("nan"), "near became nan"),
    "infinite": (lambda loss: loss / 0, "near became inf"),
    "steep": (lambda loss: loss + (loss - loss.detach()).sqrt(), "the gradient became (nan|inf)"),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, spoil: str) -> None:
    whole = Lesson(tmp_path / "whole").go()
    lesson = Lesson(tmp_path / "parts")
    function, message = SPOILS[spoil]
    expected = (
        rf"^{message} in step 5: the last good checkpoint, of step 3, is .*lesson\.pt; the same command goes on from "
        r"there, and if this happens again, train with a smaller rate into another folder\.$"
    )
    before: dict[str, Tensor] = {}
    with pytest.raises(TrainingError, match=expected):
        for _ in lesson.run.go(spoiled(lesson, function, 4)):
            before = {name: value.clone() for name, value in lesson.learner.state_dict().items()}
    assert_same(lesson.learner.state_dict(), before)
    assert_same(Lesson(tmp_path / "parts").go(), whole)


def test_a_loss_that_is_no_number_before_any_checkpoint(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path)
    with pytest.raises(TrainingError, match="in step 1: there is no checkpoint yet; "):
        list(lesson.run.go(spoiled(lesson, SPOILS["nan"][0], 0)))
    assert not (tmp_path / "lesson.pt").exists()


def test_the_preview_is_a_picture(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path)
    shown = torch.tensor([-1.0, 0.2, 3.0]).reshape(1, 3, 1, 1).expand(1, 3, 2, 5)
    list(lesson.run.go(lesson.losses, lambda: shown))
    image, _ = read_picture(tmp_path / "lesson-preview.png")
    assert image.shape == (1, 2, 5, 3)
    assert image[0, 0, 0].tolist() == pytest.approx([0.0, 0.2, 1.0])


def test_the_learner_is_where_and_as_it_computes_fastest(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path)
    assert lesson.run.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert lesson.learner.weight.is_contiguous(memory_format=torch.channels_last)
    assert lesson.learner.weight.device.type == lesson.run.device.type


def test_the_rate_rises_and_falls_to_zero(tmp_path: Path) -> None:
    list((lesson := Lesson(tmp_path, steps=300)).run.go(lesson.losses))
    rates = [float(row["rate"]) for row in rows(tmp_path)]
    assert rates[:2] == pytest.approx([0.001, 0.002])
    assert max(rates) == pytest.approx(0.1 * 2 / 3, rel=0.2)
    assert rates[-1] == pytest.approx(0.1 / 300)


def test_later_stages_count_on() -> None:
    seen: list[int] = []
    on_step = later(lambda step, losses: seen.append(step), 20)
    assert on_step is not None
    on_step(3, {})
    assert seen == [23]
    assert later(None, 20) is None


def test_rare_weights_learn_faster(tmp_path: Path) -> None:
    learner = nn.Linear(1, 1)
    before = [value.detach().clone() for value in learner.parameters()]
    generator = torch.Generator().manual_seed(0)
    run = Run(learner, generator, {}, 1, 0.01, tmp_path / "x.pt", rare=[learner.bias], rare_rate=4.0)
    list(run.go(lambda: {"sum": learner(torch.ones(1, 1)).sum()}))
    weight, bias = ((old - new).abs().item() for old, new in zip(before, learner.parameters(), strict=True))
    assert bias == pytest.approx(4 * weight, rel=1e-3) and weight > 0
