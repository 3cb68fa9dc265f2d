"""The journal: a table that grows both ways and is cut where a run goes on; and TensorBoard, if it is there."""

import csv
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from brushwork.training.journal import Journal


def table(path: Path) -> list[list[str]]:
    """All cells but the last column's, which are times."""
    with path.open(newline="") as file:
        return [row[:-1] for row in csv.reader(file)]


def filled(path: Path, steps: int) -> Journal:
    journal = Journal(path, 0)
    for step in range(1, steps + 1):
        journal.write(step, {"content": step / 4}, 0.5)
    return journal


def test_a_row_a_step(tmp_path: Path) -> None:
    filled(tmp_path / "out" / "a.csv", 2)
    assert table(tmp_path / "out" / "a.csv") == [["step", "content", "rate"], ["1", "0.25", "0.5"], ["2", "0.5", "0.5"]]


def test_a_new_loss_is_a_new_column(tmp_path: Path) -> None:
    journal = filled(tmp_path / "a.csv", 1)
    journal.write(2, {"plain": 7.0}, 0.5)
    journal.write(3, {"content": 8.0}, 0.5)
    expected = [["1", "0.25", "", "0.5"], ["2", "", "7.0", "0.5"], ["3", "8.0", "", "0.5"]]
    assert table(tmp_path / "a.csv") == [["step", "content", "plain", "rate"], *expected]


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("torn", ["", "4,1.", "4", "4,0.1,0.2,0.3"])
def test_rows_after_the_step_are_cut(tmp_path: Path, step: int, torn: str) -> None:
    path = tmp_path / "a.csv"
    filled(path, 3)
    path.write_text(path.read_text() + torn)
    Journal(path, step).write(step + 1, {"content": 9.0}, 0.1)
    assert [row[0] for row in table(path)[1:]] == [str(number) for number in range(1, step + 2)]
    assert table(path)[-1] == [str(step + 1), "9.0", "0.1"]


def test_seconds_go_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,content,rate,seconds\n1,0.5,0.1,1000\n")
    Journal(path, 1).write(2, {"content": 0.5}, 0.1)
    with path.open(newline="") as file:
        assert float(list(csv.DictReader(file))[-1]["seconds"]) >= 1000


class Writer:
    """What stands in for TensorBoard's."""

    made: "list[Writer]" = []

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step, self.told = folder, purge_step, []
        self.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.told.append((name, value, step))

    def add_images(self, name: str, images: torch.Tensor, step: int) -> None:
        self.told.append((name, tuple(images.shape), step))

    def close(self) -> None:
        self.told.append("closed")


def test_tensorboard_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, module.__name__, module)
    journal = Journal(tmp_path / "a.csv", 6)
    journal.write(7, {"content": 0.5}, 0.1)
    journal.show(7, torch.zeros(1, 3, 2, 2))
    journal.close()
    writer = Writer.made[-1]
    assert (writer.folder, writer.purge_step) == (str(tmp_path / "tensorboard" / "a"), 7)
    assert writer.told == [("content", 0.5, 7), ("rate", 0.1, 7), ("preview", (1, 3, 2, 2), 7), "closed"]


def test_without_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    journal = filled(tmp_path / "a.csv", 1)
    journal.show(1, torch.zeros(1, 3, 2, 2))
    journal.close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
