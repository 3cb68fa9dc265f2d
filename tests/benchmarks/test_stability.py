"""How still a video holds: clips follow their own motion, and each measure its closed form."""

import pytest
import torch

from brushwork.benchmarks import stability
from brushwork.benchmarks.stability import amplified, cut, ghost, moving, noisy, passing, sharpness, unlike


@pytest.mark.parametrize(
    ("clip", "most"),
    [
        (moving(shift=(3, 0), frames=9), 1e-5),
        (moving(shift=(0.4, 0.3), frames=9), 0.1),
        (moving(zoom=0.99, frames=9), 0.1),
        (moving(turn=0.7, frames=9), 0.1),
        (passing(9), 1e-5),
    ],
)
def test_a_clip_is_itself_with_its_motion_undone(clip: stability.Clip, most: float) -> None:
    """But for interpolation; and what does not move with it is not."""
    assert unlike(clip, clip.frames) < most
    noise = torch.rand(clip.frames.shape, generator=torch.Generator().manual_seed(0))
    assert unlike(clip, noise) == pytest.approx(2**0.5, abs=0.35)


def test_noise_is_measured_by_the_sensors() -> None:
    clip = noisy(9)
    assert amplified(clip, clip.frames) == pytest.approx(1)
    assert amplified(clip, 0.5 * clip.frames) == pytest.approx(0.5)
    assert amplified(clip, clip.frames[:1].expand(9, -1, -1, -1)) == 0


def test_a_ghost_is_the_part_of_the_thing() -> None:
    clip = passing(12)
    haunted = clip.frames.clone()
    for number in range(stability.OLD, 12):
        haunted[number] = 0.75 * clip.frames[number] + 0.25 * clip.frames[number - stability.OLD]
    assert ghost(clip, clip.frames, clip.frames) == 0
    assert ghost(clip, haunted, clip.frames) == pytest.approx(0.25)


def test_sharpness_is_an_energy() -> None:
    frames = moving(frames=2).frames
    assert sharpness(frames, frames) == 1
    assert sharpness(0.5 * frames, frames) == pytest.approx(0.25)
    assert sharpness(torch.full_like(frames, 0.5), frames) == pytest.approx(0, abs=1e-6)


def test_a_cut_is_in_the_middle() -> None:
    frames = cut(6).frames
    changes = (frames[1:] - frames[:-1]).abs().mean((1, 2, 3)) > 0
    assert changes.tolist() == [False, False, True, False, False]
