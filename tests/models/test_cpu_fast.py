"""Convolutions in row strips, width-packed and after norms give what plain ones give."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from brushwork.models.networks import cpu_fast
from brushwork.models.networks.base import FeatureMap
from brushwork.models.networks.cpu_fast import in_fours, row_conv, row_kernels, width_packed, width_packed_conv
from brushwork.models.networks.layers import ReflectConv, StripSequential
from brushwork.models.networks.norm import InstanceNorm
from brushwork.models.registry import load_network
from brushwork.tests.laws import features, law, seeds
from brushwork.tests.tolerances import assert_close

sides = st.integers(5, 40)


@law
@given(sides, sides, st.sampled_from([1, 3, 5, 7]), st.integers(1, 4), seeds)
def test_width_packing(height: int, width: int, kernel: int, outputs: int, seed: int) -> None:
    values, weight = features((2, 3, height + 6, width + 6), seed), features((outputs, 3, kernel, kernel), seed + 1)
    bias = features((outputs, 1, 1, 1), seed).flatten()
    for layout in (torch.contiguous_format, torch.channels_last):
        laid = values.contiguous(memory_format=layout)
        assert_close(width_packed_conv(laid, *width_packed(weight, bias), kernel), F.conv2d(values, weight, bias))
        assert_close(width_packed_conv(laid, *width_packed(weight, None), kernel), F.conv2d(values, weight))


@law
@given(st.integers(6, 21), sides, st.integers(1, 2), st.booleans(), seeds)
def test_four_rows_at_once(height: int, width: int, batch: int, biased: bool, seed: int) -> None:
    values, weight = features((batch, 5, height, width), seed).double(), features((3, 5, 3, 3), seed + 1).double()
    bias = features((3, 1, 1, 1), seed).flatten().double() if biased else None
    for dtype in (torch.float64, torch.float32):
        cells = values.to(dtype, memory_format=torch.channels_last)
        given = weight.to(dtype), None if bias is None else bias.to(dtype)
        found = row_conv(cells, row_kernels(*given), *given)
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert_close(found, F.conv2d(cells, *given))


@torch.no_grad()
def test_four_rows_at_once_are_for_wide_layers_in_float32_that_do_not_learn() -> None:
    values, wide = torch.ones(1, 64, 8, 8).to(memory_format=torch.channels_last), ReflectConv(64, 64)
    assert not in_fours(wide, values)  # it may learn
    assert in_fours(wide.requires_grad_(False), values)
    with torch.enable_grad():
        assert not in_fours(wide, values)
    for other in (values.double(), values.bfloat16(), values.contiguous(), values[:, :, :5]):
        assert not in_fours(wide, other)
    for conv in (ReflectConv(64, 63), ReflectConv(64, 64, 1), ReflectConv(64, 64, 3, 2)):
        assert not in_fours(conv.requires_grad_(False), values)
    cells = torch.randn(2, 64, 7, 9).to(memory_format=torch.channels_last)
    padded = F.pad(cells, (1,) * 4, mode="reflect")
    assert_close(wide(cells), F.conv2d(padded, wide.weight, wide.bias))


@pytest.mark.parametrize(
    ("kernel", "stride", "scale"), [(1, 1, 1), (3, 1, 1), (7, 1, 1), (3, 2, 1), (1, 2, 1), (3, 1, 2), (1, 1, 2)]
)
@pytest.mark.parametrize("batch", [1, 2])
def test_norms_in_row_strips(kernel: int, stride: int, scale: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_fast, "STRIP_BYTES", 1)
    layers = nn.Sequential(InstanceNorm(4), nn.ReLU(), ReflectConv(4, 5, kernel, stride, scale), nn.ReLU())
    strips, values = StripSequential(*layers), 3 + 2 * torch.randn(batch, 4, 43, 9)
    expected = layers(values)
    with torch.no_grad():
        assert_close(strips(values), expected)
        assert_close(strips(values.contiguous(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize("level", ["relu1_1", "relu2_1"])
def test_no_layer_of_a_decoder_pads_more_than_a_strip(level: str) -> None:
    network, widest = load_network("compact"), 0

    def seen(conv: nn.Module, given: tuple[Tensor]) -> None:
        nonlocal widest
        widest = max(widest, given[0].numel() * given[0].element_size())

    space = network.space(level)
    values = torch.rand(1, space.channels, 1024 // space.stride, 256 // space.stride)
    values = values.contiguous(memory_format=torch.channels_last)
    for layer in network.get_submodule(f"decoder.{level}").children():
        layer.register_forward_pre_hook(seen)
    with torch.no_grad():
        network.decode(FeatureMap(values, space, (1024, 256)))
    assert 0 < widest < 1.1 * cpu_fast.STRIP_BYTES


def test_a_sequence_with_norms_can_be_learnt() -> None:
    layers, values = (
        StripSequential(InstanceNorm(4), nn.ReLU(), ReflectConv(4, 5)),
        features((1, 4, 9, 8)).requires_grad_(),
    )
    layers(values).square().sum().backward()
    assert values.grad is not None and layers.get_parameter("2.weight").grad is not None
