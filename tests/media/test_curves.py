"""Line charts: lines run where their numbers are."""

import pytest
import torch
from torch import Tensor

from brushwork.media.charts import BOTTOM, INKS, LEFT, PAPER, POINTS, RIGHT, TOP, line_chart


def heights(chart: Tensor, line: int = 0) -> Tensor:
    """The middle of a line at every column, 0 at the bottom and 1 at the top."""
    field = chart[0, :, TOP - 4 : BOTTOM + 5, LEFT + 2 : RIGHT - 2]
    painted = ((field - torch.tensor(INKS[line])[:, None, None]).abs().amax(0) < 0.01).float()
    rows = torch.arange(painted.shape[0])[:, None] - 4
    return 1 - (painted * rows).sum(0) / painted.sum(0) / (BOTTOM - TOP)


def test_a_picture_like_any_other() -> None:
    chart = line_chart({"style": [2.0, 1.0], "content": [0.5, 0.7]})
    assert chart.shape[:2] == (1, 3) and chart.dtype == torch.float32
    assert chart.min() >= 0 and chart.max() <= 1


def test_lines_share_a_scale_from_zero() -> None:
    chart = line_chart({"style": [4.0, 0.0], "content": [1.0, 1.0]})
    straight = torch.linspace(1, 0, RIGHT - LEFT - 4)
    assert (heights(chart) - straight)[: len(straight) // 2].abs().max() < 0.03
    assert (heights(chart, 1) - 0.25).abs().max() < 0.02


def test_many_values_are_averaged() -> None:
    """Noise of one step to the next goes, the course stays."""
    steps = 20 * POINTS
    noisy = [1 + (-1) ** step for step in range(steps)]
    assert torch.equal(line_chart({"a": noisy}), line_chart({"a": [1.0] * steps}))


@pytest.mark.parametrize(
    "lines", [{}, {"a": []}, {"a": [1.0]}, {"a": [0.0, 0.0]}, {str(n): [1.0, n] for n in range(4)}]
)
def test_little_to_draw(lines: dict[str, list[float]]) -> None:
    assert torch.isfinite(line_chart(lines)).all()


def test_names_and_numbers_are_written() -> None:
    bare, named = line_chart({"": [1.0, 0.5]}), line_chart({"style": [1.0, 0.5]})
    assert (named[0, :, : TOP - 4] - PAPER).abs().sum() > (bare[0, :, : TOP - 4] - PAPER).abs().sum()
    assert not torch.equal(line_chart({"a": [1.0, 0.5]}), line_chart({"a": [2.0, 1.0]}))
