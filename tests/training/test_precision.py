"""The fast type: convolutions compute in it, and nothing else does."""

import pytest
import torch
from torch import Tensor, nn

from brushwork.models.layers import ReflectConv
from brushwork.tests.tolerances import assert_close
from brushwork.training.precision import FastConvolutions, learning, scaler

CPU = torch.device("cpu")


@pytest.mark.parametrize("layer", [nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(2, 3, 2), ReflectConv(2, 3, scale=2)])
def test_convolutions_compute_in_the_fast_type(layer: nn.Module) -> None:
    values = torch.rand(1, 2, 6, 6)
    with FastConvolutions(torch.bfloat16):
        result = layer(values)
    expected = layer(values)
    assert result.dtype == torch.float32
    assert not torch.equal(result, expected)
    assert_close(result, expected, torch.bfloat16)


def test_all_else_stays_exact() -> None:
    values = torch.full((4, 4), 300.0)
    with FastConvolutions(torch.float16):
        product, squares = values @ values.mT, values.square()
    assert_close(product, torch.full((4, 4), 360000.0))
    assert_close(squares, torch.full((4, 4), 90000.0))


def test_gradients_come_back_in_float32() -> None:
    layer, values = nn.Conv2d(2, 3, 3), torch.rand(1, 2, 6, 6)

    def slopes() -> list[Tensor]:
        return list(torch.autograd.grad(layer(values).square().sum(), list(layer.parameters())))

    with FastConvolutions(torch.bfloat16):
        fast = slopes()
    for own, exact in zip(fast, slopes(), strict=True):
        assert own.dtype == torch.float32
        assert (own - exact).norm() < 0.06 * exact.norm()


def test_a_cpu_learns_in_float32() -> None:
    layer, values = nn.Conv2d(2, 3, 3), torch.rand(1, 2, 6, 6)
    with learning(CPU):
        result = layer(values)
    assert torch.equal(result, layer(values))
    assert not scaler(CPU).is_enabled()
