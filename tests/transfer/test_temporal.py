"""Moments smoothed over time: a window over a batch, and a batch that goes on from the last one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.tests.laws import features, law, seeds, soft_mask
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.moments import Moments
from brushwork.transfer.quantiles import Quantiles
from brushwork.transfer.temporal import CUT, FRAMES, SMOOTHED, TemporalWindow, pooled_content, shots

FULL = pytest.mark.parametrize("full", [False, True])
reaches = st.integers(0, 6)
EVER = 10**9


def assert_same(actual: Moments, expected: Moments) -> None:
    for part in ("count", "mean", "scatter"):
        assert_close(getattr(actual, part), getattr(expected, part))


def video(frames: int, seed: int = 0) -> Tensor:
    return features((frames, 3, 4, 5), seed, torch.float64)


def one_shot(frames: int, seed: int = 0) -> Tensor:
    """That many which differ a little."""
    return video(1, seed) + 0.02 * video(frames, seed + 1)


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
    own = Moments.of(one_shot(12))
    assert_same(pooled_content(own, SMOOTHED), own.over_window(FRAMES, FRAMES))


@FULL
@law
@given(cuts=st.lists(st.integers(1, 2 * FRAMES + 3), min_size=1, max_size=5), seed=seeds)
def test_a_video_in_parts_is_the_video_in_one_piece(full: bool, cuts: list[int], seed: int) -> None:
    values, past = one_shot(sum(cuts), seed), TemporalWindow()
    parts = [pooled_content(Moments.of(part, full=full), SMOOTHED, past) for part in values.split(cuts)]
    assert_same(Moments.joined(parts), Moments.of(values, full=full).over_window(2 * FRAMES, 0))


def test_what_was_kept_stays_as_it_is() -> None:
    """It is written while the next frames are painted."""
    values, window = one_shot(7), TemporalWindow()
    pooled_content(Moments.of(values[:4]), SMOOTHED, window, "level")
    _, kept = window.state_dict()["level"]
    before = [value.clone() for value in kept]
    pooled_content(Moments.of(values[4:]), SMOOTHED, window, "level")
    assert all(torch.equal(*pair) for pair in zip(kept, before, strict=True))
    assert not torch.equal(window.state_dict()["level"][1][1], before[1])


# Cuts: no frame counts with those beyond one


def cut_video(lengths: list[int], seed: int = 0) -> Tensor:
    """Shots of those lengths, each of frames that differ a little and from the last shot's much."""
    return torch.cat([one_shot(length, seed + 7 * number) + 9 * number for number, length in enumerate(lengths)])


@pytest.mark.parametrize(("step", "expected"), [(0.9, [0, 0, 0]), (1.1, [0, 1, 1])])
def test_a_cut_is_where_means_leap(step: float, expected: list[int]) -> None:
    """By more than so much of the deviation, all channels together; the last of the three is as the one before."""
    still = video(1)
    spread = Moments.of(still).variance.sum().sqrt()
    leap = torch.tensor([0.6, 0.8, 0.0]).double()[:, None, None] * spread * CUT * step
    frames = torch.cat([still, still + leap, still + leap])
    assert shots(Moments.of(frames)).tolist() == expected
    assert shots(Moments.of(frames, full=True)).tolist() == expected
    assert shots(Quantiles.of(frames)).tolist() == expected


def test_frames_without_a_pixel_are_no_cut() -> None:
    values, mask = one_shot(4), torch.ones(4, 1, 4, 5)
    mask[1:3] = 0
    assert shots(Moments.of(values, mask)).tolist() == [0, 0, 0, 0]
    assert shots(Moments.of(values, 0 * mask)).tolist() == [0, 0, 0, 0]


@FULL
@law
@given(lengths=st.lists(st.integers(1, 2 * FRAMES + 3), min_size=1, max_size=4), seed=seeds)
def test_a_shot_is_a_video_of_its_own(full: bool, lengths: list[int], seed: int) -> None:
    video_of_shots = cut_video(lengths, seed)
    each = [Moments.of(shot, full=full) for shot in video_of_shots.split(lengths)]
    whole = Moments.of(video_of_shots, full=full)
    assert_same(pooled_content(whole, SMOOTHED), Moments.joined([pooled_content(own, SMOOTHED) for own in each]))
    alone = Moments.joined([own.over_window(2 * FRAMES, 0) for own in each])
    assert_same(pooled_content(whole, SMOOTHED, TemporalWindow()), alone)


@law
@given(
    lengths=st.lists(st.integers(1, 2 * FRAMES + 3), min_size=2, max_size=4),
    cuts=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    seed=seeds,
)
def test_shots_in_parts_are_those_in_one_piece(lengths: list[int], cuts: list[int], seed: int) -> None:
    values, past = cut_video(lengths, seed), TemporalWindow()
    sizes = [min(size, max(0, len(values) - sum(cuts[:number]))) for number, size in enumerate(cuts)]
    sizes = [size for size in [*sizes, len(values) - sum(sizes)] if size]
    parts = [pooled_content(Moments.of(part), SMOOTHED, past) for part in values.split(sizes)]
    assert_same(Moments.joined(parts), pooled_content(Moments.of(values), SMOOTHED, TemporalWindow()))


def test_cuts_are_the_first_kinds_for_all() -> None:
    """Of a cascade's later levels the statistics are those of painted frames, which a cut hardly changes."""
    content, painted, window = cut_video([3, 4]), one_shot(7, seed=9), TemporalWindow()
    found = []
    for part in (slice(0, 2), slice(2, 5), slice(5, 7)):
        pooled_content(Moments.of(content[part]), SMOOTHED, window, "first")
        found.append(pooled_content(Moments.of(painted[part]), SMOOTHED, window, "second"))
    alone = [Moments.of(shot).over_window(2 * FRAMES, 0) for shot in painted.split([3, 4])]
    assert_same(Moments.joined(found), Moments.joined(alone))


def test_sorted_values_of_a_shot_are_its_own() -> None:
    values = cut_video([3, 4])
    whole = pooled_content(Quantiles.of(values), SMOOTHED)
    alone = pooled_content(Quantiles.of(values[3:]), SMOOTHED)
    assert whole.count.tolist() == [60.0] * 3 + [80.0] * 4 and alone.count.tolist() == [80.0] * 4
    for frame in range(4):
        kept, expected = whole.values[3 + frame, :, whole.weights[3 + frame] > 0], alone.values[frame]
        assert_close(kept.sort(-1).values, expected[:, alone.weights[frame] > 0].sort(-1).values)
