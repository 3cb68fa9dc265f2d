"""Charts: bars are as long as their numbers, lines run where theirs are, and text stays within its box."""

import pytest
import torch
from torch import Tensor

from brushwork.media.charts import (
    BARS,
    BOTTOM,
    COLOURS,
    INK,
    LABEL,
    LEFT,
    PAPER,
    POINTS,
    RIGHT,
    ROW,
    TOP,
    bar_chart,
    draw_text,
    line_chart,
)


def painted(chart: Tensor, series: int) -> Tensor:
    """Where a chart [1, 3, H, W] has the colour of a series, [H, W]."""
    return ((chart[0] * 255).round() == torch.tensor(COLOURS[series])[:, None, None]).all(0)


def lengths(chart: Tensor, series: int = 0) -> list[int]:
    """Pixels of the bars of one colour, row by row after the legend."""
    return [int(row[:, LABEL:].sum(1).max()) for row in painted(chart, series).split(ROW)[1:]]


def heights(chart: Tensor, series: int = 0) -> Tensor:
    """The middle of a line at every column, 0 at the bottom and 1 at the top."""
    field = painted(chart, series)[TOP - 4 : BOTTOM + 5, LEFT + 2 : RIGHT - 2].float()
    rows = torch.arange(field.shape[0])[:, None] - 4
    return 1 - (field * rows).sum(0) / field.sum(0) / (BOTTOM - TOP)


def test_bars_share_a_scale() -> None:
    chart = bar_chart({"relu1_1": (1.0, 4.0), "relu2_1": (2.0, 0.5)}, ("content", "style"))
    assert chart.shape[:3] == (1, 3, 3 * ROW) and chart.dtype == torch.float32
    assert chart.min() >= 0 and chart.max() <= 1
    assert lengths(chart) == pytest.approx([BARS / 4, BARS / 2], abs=1)
    assert lengths(chart, 1) == pytest.approx([BARS, BARS / 8], abs=1)


@pytest.mark.parametrize("scale", [1e-9, 1, 1e9])
def test_only_ratios_set_the_lengths(scale: float) -> None:
    chart = bar_chart({"a": (scale,), "b": (3 * scale,)}, ("style",))
    assert lengths(chart) == pytest.approx([BARS / 3, BARS], abs=1)


def test_zero_is_still_a_line() -> None:
    assert lengths(bar_chart({"a": (0.0,), "b": (0.0,)}, ("style",))) == [1, 1]
    assert bar_chart({}, ("style",)).shape[2] == ROW


def test_labels_numbers_and_legend_are_there() -> None:
    chart = bar_chart({"relu1_1": (1.0,)}, ("style",))
    for part in (chart[0, :, ROW:, : LABEL - 2], chart[0, :, ROW:, LABEL + BARS :]):
        assert part.min() < 0.5
    assert painted(chart, 0)[:ROW, LABEL:].any()
    assert (chart[0, :, :ROW, :LABEL] * 255).round().unique().tolist() == [PAPER[0]]


def test_lines_share_a_scale_from_zero() -> None:
    chart = line_chart({"style": [4.0, 0.0], "content": [1.0, 1.0]}, 10)
    assert chart.shape[:2] == (1, 3) and chart.dtype == torch.float32
    assert chart.min() >= 0 and chart.max() <= 1
    straight = torch.linspace(1, 0, RIGHT - LEFT - 4)
    assert (heights(chart) - straight)[: len(straight) // 2].abs().max() < 0.03
    assert (heights(chart, 1) - 0.25).abs().max() < 0.02


def test_many_values_are_averaged() -> None:
    """Noise of one step to the next goes, the course stays."""
    steps = 20 * POINTS
    noisy = [1 + (-1) ** step for step in range(steps)]
    assert torch.equal(line_chart({"a": noisy}, 10), line_chart({"a": [1.0] * steps}, 10))


@pytest.mark.parametrize(
    "lines", [{}, {"a": []}, {"a": [1.0]}, {"a": [0.0, 0.0]}, {str(n): [1.0, n] for n in range(4)}]
)
def test_little_to_draw(lines: dict[str, list[float]]) -> None:
    assert torch.isfinite(line_chart(lines, 10)).all()


def test_names_and_numbers_are_written() -> None:
    assert painted(line_chart({"style": [1.0, 0.5]}, 10), 0)[: TOP - 4].any()
    assert not painted(line_chart({"": [1.0, 0.5]}, 10), 0)[: TOP - 4].any()
    assert not torch.equal(line_chart({"a": [1.0, 0.5]}, 10), line_chart({"a": [2.0, 1.0]}, 10))


def test_text_is_dark_on_paper_and_grey() -> None:
    drawn = draw_text("relu4_1", (40, 200), paper=0.97)
    assert drawn.shape == (3, 40, 200)
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])
    assert drawn.max().item() == pytest.approx(0.97, abs=1 / 255)
    assert drawn.min().item() == pytest.approx(INK[0] / 255)
    assert draw_text("", (10, 20), paper=0.5).unique().numel() == 1


def test_text_is_in_the_middle() -> None:
    columns = (draw_text("H", (40, 201), paper=1) < 0.5)[0].any(0).nonzero().flatten()
    assert (columns.min() + columns.max()).item() / 2 == pytest.approx(100, abs=2)


@pytest.mark.parametrize("text", ["a", "a long line of text that is shrunk until it fits", "风格 é ß"])
def test_long_lines_are_shrunk_until_they_fit(text: str) -> None:
    drawn = draw_text(text, (40, 240), paper=1)[0]
    border = torch.cat([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
    assert border.min() > 0.9 and drawn.min() < 0.5
