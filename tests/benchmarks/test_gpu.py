"""The benchmark of GPUs runs: on a CPU, and on an emulated device, where a tensor left behind would fail."""

import json
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from brushwork.benchmarks import gpu
from brushwork.benchmarks.cases import Case
from brushwork.benchmarks.gpu import CHOSEN, Row, Traffic, main, measure, pixels
from brushwork.models.networks import gpu_fast
from brushwork.models.networks.gpu_fast import Kernels
from brushwork.tests.second_device import SecondDevice

QUICK = ("adain-compact", "efdm-compact", "msgnet", "stylebank")


@pytest.fixture(autouse=True)
def one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """And small rates: what is emulated computes on the CPU."""
    for name, value in {"SECONDS": 0.0, "COPIED": 1 << 16, "CHANNELS": 16, "SIDE": 16, "MANY": 1}.items():
        monkeypatch.setattr(gpu, name, value)


def test_it_measures_on_a_cpu(tmp_path: Path) -> None:
    app, output = typer.Typer(), tmp_path / "figures.json"
    app.command()(main)
    options = ["--device", "cpu", "--size", "32x24", "--batch", "2", "--output", str(output)]
    result = CliRunner().invoke(app, [*options, "--case", "stylebank", "--case", "efdm-compact"])
    assert result.exit_code == 0, result.output
    assert "StyleBank" in result.output and "of the limit" in result.output
    rows = [Row(**row) for row in json.loads(output.read_text())["rows"]]
    assert [(row.case, row.size, row.batch) for row in rows] == [
        ("stylebank", "32x24", 2),
        ("efdm-compact", "32x24", 2),
    ]
    for row in rows:
        assert row.latency > 0 and row.on_card > 0 and row.limit > 0 and row.kernels > 10
        assert row.throughput == row.batch / row.latency
        assert (row.plain is None) == (row.case == "efdm-compact")


@pytest.mark.parametrize("case", QUICK)
def test_nothing_of_it_stays_on_the_cpu(case: str) -> None:
    with SecondDevice():
        (row,) = measure([case], ["24x32"], [1], torch.device("cuda"))
    assert row.dtype == "float16" and row.memory and row.psnr is not None and row.psnr > 30


def test_time_that_is_over_begins_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(["stylebank"], ["24x32"], [1], torch.device("cpu"), minutes=-1) == []
    assert "Left out: stylebank at 24x32" in capsys.readouterr().err


def test_what_the_plain_way_has_no_room_for_is_painted_by_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(gpu, "plain", lambda *_: full)
    monkeypatch.setattr(gpu, "_operations", lambda case: 1.0)
    (row,) = measure(["stylebank"], ["24x32"], [1], torch.device("cpu"))
    assert row.plain is None and row.on_card > 0 and not row.cells()[7]


def test_a_fault_of_one_case_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def operations(case: Case) -> float:
        if case.method == "efdm":
            raise RuntimeError("a library's fault\nand its trace")
        return 1.0

    monkeypatch.setattr(gpu, "_operations", operations)
    rows = measure(["efdm-compact", "stylebank"], ["24x32"], [1], torch.device("cpu"))
    assert [row.case for row in rows] == ["stylebank"]
    assert "efdm-compact at 24x32 (a library's fault)" in " ".join(capsys.readouterr().err.split())


def test_graphs_are_timed_beside() -> None:
    with SecondDevice() as device:
        (row,) = measure(["stylebank"], ["24x32"], [1], torch.device("cuda"))
        assert row.by_graph and device.replays > 0


@pytest.mark.parametrize("work", [True, False])
def test_without_triton_is_timed_beside(work: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    state, seen = Kernels(work), []
    monkeypatch.setattr(gpu, "kernels_of", lambda device: state)
    monkeypatch.setattr(gpu_fast, "kernels_of", lambda device: seen.append(state.work) or Kernels(work=False))
    with SecondDevice():
        (row,) = measure(["stylebank"], ["24x32"], [1], torch.device("cuda"))
    assert bool(row.without_triton) == work == state.work and set(seen) == {work, False}


def test_kernels_and_bytes() -> None:
    values = torch.ones(4, 8)
    with Traffic(torch.device("cpu")) as traffic:
        (values.view(8, 4) + 1).t()
    assert (traffic.kernels, traffic.bytes) == (1, 2 * values.nbytes)


def test_sizes_and_cases() -> None:
    assert pixels("1080p") == (1080, 1920) and pixels("30x20") == (30, 20)
    for size in ("30", "30x0", "axb"):
        with pytest.raises(typer.BadParameter, match="is no size"):
            pixels(size)
    with pytest.raises(typer.BadParameter, match="there is no gone"):
        main(case=["gone"])
    assert {case.method for case in CHOSEN.values()} == {"adain", "whitening-colouring", "efdm", "msgnet", "stylebank"}
