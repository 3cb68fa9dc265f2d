"""Convolutions in row strips, width-packed and after norms give what plain ones give."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from brushwork.models.networks import cpu_fast
from brushwork.models.networks.cpu_fast import width_packed, width_packed_conv
from brushwork.models.networks.layers import ReflectConv, StripSequential
from brushwork.models.networks.norm import InstanceNorm
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


def test_a_sequence_with_norms_can_be_learnt() -> None:
    layers, values = (
        StripSequential(InstanceNorm(4), nn.ReLU(), ReflectConv(4, 5)),
        features((1, 4, 9, 8)).requires_grad_(),
    )
    layers(values).square().sum().backward()
    assert values.grad is not None and layers.get_parameter("2.weight").grad is not None
