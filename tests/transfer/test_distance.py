"""Distances: nothing from itself, and numbers that do not depend on scale or on where things are."""

import torch
from hypothesis import given
from torch import Tensor

from brushwork.tests.laws import features, law, seeds, shapes
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.distance import content_distance, style_distance
from brushwork.transfer.moments import Moments


def style_between(values: Tensor, style: Tensor) -> Tensor:
    return style_distance(Moments.of(values, full=True), Moments.of(style, full=True))


@law
@given(shapes, seeds)
def test_nothing_from_itself(shape: tuple[int, ...], seed: int) -> None:
    values = features(shape, seed)
    assert_close(content_distance(values, values), torch.zeros(shape[0]))
    assert_close(style_between(values, values), torch.zeros(shape[0]))


@law
@given(shapes, seeds)
def test_doubled_features(shape: tuple[int, ...], seed: int) -> None:
    """|2F - F|^2 / |F|^2 = 1 and |4G - G| / |G| = 3; a blank map is as far as the content is large."""
    values = features(shape, seed)
    ones = torch.ones(shape[0])
    assert_close(content_distance(2 * values, values), ones)
    assert_close(style_between(2 * values, values), 3 * ones)
    assert_close(content_distance(0 * values, values), ones)
    assert_close(style_between(0 * values, values), ones)


def test_both_scaled_alike() -> None:
    values, other = features((2, 3, 5, 5)), features((2, 3, 5, 5), seed=1)
    assert_close(content_distance(7 * values, 7 * other), content_distance(values, other))
    assert_close(style_between(7 * values, 7 * other), style_between(values, other))


def test_style_does_not_see_place_or_size() -> None:
    values, other = features((2, 3, 5, 5)), features((2, 3, 4, 4), seed=1)
    moved = values.roll((1, 2), (2, 3)).flip(3)
    assert_close(style_between(moved, other), style_between(values, other))
    assert_close(style_between(values.repeat(1, 1, 2, 3), other), style_between(values, other))
    assert content_distance(moved, values).min() > 0.01


def test_one_style_for_many() -> None:
    values, other = features((3, 3, 5, 5)), features((1, 3, 4, 4), seed=1)
    assert_close(style_between(values, other), style_between(values, other.expand(3, -1, -1, -1)))


def test_half_types_and_blank_pictures() -> None:
    values = features((2, 3, 5, 5), dtype=torch.float16) * 100
    assert content_distance(values, -values).dtype == torch.float32
    assert_close(content_distance(values, -values), torch.full((2,), 4.0))
    assert content_distance(values * 0, values * 0).tolist() == [0, 0]
    assert style_between(values * 0, values * 0).tolist() == [0, 0]
