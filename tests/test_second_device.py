"""The second device gives the CPU's values, refuses what CUDA refuses, and counts."""

from copy import deepcopy
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from brushwork.tests.second_device import SecondDevice
from brushwork.tests.tolerances import assert_close


def small() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))
    return layers.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def trained(network: nn.Module, device: str, steps: int = 3, **options: Any) -> list[Tensor]:
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, **options)
    torch.manual_seed(1)
    for _ in range(steps):
        values = torch.randn(2, 3, 12, 12).to(device, memory_format=torch.channels_last)
        optimiser.zero_grad()
        network(values).square().sum().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 0.1)
        optimiser.step()
    return [value.cpu() for value in network.state_dict().values()]


@pytest.mark.parametrize("options", [{}, {"fused": True}, {"fused": True, "capturable": True}, {"foreach": False}])
def test_learning_gives_the_values_of_the_cpu(options: dict[str, bool]) -> None:
    expected = trained(small(), "cpu", fused=True)
    with SecondDevice() as device:
        network = small().to("cuda")
        assert next(network.parameters()).device == torch.device("cuda", 0)
        found = trained(network, "cuda", **options)
        assert device.layout_copies == 0 and device.launches > 50 and device.uploads >= 3
    for one, other in zip(found, expected, strict=True):
        assert type(one) is Tensor
        assert_close(one, other)


def test_moving_a_module_keeps_its_parameters() -> None:
    network = small()
    before = list(network.parameters())
    with SecondDevice():
        network.to("cuda").to(torch.bfloat16)
        assert all(one is other for one, other in zip(before, network.parameters(), strict=True))
        assert {(value.device.type, value.dtype) for value in before} == {("cuda", torch.bfloat16)}
        twin = deepcopy(network)
        assert isinstance(twin[0].weight, nn.Parameter) and twin[0].weight.is_leaf
        network.to("cpu")
        assert type(network[0].weight) is nn.Parameter
        network.load_state_dict(twin.state_dict())


def test_devices_do_not_mix_but_for_scalars() -> None:
    with SecondDevice():
        values = torch.ones(3, device="cuda")
        for other in (torch.ones(3), torch.ones(1)):
            with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
                values + other
        with pytest.raises(RuntimeError, match="same device"):
            nn.Conv2d(3, 4, 1).to("cuda")(torch.ones(1, 3, 2, 2))
        with pytest.raises(TypeError, match="cpu"):
            values.numpy()
        assert (values * torch.tensor(2.0)).sum().item() == 6


def test_what_waits_is_counted() -> None:
    with SecondDevice() as device:
        values = torch.arange(4, device="cuda")
        assert (device.host_reads, device.uploads) == (0, 0)
        assert values.tolist() == [0, 1, 2, 3] and values[1].item() == 1 and bool(values[1])
        assert device.host_reads == 3
        assert values[values > 1].cpu().tolist() == [2, 3] and torch.equal(values, values)
        assert device.host_reads == 6
        values[torch.tensor([1])].copy_(torch.tensor([7]))
        assert (device.host_reads, device.uploads) == (6, 2)
        device.reset()
        values.view(2, 2).t()[0]
        assert (device.launches, device.casts) == (0, 0)
        values.float().add_(1)
        assert (device.launches, device.casts) == (2, 1)


def test_layouts_are_cudas() -> None:
    with SecondDevice() as device:
        flat = torch.randn(1, 4, 6, 6, device="cuda")
        last = flat.contiguous(memory_format=torch.channels_last)
        assert device.layout_copies == 1
        weight = torch.randn(4, 4, 3, 3, device="cuda")
        for values, copies in ((flat, 1), (last, 0)):
            device.reset()
            result = nn.functional.conv2d(values, weight)
            assert result.is_contiguous(memory_format=torch.channels_last) == (values is last)
            assert device.layout_copies == copies
        device.reset()
        assert nn.functional.pad(last, (1,) * 4, mode="reflect").is_contiguous() and device.layout_copies == 1
        nn.functional.instance_norm(last)
        assert device.layout_copies == 2


def test_counts_are_the_same_in_inference() -> None:
    with SecondDevice() as device:
        counts = []
        for mode in (torch.no_grad, torch.inference_mode):
            with mode():
                network, values = small().to("cuda"), torch.ones(1, 3, 12, 12, device="cuda")
                device.reset()
                assert network(nn.functional.pad(values, (1,) * 4, mode="reflect")).sum().item() != 0
                counts.append((device.launches, device.layout_copies, device.host_reads))
        assert counts[0] == counts[1] and counts[0][1:] == (1, 1)


def test_autocast_casts() -> None:
    with SecondDevice() as device:
        network, values = small().to("cuda"), torch.ones(1, 3, 12, 12, device="cuda")
        with torch.autocast("cuda", torch.bfloat16):
            result = network[0](values)
            assert result.dtype is torch.bfloat16 and device.casts == 3
            network[0](values)
            assert device.casts == 4  # weights are kept until autocast ends
            assert nn.functional.mse_loss(result, result).dtype is torch.float32
            assert (result @ result.mT).dtype is torch.bfloat16
        result.float().sum().backward()
        assert network[0].weight.grad.dtype is torch.float32 and network[0](values).dtype is torch.float32


def test_random_states() -> None:
    with SecondDevice():
        torch.manual_seed(3)
        first, host = torch.randint(9, (8,), device="cuda").tolist(), torch.rand(2)
        torch.manual_seed(3)
        assert torch.equal(torch.rand(2), host)
        state = torch.cuda.get_rng_state()
        with torch.random.fork_rng():
            assert torch.randint(9, (8,), device="cuda").tolist() == first
        torch.cuda.set_rng_state(state)
        assert torch.randint(9, (8,), device="cuda").tolist() == first
        own = torch.Generator("cuda").manual_seed(0)
        assert torch.rand(2, device="cuda", generator=own).device.type == "cuda"


def test_linear_algebra_and_lists() -> None:
    with SecondDevice():
        root = torch.randn(4, 4, device="cuda", dtype=torch.float64)
        square = root @ root.mT + torch.eye(4, device="cuda")
        assert_close((square @ torch.linalg.solve(square, root)).cpu(), root.cpu())
        lengths, axes = torch.linalg.eigh(square)
        assert_close((axes * lengths @ axes.mT).cpu(), square.cpu())
        moved = [root.clone(), square.clone()]
        torch._foreach_lerp_(moved, [square, root], 1.0)
        assert_close(moved[0].cpu(), square.cpu())


def test_files_and_threads(tmp_path: Path) -> None:
    found = []
    with SecondDevice():
        network = small().to("cuda")
        torch.save({name: value.cpu() for name, value in network.state_dict().items()}, tmp_path / "state.pt")
        state = torch.load(tmp_path / "state.pt", map_location="cpu")
        network.load_state_dict(state)
        pinned = torch.empty(3, pin_memory=True).fill_(1).pin_memory()
        thread = Thread(
            target=lambda: found.append(pinned.to("cuda", non_blocking=True) * torch.ones(3, device="cuda"))
        )
        thread.start()
        thread.join()
        assert found[0].tolist() == [1, 1, 1]


def test_all_is_as_before_outside() -> None:
    before = (torch.cuda.is_available, torch.cuda.get_rng_state, torch.Generator, Thread.run)
    with pytest.raises(ZeroDivisionError), SecondDevice():
        values = torch.ones(3, device="cuda", requires_grad=True)
        values.sum().backward()
        raise ZeroDivisionError
    assert before == (torch.cuda.is_available, torch.cuda.get_rng_state, torch.Generator, Thread.run)
    assert not torch.cuda.is_initialized()
    with pytest.raises(RuntimeError, match="outside"):
        values + 1
    with pytest.raises((RuntimeError, AssertionError)):
        torch.ones(3, device="cuda")
    values = torch.ones(3, requires_grad=True)
    (values * 2).sum().backward()
    assert torch.tensor([1.0]).tolist() == [1]


def test_memory_is_counted_and_full() -> None:
    with SecondDevice() as device:
        one = torch.ones(100, device="cuda")
        other, view = one + 1, one[1:]
        assert device.taken == 800 == device.peak and device.allocations == 2
        del one, other
        assert device.taken == 400  # of which `view` has a part
        device.memory = 1000
        with pytest.raises(torch.OutOfMemoryError):
            torch.zeros(200, device="cuda")
        assert device.taken == 400 and torch.cuda.mem_get_info() == (600, 1000)
        del view
        torch.zeros(200, device="cuda")
        device.reset()
        device.refused = lambda number, size: number == 2
        torch.zeros(1, device="cuda")
        with pytest.raises(torch.OutOfMemoryError):
            torch.zeros(1, device="cuda")
        torch.zeros(1, device="cuda")
