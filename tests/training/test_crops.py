"""Crops of pictures in one tensor: of the right parts, and the same from one state."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from brushwork.tests.second_device import SecondDevice
from brushwork.training.crops import Crops
from brushwork.training.pictures import Pictures

SIZES = [(20, 31), (40, 16), (16, 16), (17, 90)]


def numbered(sizes: Sequence[tuple[int, int]] = SIZES) -> Pictures:
    """Each pixel says in red, green and blue which picture, row and column it is."""
    pictures = [
        torch.stack([torch.full(size, index), *torch.meshgrid(*map(torch.arange, size), indexing="ij")]) / 255
        for index, size in enumerate(sizes)
    ]
    kinds = ["b", "a", "a", "a"]
    pixels = torch.cat([picture.mul(255).round().byte().flatten(1).T for picture in pictures])
    return Pictures(pixels, sizes, [str(index) for index in range(len(sizes))], kinds)


def numbers(crops: Tensor) -> Tensor:
    return crops.mul(255).round().long()


def test_sizes_lie_on_both_sides() -> None:
    pictures = numbered()
    assert pictures.pixels.dtype == torch.uint8 and pictures.pixels.shape == (sum(h * w for h, w in SIZES), 3)
    assert pictures.first.tolist() == list(pictures.starts) == [0, 620, 1260, 1516]
    assert list(zip(pictures.height.tolist(), pictures.width.tolist(), strict=True)) == SIZES


def test_shape_and_range() -> None:
    taken = Crops(numbered(), 8).take(6)
    assert taken.shape == (6, 3, 8, 8) and taken.dtype == torch.float32
    assert taken.is_contiguous(memory_format=torch.channels_last)
    assert taken.min() >= 0 and taken.max() <= 1


def test_every_crop_is_a_part_of_its_picture() -> None:
    which, rows, columns = numbers(Crops(numbered(), 16).take(300)).unbind(1)
    assert (which == which[:, :1, :1]).all()
    assert (rows.diff(dim=1) == 1).all() and (rows.diff(dim=2) == 0).all()
    steps = columns.diff(dim=2)
    assert (steps == steps[:, :1, :1]).all() and (columns.diff(dim=1) == 0).all()
    assert 100 < (steps[:, 0, 0] == 1).sum() < 200 and steps.abs().unique().item() == 1
    for index, (height, width) in enumerate(SIZES):
        mine = which[:, 0, 0] == index
        assert 40 < mine.sum() < 110  # each has its turn
        assert rows[mine].min() == 0 and rows[mine].max() == height - 1  # to the very edges
        assert columns[mine].max() < width and (width > 40 or columns[mine].max() == width - 1)


@pytest.mark.parametrize("by_kind", [False, True])
def test_the_ends_of_the_numbers(by_kind: bool) -> None:
    crops = Crops(numbered(), 16, by_kind=by_kind)
    first, last = numbers(crops.cut(torch.stack([torch.zeros(4), torch.ones(4)])))
    assert first[:, 0, -1].tolist() == [0, 0, 0] and first[:, -1, 0].tolist() == [0, 15, 15]
    assert last[:, 0, 0].tolist() == [3, 1, 74] and last[:, -1, -1].tolist() == [3, 16, 89]


def test_a_kind_of_many_is_drawn_less_often() -> None:
    crops = Crops(numbered(), 4, by_kind=True)
    which = numbers(crops.cut(torch.cat([torch.linspace(0, 1, 1001)[:, None], torch.zeros(1001, 3)], 1)))[:, 0, 0, 0]
    shares = which.bincount() / len(which)
    alone = 1 / (1 + 3 * 3**-0.5)
    torch.testing.assert_close(shares, torch.tensor([alone] + [(1 - alone) / 3] * 3), atol=2e-3, rtol=0)


def test_a_zoomed_crop_shows_more() -> None:
    ramp = torch.linspace(0, 1, 24).expand(3, 24, 24)
    crops = Crops(Pictures.from_tensors([ramp], 24), 8, (1.0, 2.0, 3.0))
    drawn = torch.full((2, 4), 0.7)
    for zoom, slope in ((1.0, 1 / 23), (2.0, 2 / 23), (3.0, 3 / 23)):
        cut = crops.cut(drawn, zoom)
        assert cut.shape == (2, 3, 8, 8) and cut.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(cut[..., 2:-2].diff(dim=-1), torch.full((2, 3, 8, 3), slope), atol=6e-3, rtol=0)
    slopes = {round(crops.take(1)[0, 0, 0, 2:-2].diff().abs().mean().item() * 23) for _ in range(40)}
    assert slopes == {1, 2, 3}


def test_pictures_too_small_for_crops() -> None:
    with pytest.raises(ValueError, match="^crops of 24 pixels cannot be cut from .* side of 16: choose smaller crops"):
        Crops(numbered(), 16, (1.0, 1.5))
    with pytest.raises(ValueError, match="^crops of 17 pixels"):
        Crops(numbered(), 16).cut(torch.zeros(1, 4), 17 / 16)
    with pytest.raises(ValueError, match="^crops of 0 pixels"):
        Crops(numbered(), 16, (0.0,))


def test_torchs_own_generator_is_the_whole_state() -> None:
    """A run that seeds every step goes on after an interruption as it would have."""

    def step(crops: Crops, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return torch.cat([crops.take(3), crops.take(2)])

    first, second = (Crops(numbered(), 8, (1.0, 1.5), by_kind=True) for _ in range(2))
    whole = [step(first, seed) for seed in range(6)]
    assert all(torch.equal(step(second, seed), whole[seed]) for seed in range(3, 6))
    assert not torch.equal(whole[0], whole[1])


def test_a_device_is_not_waited_for() -> None:
    with SecondDevice() as device:
        pictures = numbered().to("cuda")
        crops = Crops(pictures, 8, (1.0, 1.5), by_kind=True)
        device.reset()
        torch.manual_seed(1)
        taken, zoomed, whole = crops.take(4), crops.cut(torch.rand(4, 4, device="cuda"), 1.5), pictures[2]
        assert device.host_reads == 0 and device.uploads == 0
        assert {str(each.device) for each in (taken, zoomed, whole, pictures.first)} == {"cuda:0"}
        assert torch.equal(whole.cpu(), numbered()[2])
