"""Noise that a seed decides, and strokes of another size."""

import pytest
import torch

from brushwork.tests.laws import picture
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.resize import scale_strokes, texture_noise


def test_a_seed_decides_the_noise() -> None:
    assert torch.equal(texture_noise(5, 7, 3), texture_noise(5, 7, 3))
    assert not torch.equal(texture_noise(5, 7, 3), texture_noise(5, 7, 4))
    assert texture_noise(2, 2, 0).flatten()[:3].tolist() == pytest.approx([0.496257, 0.768222, 0.088477], abs=1e-6)


def test_noise_is_uniform_in_its_range() -> None:
    noise = texture_noise(100, 120, 0)
    assert noise.shape == (1, 3, 100, 120)
    assert noise.min() >= 0 and noise.max() < 1
    assert noise.mean().item() == pytest.approx(1 / 2, abs=0.01)
    assert noise.var().item() == pytest.approx(1 / 12, abs=0.005)


@pytest.mark.parametrize("seed", [0, 2**32, 2**64 - 1])
def test_every_seed_of_comfyui_serves(seed: int) -> None:
    assert texture_noise(1, 1, seed).shape == (1, 3, 1, 1)


def test_nobody_elses_random_numbers_change() -> None:
    expected = torch.rand(3)
    torch.manual_seed(0)
    texture_noise(4, 4, 9)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("scale", "size"), [(1, (20, 30)), (0.5, (10, 15)), (2, (40, 60)), (0.01, (1, 1)), (0.04, (1, 1)), (1.5, (30, 45))]
)
def test_sizes(scale: float, size: tuple[int, int]) -> None:
    scaled = scale_strokes(picture(20, 30, batch=2), scale)
    assert scaled.shape == (2, 3, *size)
    assert scaled.min() >= 0 and scaled.max() <= 1


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.7])
def test_a_flat_picture_stays_flat(scale: float) -> None:
    scaled = scale_strokes(torch.full((1, 3, 11, 13), 0.7), scale)
    assert_close(scaled, torch.full_like(scaled, 0.7))


def test_scale_one_changes_nothing() -> None:
    assert_close(scale_strokes(picture(11, 13), 1), picture(11, 13))
