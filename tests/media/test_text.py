"""Text as pixels: within its picture, dark on light."""

import pytest
import torch

from brushwork.media.charts import draw_text


def test_dark_on_paper_and_grey() -> None:
    drawn = draw_text("relu4_1", (40, 200), paper=0.97)
    assert drawn.shape == (3, 40, 200)
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])
    assert drawn.max().item() == pytest.approx(0.97, abs=1 / 255)
    assert drawn.min().item() == pytest.approx(0.15, abs=1 / 255)


def test_nothing_to_say() -> None:
    drawn = draw_text("", (10, 20), paper=0.5)
    assert drawn.unique().numel() == 1


def test_in_the_middle() -> None:
    columns = (draw_text("H", (40, 201), paper=1) < 0.5)[0].any(0).nonzero().flatten()
    assert (columns.min() + columns.max()).item() / 2 == pytest.approx(100, abs=2)


@pytest.mark.parametrize("text", ["a", "four words of text", "a long line of text that is shrunk until it fits"])
def test_long_lines_are_shrunk_until_they_fit(text: str) -> None:
    drawn = draw_text(text, (40, 240), paper=1)[0]
    border = torch.cat([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
    assert border.min() > 0.9 and drawn.min() < 0.5


def test_other_letters() -> None:
    assert draw_text("风格 é ß", (30, 120), paper=1).min() < 0.5
