"""Moments smoothed over time: a window over a batch, and a batch that goes on from the last one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.tests.laws import features, law, seeds, soft_mask
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.moments import Moments
from brushwork.transfer.temporal import FRAMES, SMOOTHED, TemporalWindow, pooled_content

FULL = pytest.mark.parametrize("full", [False, True])
reaches = st.integers(0, 6)
EVER = 10**9


def assert_same(actual: Moments, expected: Moments) -> None:
    for part in ("count", "mean", "scatter"):
        assert_close(getattr(actual, part), getattr(expected, part))


def video(frames: int, seed: int = 0) -> Tensor:
    return features((frames, 3, 4, 5), seed, torch.float64)


def test_three_frames_of_two_pixels() -> None:
    frames = torch.tensor([[0.0, 2.0], [3.0, 5.0], [10.0, 12.0]])[:, None, None]
    moments = Moments.of(frames).over_window(1, 0)
    assert moments.count.tolist() == [2, 2, 2]
    assert moments.mean.flatten().tolist() == [1, 2.5, 7.5]
    assert moments.scatter.flatten().tolist() == [2, 6.5, 26.5]  # of 0 2, half of 0 2 3 5, half of 3 5 10 12


@FULL
@law
@given(frames=st.integers(1, 6), before=reaches, after=reaches, seed=seeds)
def test_a_window_is_its_frames_as_one_picture(full: bool, frames: int, before: int, after: int, seed: int) -> None:
    values, weights = video(frames, seed), soft_mask((frames, 1, 4, 5), seed)
    moments = Moments.of(values, weights, full).over_window(before, after)
    for frame in range(frames):
        near = slice(max(0, frame - before), frame + after + 1)
        together = Moments.of(values[near], weights[near], full).over_batch()
        share = len(values[near])
        expected = Moments(together.count / share, together.mean, together.scatter / share)
        assert_same(moments.of_items(slice(frame, frame + 1)), expected)


@FULL
def test_a_window_of_nothing_is_each_frame_and_of_everything_the_batch(full: bool) -> None:
    own = Moments.of(video(5), full=full)
    assert_same(own.over_window(0, 0), own)
    whole, ever = own.over_batch(), own.over_window(EVER, EVER)
    assert_same(Moments(ever.count * 5, ever.mean, ever.scatter * 5), whole.joined([whole] * 5))


@FULL
@pytest.mark.parametrize("reach", [0, 1, EVER])
def test_a_static_video_stays_static(full: bool, reach: int) -> None:
    own = Moments.of(video(1).expand(5, -1, -1, -1), full=full)
    assert_same(own.over_window(reach, reach), own)


def test_frames_without_a_pixel_take_their_neighbours() -> None:
    values, mask = video(3), torch.ones(3, 1, 4, 5)
    mask[1] = 0
    moments = Moments.of(values, mask).over_window(1, 0)
    assert_close(moments.mean[1], values[0].mean((1, 2)))
    assert Moments.of(values, mask * 0).over_window(1, 1).mean.isfinite().all()


def test_a_batch_sees_as_far_to_both_sides() -> None:
    own = Moments.of(video(12))
    assert_same(pooled_content(own, SMOOTHED), own.over_window(FRAMES, FRAMES))


@FULL
@law
@given(cuts=st.lists(st.integers(1, 2 * FRAMES + 3), min_size=1, max_size=5), seed=seeds)
def test_a_video_in_parts_is_the_video_in_one_piece(full: bool, cuts: list[int], seed: int) -> None:
    values, past = video(sum(cuts), seed), TemporalWindow()
    parts = [pooled_content(Moments.of(part, full=full), SMOOTHED, past) for part in values.split(cuts)]
    assert_same(Moments.joined(parts), Moments.of(values, full=full).over_window(2 * FRAMES, 0))
