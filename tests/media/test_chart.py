"""Bar charts: the bars are as long as their numbers."""

import pytest
import torch
from torch import Tensor

from brushwork.media.charts import BARS, COLOURS, LABEL, PAPER, ROW, bar_chart


def lengths(chart: Tensor, bar: int = 0) -> list[int]:
    """Pixels of the bars of one colour, row by row after the legend."""
    painted = (chart[0] - torch.tensor(COLOURS[bar])[:, None, None]).abs().amax(0) < 1e-3
    return [int(row[:, LABEL:].sum(1).max()) for row in painted.split(ROW)[1:]]


def test_bars_share_a_scale() -> None:
    chart = bar_chart({"relu1_1": (1.0, 4.0), "relu2_1": (2.0, 0.5)}, ("content", "style"))
    assert chart.shape[:3] == (1, 3, 3 * ROW) and chart.dtype == torch.float32
    assert chart.min() >= 0 and chart.max() <= 1
    assert lengths(chart) == pytest.approx([BARS / 4, BARS / 2], abs=1)
    assert lengths(chart, 1) == pytest.approx([BARS, BARS / 8], abs=1)


def test_one_bar_a_row() -> None:
    assert lengths(bar_chart({"a": (1.0,), "b": (3.0,)}, ("style",))) == pytest.approx([BARS / 3, BARS], abs=1)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_only_ratios_set_the_lengths(scale: float) -> None:
    assert lengths(bar_chart({"a": (scale,), "b": (2 * scale,)}, ("style",))) == pytest.approx([BARS / 2, BARS], abs=1)


def test_nothing_is_still_a_line() -> None:
    assert lengths(bar_chart({"a": (0.0,), "b": (0.0,)}, ("style",))) == [1, 1]
    assert bar_chart({}, ("style",)).shape[2] == ROW


def test_labels_numbers_and_legend_are_there() -> None:
    chart = bar_chart({"relu1_1": (1.0,)}, ("style",))[0]
    for part in (chart[:, ROW:, :LABEL], chart[:, ROW:, LABEL + BARS :]):
        assert part.min() < 0.5
    legend = chart[:, :ROW, LABEL:]
    darkest = legend.flatten(1)[:, legend.sum(0).argmin()]
    assert darkest.tolist() == pytest.approx(COLOURS[0], abs=0.02)
    assert_paper(chart[:, :ROW, :LABEL])


def assert_paper(part: Tensor) -> None:
    torch.testing.assert_close(part, torch.full_like(part, PAPER), rtol=0, atol=1 / 255)
