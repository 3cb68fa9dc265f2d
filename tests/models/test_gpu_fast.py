"""Fewer kernels on a GPU give what the plain layers give, and the plain layers where they cannot be had."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from brushwork.models.networks import gpu_fast
from brushwork.models.networks.gpu_fast import bordered, fewer_kernels, large_map
from brushwork.models.networks.layers import ReflectConv
from brushwork.models.networks.vgg import VggEncoder
from brushwork.tests.models.small import enlivened
from brushwork.tests.second_device import SecondDevice, there
from brushwork.tests.tolerances import assert_close


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 3, 8, 12, 16])
@pytest.mark.parametrize(("kernel", "scale", "mode"), [(3, 1, "reflect"), (9, 1, "reflect"), (3, 2, "replicate")])
def test_borders_are_one_gather(
    device: SecondDevice, dtype: torch.dtype, channels: int, kernel: int, scale: int, mode: str
) -> None:
    values = torch.randn(2, channels, 6, 9, dtype=dtype)
    conv = ReflectConv(channels, 4, kernel, scale=scale)
    bordered(conv, there(values))
    device.reset()
    found = bordered(conv, there(values))
    assert device.launches == 1 and device.layout_copies == 0
    assert torch.equal(found.cpu(), F.pad(values, (kernel // 2,) * 4, mode=mode))


def test_a_border_of_a_part_of_a_map(device: SecondDevice) -> None:
    """Its memory begins where no wide step does."""
    values = torch.randn(3, 8, 6, 9).half()
    for part in (values[1:], values[:, 1:6], values[..., 1:]):
        assert torch.equal(bordered(ReflectConv(8, 4), there(values)).cpu(), F.pad(values, (1,) * 4, mode="reflect"))
        given = there(part)
        assert torch.equal(bordered(ReflectConv(8, 4), given).cpu(), F.pad(part, (1,) * 4, mode="reflect"))


@pytest.mark.parametrize("margin", [0, 1])
@pytest.mark.parametrize("size", [(2, 2), (3, 5)])
def test_the_large_map_of_sub_pixels(device: SecondDevice, margin: int, size: tuple[int, int]) -> None:
    conv, values = ReflectConv(4, 8, scale=2), torch.randn(2, 4, *size)
    expected = F.pad(conv(values), (margin,) * 4, mode="reflect") if margin else conv(values)
    conv.to("cuda")
    subpixels = conv.kernel_convolved(bordered(conv, there(values)))
    assert_close(large_map(conv, subpixels, margin).cpu(), expected)


def test_where_it_is_not_for(device: SecondDevice) -> None:
    values = there(torch.randn(1, 8, 4, 4))
    assert fewer_kernels(values) and not fewer_kernels(values.cpu()) and not fewer_kernels(values.contiguous())
    with torch.enable_grad():
        assert not fewer_kernels(values)
    with torch.autocast("cuda", torch.bfloat16):
        assert not fewer_kernels(values)


def test_hooks_are_called(device: SecondDevice) -> None:
    encoder, seen = enlivened(VggEncoder((8, 8))).requires_grad_(False).to("cuda"), []
    image = there(torch.rand(1, 3, 9, 8))
    expected = encoder(image, ("relu2_1",))["relu2_1"]
    for layer in encoder.values():
        layer.register_forward_hook(lambda layer, given, result: seen.append(result))
    assert_close(encoder(image, ("relu2_1",))["relu2_1"].cpu(), expected.cpu())
    assert len(seen) == 3


def test_without_a_fused_convolution_the_plain_one_serves(
    device: SecondDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = enlivened(VggEncoder((8, 8))).requires_grad_(False).half().to("cuda", memory_format=torch.channels_last)  # pyright: ignore
    image = there(torch.rand(1, 3, 9, 8).half())
    expected, asked = encoder(image, ("relu2_1",))["relu2_1"].cpu(), []

    def missing(*given: object) -> Tensor:
        asked.append(given)
        raise RuntimeError("Unable to find an engine")

    monkeypatch.setattr(gpu_fast, "_fused", missing)
    for _ in range(2):
        assert_close(encoder(image, ("relu2_1",))["relu2_1"].cpu(), expected)
    assert len(asked) == 3  # once a layer


def test_a_kernel_that_means_something_else_is_not_used(device: SecondDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu_fast._fuses.cache_clear()
    assert gpu_fast._fuses(torch.device("cuda", 0))
    for wrong in (lambda *given: F.conv2d(*given[:3]), lambda *given: F.conv2d(*given[:2]).relu_()):
        gpu_fast._fuses.cache_clear()
        monkeypatch.setattr(gpu_fast, "_fused", wrong)
        assert not gpu_fast._fuses(torch.device("cuda", 0))
    gpu_fast._fuses.cache_clear()
