"""Crops of pictures at hand: of the asked size, from inside the pictures, and the same for the same seed."""

import pytest
import torch
from torch import Tensor

from brushwork.training.given import STRIP, GivenCrops, scaled


def crops(pictures: list[Tensor] | Tensor, seed: int = 0, side: int = 16, shorter: int = 20) -> GivenCrops:
    return GivenCrops(pictures, side, shorter, torch.Generator().manual_seed(seed))


def test_as_many_as_asked_of_the_asked_size() -> None:
    taken = crops([torch.rand(3, 30, 50), torch.rand(3, 7, 5)]).take(5)
    assert taken.shape == (5, 3, 16, 16) and taken.dtype == torch.float32
    assert taken.min() >= 0 and taken.max() <= 1


def test_a_batch_is_as_good_as_a_list() -> None:
    batch = torch.rand(3, 3, 24, 30)
    assert torch.equal(crops(batch).take(6), crops(list(batch)).take(6))


def test_the_seed_decides() -> None:
    pictures = torch.rand(3, 3, 24, 30)
    assert torch.equal(crops(pictures).take(6), crops(pictures).take(6))
    assert not torch.equal(crops(pictures).take(6), crops(pictures, seed=1).take(6))


def test_every_picture_has_its_turn_and_some_are_mirrored() -> None:
    ramp = torch.linspace(0, 0.2, 20).expand(3, 20, 20)
    taken = crops([ramp, ramp + 0.4, ramp + 0.8]).take(40)
    assert {round(2.5 * crop.mean().item() - 0.25) for crop in taken} == {0, 1, 2}
    rising = taken[..., -1].mean((1, 2)) > taken[..., 0].mean((1, 2))
    assert 0 < rising.sum() < 40


def test_no_pictures() -> None:
    with pytest.raises(ValueError, match="no photographs to learn with: connect at least one"):
        crops([])


@pytest.mark.parametrize(
    ("size", "wanted"), [((30, 60), (10, 20)), ((60, 30), (20, 10)), ((4, 4), (10, 10)), ((1, 3), (10, 30))]
)
def test_scaling_keeps_proportions(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert scaled(torch.rand(2, 3, *size), 10).shape == (2, 3, *wanted)


def test_of_a_strip_the_middle_is_taken() -> None:
    """A picture of one row, scaled up, would fill the memory."""
    strip = torch.zeros(1, 3, 1, 1001)
    strip[..., 490:512] = 1
    assert scaled(strip, 10).shape == (1, 3, 10, 10 * STRIP)
    assert scaled(strip.mT, 10).mean() > 0.9
