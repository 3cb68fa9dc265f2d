"""Borders, and the layers built on them, on the CPU and on a GPU."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brushwork.models.networks import cpu_fast
from brushwork.models.networks.cpu_fast import reflect_pad, reflect_subpixels, replicate_pad, shuffle_subpixels
from brushwork.models.networks.layers import ReflectConv
from brushwork.models.networks.msgnet import Bottleneck
from brushwork.models.networks.norm import InstanceNorm
from brushwork.models.networks.vgg import VggDecoder, VggEncoder
from brushwork.tests.second_device import SecondDevice
from brushwork.tests.tolerances import assert_close

WAYS = pytest.mark.parametrize(
    ("border", "mode", "margin"),
    [*((lambda values, margin=margin: reflect_pad(values, margin), "reflect", margin) for margin in range(1, 5))]
    + [(replicate_pad, "replicate", 1)],
)


@WAYS
@pytest.mark.parametrize("size", [(5, 5), (6, 9), (13, 7)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_borders_are_torchs(
    border: Callable[[Tensor], Tensor], mode: str, margin: int, size: tuple[int, int], layout: torch.memory_format
) -> None:
    values = torch.randn(2, 3, *size).contiguous(memory_format=layout)
    expected = F.pad(values, (margin,) * 4, mode=mode)
    assert torch.equal(border(values), expected)
    with SecondDevice() as device:
        given = values.to("cuda").requires_grad_()
        found = border(given)
        assert torch.equal(found.cpu(), expected) and found.is_contiguous(memory_format=layout)
        found.square().sum().backward()
        assert device.layout_copies == 0
        assert given.grad.stride() == given.stride() and device.launches < 12 + 4 * margin


@WAYS
@pytest.mark.parametrize("size", [(0, 1), (3, 0)])
def test_gradients_of_borders(
    border: Callable[[Tensor], Tensor], mode: str, margin: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_fast, "slices", lambda _: True)
    values = torch.randn(1, 2, *(margin + 1 + more for more in size), dtype=torch.float64, requires_grad=True)
    for layout in (torch.contiguous_format, torch.channels_last):
        assert torch.autograd.gradcheck(border, values.contiguous(memory_format=layout))
    (found,) = torch.autograd.grad(border(values).square().sum(), values)
    (expected,) = torch.autograd.grad(F.pad(values, (margin,) * 4, mode=mode).square().sum(), values)
    assert_close(found, expected)


@pytest.mark.parametrize("way", [shuffle_subpixels, lambda subpixels: reflect_subpixels(subpixels.clone())])
@pytest.mark.parametrize("size", [(2, 2), (3, 4)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_of_sub_pixels(
    way: Callable[[Tensor], Tensor], size: tuple[int, int], layout: torch.memory_format
) -> None:
    subpixels = torch.randn(2, 8, *size, dtype=torch.float64).contiguous(memory_format=layout)
    assert torch.autograd.gradcheck(way, subpixels.requires_grad_())


@pytest.mark.parametrize("way", [lambda values: values, lambda values: values.to("cuda")])
def test_a_border_needs_more_cells_than_it_mirrors(way: Callable[[Tensor], Tensor]) -> None:
    with SecondDevice(), pytest.raises(RuntimeError):
        reflect_pad(way(torch.ones(1, 1, 2, 3)), 2)


def learnt(network: nn.Module, values: Tensor, device: str) -> tuple[list[Tensor], Tensor]:
    network.zero_grad()
    given = values.detach().clone().to(device).requires_grad_()
    result = network.to(device)(given)
    result.square().sum().backward()
    return [result, *(value.grad for value in network.parameters())], given


class Both(nn.Module):
    """A VGG-shaped encoder and its decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = VggEncoder((4, 6, 8)), VggDecoder((4, 6, 8))

    def forward(self, image: Tensor) -> Tensor:
        return self.decoder(self.encoder(image, ("relu3_1",))["relu3_1"])


def weights(network: nn.Module) -> int:
    """Layout copies that are no map's: the gradient of the few kernels that a VGG-shaped decoder ends in."""
    return isinstance(network, Both)


NETWORKS = pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(ReflectConv(3, 4), nn.ReLU(), ReflectConv(4, 6), nn.MaxPool2d(2), ReflectConv(6, 6)),
        lambda: nn.Sequential(ReflectConv(3, 8, 7), InstanceNorm(8), nn.ReLU(), Bottleneck(8, 16, stride=2)),
        lambda: nn.Sequential(ReflectConv(3, 8), Bottleneck(8, 8), Bottleneck(8, 16, scale=2), ReflectConv(16, 3, 9)),
        Both,
    ],
)


@NETWORKS
def test_on_a_gpu_layers_learn_in_one_layout(make: Callable[[], nn.Module]) -> None:
    network = make().double().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    values = torch.randn(2, 3, 24, 20).double().contiguous(memory_format=torch.channels_last)
    expected, before = learnt(network, values, "cpu")
    expected = [value.clone() for value in expected]
    with SecondDevice() as device:
        network.to("cuda")
        device.reset()
        found, given = learnt(network, values, "cuda")
        assert (device.layout_copies, device.host_reads, device.uploads) == (weights(network), 0, 1)
        for one, other in zip([*found, given.grad], [*expected, before.grad], strict=True):
            assert_close(one.cpu(), other)


@NETWORKS
def test_autocast_learns(make: Callable[[], nn.Module]) -> None:
    values = torch.randn(2, 3, 24, 20).contiguous(memory_format=torch.channels_last)
    with SecondDevice() as device, torch.autocast("cuda", torch.bfloat16):
        network = make().to("cuda", memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        device.reset()
        found, given = learnt(network, values, "cuda")
        assert device.layout_copies == weights(network) and found[0].dtype is torch.bfloat16
        assert all(value.dtype is torch.float32 and value.isfinite().all() for value in [*found[1:], given.grad])


def test_norms_on_a_gpu_are_torchs() -> None:
    values = 3 + 2 * torch.randn(2, 5, 9, 7)
    expected = F.instance_norm(values)
    with SecondDevice() as device:
        found = InstanceNorm(5)(values.to("cuda", memory_format=torch.channels_last))
        assert device.layout_copies == 0 and found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=1e-6)
        half = InstanceNorm(5)(values.to("cuda", torch.bfloat16))
        assert half.dtype is torch.bfloat16
        assert_close(half.cpu(), F.instance_norm(values.bfloat16().double()), torch.bfloat16)
