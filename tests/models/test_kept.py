"""What a convolution keeps is what it would make anew: after weights changed, moved, were cast or loaded."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from brushwork.models.networks.kept import KeepingConv
from brushwork.models.networks.layers import ReflectConv
from brushwork.models.networks.vgg import VggDecoder
from brushwork.tests.models.small import enlivened
from brushwork.tests.second_device import SecondDevice
from brushwork.tests.tolerances import assert_close


def conv() -> ReflectConv:
    return ReflectConv(4, 5, scale=2).double().requires_grad_(False)


def anew(layer: ReflectConv, values: Tensor) -> Tensor:
    fresh = ReflectConv(4, 5, scale=2).to(values.dtype).requires_grad_(False)
    fresh.weight.copy_(layer.weight)
    assert fresh.bias is not None
    fresh.bias.copy_(layer.get_parameter("bias"))
    return fresh(values)


CHANGES = {
    "in place": lambda layer: layer.weight.mul_(2),
    "the bias": lambda layer: layer.bias.add_(1),
    "another parameter": lambda layer: setattr(layer, "weight", torch.nn.Parameter(layer.weight * 3, False)),
    "loaded": lambda layer: layer.load_state_dict({name: value + 1 for name, value in layer.state_dict().items()}),
    "cast": lambda layer: layer.float().double(),
}


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_change_are_folded_again(change: str, mode: type) -> None:
    layer, values = conv(), torch.randn(1, 4, 5, 6, dtype=torch.float64)
    layer(values)
    before = layer.kept
    assert before and layer.kept[0] is before[0]
    layer(values)
    assert layer.kept[0] is before[0]
    with torch.no_grad() if change != "loaded" else mode():
        CHANGES[change](layer)
    assert_close(layer(values), anew(layer, values))


def test_what_learns_keeps_nothing() -> None:
    layer = conv().requires_grad_()
    layer(torch.randn(1, 4, 5, 6, dtype=torch.float64)).sum().backward()
    with torch.no_grad():
        layer(torch.randn(1, 4, 5, 6, dtype=torch.float64))
    assert not layer.kept and layer.weight.grad is not None


def test_a_network_that_moves_leaves_nothing_behind() -> None:
    decoder, values = enlivened(VggDecoder((4, 6, 8))).requires_grad_(False), torch.rand(1, 8, 5, 6)
    expected = decoder(values)
    with SecondDevice(), torch.inference_mode():
        for _ in range(2):
            there = decoder.to("cuda")(values.to("cuda", memory_format=torch.channels_last))
            assert_close(there.cpu(), expected)
            assert any(layer.kept for layer in decoder.modules() if isinstance(layer, KeepingConv))
            decoder.to("cpu")
            assert not any(layer.kept for layer in decoder.modules() if isinstance(layer, KeepingConv))
    twin = deepcopy(decoder)
    assert_close(twin(values), expected)
    assert twin.state_dict().keys() == decoder.state_dict().keys()


def test_another_size_is_another_border() -> None:
    layer = enlivened(ReflectConv(4, 5)).requires_grad_(False)
    with SecondDevice(), torch.no_grad():
        for size in ((5, 6), (7, 6), (5, 9), (5, 6)):
            values = torch.rand(1, 4, *size)
            found = layer.to("cuda")(values.to("cuda", memory_format=torch.channels_last))
            assert_close(found.cpu(), layer.to("cpu")(values))
