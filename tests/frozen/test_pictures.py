"""Every method with every option paints what it painted, and in half precision what it paints in float32."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.tests.frozen.entry import dtype_of, methods
from brushwork.tests.frozen.make_pictures import GRAPHS, LINES, NETWORKS, PICTURES, painted, read
from brushwork.tests.tolerances import FROZEN, VISIBLE

HALVES = {"compact": torch.float32, "msgnet": torch.float32, "stylebank": torch.bfloat16}
"""What the built-in networks compute in where bfloat16 is asked for: float32 where it would show."""

each_picture = pytest.mark.parametrize("name", [*LINES, *GRAPHS])


def test_every_picture_is_there_and_all_are_light() -> None:
    files = list(PICTURES.glob("*.png"))
    assert {file.stem for file in files} == {*LINES, *GRAPHS}
    assert sum(file.stat().st_size for file in files) < 1_500_000


def test_every_method_is_there() -> None:
    assert set(NETWORKS) == methods()


@each_picture
def test_a_picture_stays(name: str, tmp_path: Path) -> None:
    """Frozen by python tests/frozen/make_pictures.py."""
    expected, actual = read(PICTURES / f"{name}.png"), painted(name, tmp_path)
    assert actual.shape == expected.shape
    assert decibels(actual, expected) > FROZEN[name.split("_")[0]]


@pytest.mark.parametrize("method", NETWORKS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_does_not_show(method: str, dtype: torch.dtype, tmp_path: Path) -> None:
    assert decibels(painted(method, tmp_path, dtype), read(PICTURES / f"{method}.png")) > VISIBLE


@pytest.mark.parametrize("network", HALVES)
def test_bfloat16_is_for_networks_where_it_does_not_show(network: str) -> None:
    assert dtype_of(network, torch.bfloat16) == HALVES[network]


def decibels(one: Tensor, other: Tensor) -> float:
    """PSNR of pictures of eight bits."""
    return -10 * ((one.double() - other.double()) / 255).square().mean().log10().item()
