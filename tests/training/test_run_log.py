"""The log of a run: a table that grows both ways and is cut where a run goes on; and TensorBoard, if it is there."""

import csv
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from brushwork.training.run_log import RunLog


def table(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def filled(path: Path, steps: int) -> RunLog:
    run_log = RunLog(path, 0)
    for step in range(1, steps + 1):
        run_log.write(step, {"content": step / 4}, 0.5, 2.0 * step)
    return run_log


def test_a_row_a_step(tmp_path: Path) -> None:
    filled(tmp_path / "out" / "a.csv", 2)
    expected = [["1", "0.25", "0.5", "2.0"], ["2", "0.5", "0.5", "4.0"]]
    assert table(tmp_path / "out" / "a.csv") == [["step", "content", "rate", "seconds"], *expected]


def test_a_new_loss_is_a_new_column(tmp_path: Path) -> None:
    run_log = filled(tmp_path / "a.csv", 1)
    run_log.write(2, {"reconstruction": 7.0}, 0.5, 4.0)
    run_log.write(3, {"content": 8.0}, 0.5, 6.0)
    expected = [["1", "0.25", "", "0.5", "2.0"], ["2", "", "7.0", "0.5", "4.0"], ["3", "8.0", "", "0.5", "6.0"]]
    assert table(tmp_path / "a.csv") == [["step", "content", "reconstruction", "rate", "seconds"], *expected]


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("torn", ["", "4,1.", "4", "4,0.1,0.2,0.3"])
def test_rows_after_the_step_are_cut(tmp_path: Path, step: int, torn: str) -> None:
    path = tmp_path / "a.csv"
    filled(path, 3)
    path.write_text(path.read_text() + torn)
    RunLog(path, step).write(step + 1, {"content": 9.0}, 0.1, 7.5)
    assert [row[0] for row in table(path)[1:]] == [str(number) for number in range(1, step + 2)]
    assert table(path)[-1] == [str(step + 1), "9.0", "0.1", "7.5"]


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
    run_log = RunLog(tmp_path / "a.csv", 6)
    run_log.write(7, {"content": 0.5}, 0.1, 3.0)
    run_log.show(7, torch.zeros(1, 3, 2, 2))
    run_log.close()
    writer = Writer.made[-1]
    assert (writer.folder, writer.purge_step) == (str(tmp_path / "tensorboard" / "a"), 7)
    assert writer.told == [("content", 0.5, 7), ("rate", 0.1, 7), ("preview", (1, 3, 2, 2), 7), "closed"]


def test_without_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run_log = filled(tmp_path / "a.csv", 1)
    run_log.show(1, torch.zeros(1, 3, 2, 2))
    run_log.close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
