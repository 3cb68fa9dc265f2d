"""Contact sheets: every picture in its place, whole and undistorted, and a line of text under it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.media.sheet import PAPER, contact_sheet
from brushwork.tests.laws import law
from brushwork.tests.tolerances import assert_close

SIDE, GAP, LINE = 100, 3, 9
RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def flat(colour: tuple[float, ...], height: int = 20, width: int = 20) -> Tensor:
    return torch.tensor(colour)[:, None, None].expand(3, height, width)


def covered(sheet: Tensor, colour: tuple[float, ...]) -> tuple[int, int, int, int]:
    """Top, left, height and width of where `sheet` has this colour."""
    rows, columns = ((sheet[0] - flat(colour, *sheet.shape[-2:])).abs().amax(0) < 1e-3).nonzero().unbind(1)
    top, left = int(rows.min()), int(columns.min())
    return top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1


def test_row_by_row() -> None:
    sheet = contact_sheet([flat(RED), flat(GREEN), flat(BLUE)], side=SIDE)
    assert sheet.shape == (1, 3, 2 * SIDE + 3 * GAP, 2 * SIDE + 3 * GAP)
    assert covered(sheet, RED) == (GAP, GAP, SIDE, SIDE)
    assert covered(sheet, GREEN) == (GAP, 2 * GAP + SIDE, SIDE, SIDE)
    assert covered(sheet, BLUE) == (2 * GAP + SIDE, GAP, SIDE, SIDE)
    assert_close(sheet[0, :, -SIDE:, -SIDE:], torch.full((3, SIDE, SIDE), PAPER))


@pytest.mark.parametrize(("columns", "expected"), [(0, (2, 3)), (1, (5, 1)), (2, (3, 2)), (5, (1, 5)), (99, (1, 5))])
def test_columns(columns: int, expected: tuple[int, int]) -> None:
    sheet = contact_sheet([flat(RED)] * 5, columns=columns, side=SIDE)
    assert sheet.shape[-2:] == tuple(n * (SIDE + GAP) + GAP for n in expected)


@pytest.mark.parametrize(
    ("size", "place"),
    [
        ((40, 20), (GAP, GAP + 25, 100, 50)),
        ((20, 40), (GAP + 25, GAP, 50, 100)),
        ((1, 1), (GAP, GAP, 100, 100)),
        ((1, 500), (GAP + 49, GAP, 1, 100)),
        ((300, 400), (GAP + 12, GAP, 75, 100)),
    ],
)
def test_proportions_are_kept(size: tuple[int, int], place: tuple[int, ...]) -> None:
    beside_a_square = contact_sheet([flat(RED, *size), flat(GREEN)], side=SIDE)
    assert covered(beside_a_square, RED) == place


def test_cells_are_no_larger_than_their_pictures() -> None:
    sheet = contact_sheet([flat(RED, 30, 40), flat(GREEN, 10, 40)], columns=1, side=SIDE)
    assert sheet.shape[-2:] == (2 * 75 + 3 * GAP, SIDE + 2 * GAP)
    assert covered(sheet, GREEN) == (2 * GAP + 75 + 25, GAP, 25, SIDE)


def test_labels_have_a_line_under_each_row() -> None:
    sheet = contact_sheet([flat(RED)] * 2, ["alpha 0.5"], columns=1, side=SIDE)
    assert sheet.shape == (1, 3, 2 * (SIDE + LINE + GAP) + GAP, SIDE + 2 * GAP)
    lines = [sheet[0, :, top : top + LINE, GAP : GAP + SIDE] for top in (GAP + SIDE, 2 * (GAP + SIDE) + LINE)]
    assert lines[0].min() < PAPER / 2
    assert_close(lines[1], torch.full_like(lines[1], PAPER))


def test_empty_labels_take_no_room() -> None:
    pictures = [flat(RED), flat(BLUE)]
    assert torch.equal(contact_sheet(pictures, ["", ""], side=SIDE), contact_sheet(pictures, side=SIDE))


def test_more_labels_than_pictures() -> None:
    assert torch.equal(
        contact_sheet([flat(RED)], ["one", "two"], side=SIDE), contact_sheet([flat(RED)], ["one"], side=SIDE)
    )


@law
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=7), st.integers(0, 9))
def test_any_pictures_make_a_picture(sizes: list[tuple[int, int]], columns: int) -> None:
    sheet = contact_sheet([torch.rand(3, *size) for size in sizes], ["x"] * len(sizes), columns, side=32)
    assert sheet.shape[:2] == (1, 3) and sheet.dtype == torch.float32
    assert sheet.min() >= 0 and sheet.max() <= 1


def test_no_pictures() -> None:
    with pytest.raises(ValueError, match="needs at least one picture: connect an image"):
        contact_sheet([])
