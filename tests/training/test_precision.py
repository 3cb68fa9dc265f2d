"""The type that networks learn in: chosen, measured or asked for; what sums over pixels stays in float32."""

import pytest
import torch
from torch import Tensor, nn

from brushwork.models.networks.layers import ReflectConv
from brushwork.tests.tolerances import assert_close
from brushwork.training import precision
from brushwork.training.precision import OVERRIDE, autocast, training_dtype

CPU = torch.device("cpu")


@pytest.fixture
def bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, "bfloat16")


@pytest.mark.parametrize("layer", [nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(2, 3, 2), ReflectConv(2, 3, scale=2)])
def test_convolutions_compute_in_bfloat16(layer: nn.Module, bfloat16: None) -> None:
    values = torch.rand(1, 2, 6, 6)
    with autocast(CPU):
        result = layer(values)
    expected = layer(values)
    assert result.dtype == torch.bfloat16 and expected.dtype == torch.float32
    assert_close(result, expected)


def test_gradients_come_back_in_float32(bfloat16: None) -> None:
    layer, values = nn.Conv2d(2, 3, 3), torch.rand(1, 2, 6, 6)

    def slopes() -> list[Tensor]:
        return list(torch.autograd.grad(layer(values).square().sum(), list(layer.parameters())))

    with autocast(CPU):
        fast = slopes()
    for own, exact in zip(fast, slopes(), strict=True):
        assert own.dtype == torch.float32
        assert (own - exact).norm() < 0.06 * exact.norm()


def test_a_weight_that_was_used_without_gradients_gets_them_later(bfloat16: None) -> None:
    layer, values = nn.Conv2d(2, 3, 3), torch.rand(1, 2, 6, 6)
    with autocast(CPU):
        with torch.no_grad():
            layer(values)
        layer(values).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.any()


def test_in_float32_nothing_changes() -> None:
    layer, values = nn.Conv2d(2, 3, 3), torch.rand(1, 2, 6, 6)
    with autocast(CPU):
        assert torch.equal(layer(values), nn.functional.conv2d(values, layer.weight, layer.bias))
        assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize(("seconds", "dtype"), [(0.84, torch.bfloat16), (0.86, torch.float32), (3.0, torch.float32)])
def test_a_cpu_is_measured(seconds: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OVERRIDE)
    monkeypatch.setattr(precision, "_timed", lambda measured: seconds if measured is torch.bfloat16 else 1.0)
    precision._cpu_gains.cache_clear()
    assert training_dtype(CPU) is dtype
    precision._cpu_gains.cache_clear()


def test_what_is_measured_takes_time() -> None:
    assert precision._timed(torch.float32) > 0


@pytest.mark.parametrize(("capability", "dtype"), [((7, 5), torch.float32), ((8, 0), torch.bfloat16)])
def test_a_graphics_card_is_known(
    capability: tuple[int, int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OVERRIDE)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert training_dtype(torch.device("cuda")) is dtype


def test_another_type_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, "float16")
    with pytest.raises(ValueError, match=f"^{OVERRIDE} is 'float16': set it to float32 or bfloat16, or leave it out.$"):
        training_dtype(CPU)
