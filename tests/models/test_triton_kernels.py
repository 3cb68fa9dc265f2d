"""Triton's kernels give what the plain layers give: on a GPU, or by Triton's interpreter on the CPU."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brushwork.models.networks import gpu_fast
from brushwork.models.networks.gpu_fast import Kernels, bordered, in_one, kernels_of
from brushwork.models.networks.graphs import Graphs
from brushwork.models.networks.layers import ReflectConv, StripSequential
from brushwork.models.networks.norm import InstanceNorm, MissingStatistics, NormStatistics, fixed_statistics, normalised
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import VggEncoder
from brushwork.tests import second_device
from brushwork.tests.models.small import enlivened
from brushwork.tests.second_device import SecondDevice, there
from brushwork.tests.tolerances import assert_close

pytest.importorskip("triton", reason="Triton is not installed: there is none for this system, or no `dev` extra")
from brushwork.models.networks import triton_kernels

PLACE = "cuda" if torch.cuda.is_available() else "cpu"
TYPES = pytest.mark.parametrize("dtype", gpu_fast.TRITON_TYPES)
SHAPES = [(1, 8, 5, 7), (2, 24, 9, 6), (3, 40, 1, 2), (1, 80, 4, 4), (1, 144, 3, 5), (1, 16, 24, 23)]


def cells(shape: tuple[int, int, int, int], dtype: torch.dtype, mean: float = 3.0) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 2 + mean
    return values.to(PLACE, dtype, memory_format=torch.channels_last)


@TYPES
@pytest.mark.parametrize("shape", SHAPES)
def test_statistics_are_those_of_each_picture(shape: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    values = cells(shape, dtype)
    variance, mean = torch.var_mean(values.double(), (2, 3), correction=0)
    found = triton_kernels.statistics(values)
    assert all(one.dtype is torch.float32 and one.shape == shape[:2] for one in found)
    assert_close(found[0], mean)
    assert_close(found[1], variance)


@pytest.mark.parametrize("shape", [(2, 8, 40, 41), (1, 8, 32, 64)])
def test_statistics_of_many_parts(shape: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several blocks each, the last of which is not full; means of 10,000 deviations."""
    monkeypatch.setattr(triton_kernels, "PARTS", 4)
    values = cells(shape, torch.float32, 20_000.0)
    variance, mean = torch.var_mean(values.double(), (2, 3), correction=0)
    found = triton_kernels.statistics(values)
    assert_close(found[0], mean)
    torch.testing.assert_close(found[1].double(), variance, rtol=1e-3, atol=0)


@TYPES
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("margin", "mode"), [(0, ""), (1, "reflect"), (1, "replicate"), (4, "reflect")])
@pytest.mark.parametrize("relu", [False, True])
def test_a_norm_a_relu_and_a_border(
    shape: tuple[int, int, int, int], dtype: torch.dtype, margin: int, mode: str, relu: bool
) -> None:
    if mode == "reflect" and min(shape[2:]) <= margin:
        pytest.skip("a border needs more cells than it mirrors")
    values = cells(shape, dtype)
    expected = F.instance_norm(values.double())
    expected = expected.relu() if relu else expected
    expected = F.pad(expected, (margin,) * 4, mode) if margin else expected
    found = triton_kernels.finished(
        values, *triton_kernels.statistics(values), 1e-5, relu, margin=margin, mirror=mode == "reflect"
    )
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert_close(found, expected)


@TYPES
@pytest.mark.parametrize("shape", [*SHAPES, (1, 8, 1, 1), (2, 16, 13, 14)])
@pytest.mark.parametrize(("margin", "mode"), [(0, ""), (1, "reflect"), (1, "replicate")])
def test_a_pool_and_a_border(shape: tuple[int, int, int, int], dtype: torch.dtype, margin: int, mode: str) -> None:
    values = cells(shape, dtype, -1.0)
    expected = F.max_pool2d(values, 2, ceil_mode=True)
    if mode == "reflect" and min(expected.shape[2:]) <= margin:
        pytest.skip("a border needs more cells than it mirrors")
    expected = F.pad(expected, (margin,) * 4, mode) if margin else expected
    found = triton_kernels.finished(values, pool=True, margin=margin, mirror=mode == "reflect")
    assert torch.equal(found, expected)


def test_given_statistics_are_for_all_pictures() -> None:
    values, mean, variance = cells((3, 8, 4, 5), torch.float16), torch.arange(8.0), torch.arange(8.0) + 0.5
    found = triton_kernels.finished(values, mean.to(PLACE), variance.to(PLACE), 1e-3)
    expected = F.batch_norm(values.float(), mean.to(PLACE), variance.to(PLACE), eps=1e-3)
    assert_close(found, expected)


def test_what_is_no_number_stays_none() -> None:
    values = cells((1, 8, 4, 4), torch.float32)
    values[0, 2, 1, 1] = torch.nan
    found = triton_kernels.finished(values, *triton_kernels.statistics(values), relu=True)
    assert found.isnan().any((2, 3)).tolist() == [[channel == 2 for channel in range(8)]]
    assert torch.equal(triton_kernels.finished(values, pool=True).isnan(), F.max_pool2d(values, 2).isnan())
    assert triton_kernels.finished(values, pool=True).isnan().sum() == 1


def test_the_shapes_are_told_without_values() -> None:
    values = torch.empty(2, 8, 5, 7, device="meta", dtype=torch.float16).to(memory_format=torch.channels_last)
    found = triton_kernels.finished(values, pool=True, margin=3)
    assert found.shape == (2, 8, 9, 10) and found.is_contiguous(memory_format=torch.channels_last)
    assert [one.shape for one in triton_kernels.statistics(values)] == [(2, 8)] * 2


def test_kernels_compile_for_cards(tmp_path: Path) -> None:
    """The interpreter takes more than the compiler does. No card is needed."""
    script = """
        import sys
        import triton
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource
        from brushwork.models.networks import triton_kernels as own

        def compiled(kernel, capability, **constants):
            kinds = {"values": "*fp16", "result": "*fp16", "eps": "fp32"}
            kinds |= dict.fromkeys(("mean", "variance", "means", "scatters"), "*fp32")
            kinds = {name: kinds.get(name, "i32") for name in kernel.arg_names} | dict.fromkeys(constants, "constexpr")
            wide = {
                (place,): [["tt.divisibility", 16]]
                for place, name in enumerate(kernel.arg_names) if kinds[name].startswith("*")
            }
            given = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
            target = GPUTarget("cuda", capability, 32)
            return triton.compile(ASTSource(kernel, kinds, given, wide), target=target).asm["ptx"]

        block = {"together": own.TOGETHER, "block_pixels": own.PIXELS, "block_channels": own.CHANNELS}
        finish = block | {"relu": True, "mirror": True}
        texts = [
            compiled(own._parts, 80, **block),
            compiled(own._finish, 80, norm=True, pool=False, **finish),
            compiled(own._finish, 90, norm=False, pool=True, mean=None, variance=None, **finish),
        ]
        compiled(own._join, 80, most_parts=own.PARTS, block_channels=own.JOINED)
        sys.exit(not all("ld.global.v4.b32" in text for text in texts))  # 16 bytes at once
    """
    place = tmp_path / "brushwork"
    place.symlink_to(Path(gpu_fast.__file__).parents[2], target_is_directory=True)
    known = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    own = {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": known}
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)], env=os.environ | own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# How the networks use them, on an emulated GPU.


class Calls(list[tuple[object, ...]]):
    """Of `finished`, by what came after its values."""


@pytest.fixture
def calls(device: SecondDevice, monkeypatch: pytest.MonkeyPatch) -> Calls:
    assert kernels_of(torch.device("cuda", 0)).work
    device.reset()
    seen, finished = Calls(), triton_kernels.finished

    def spy(values: Tensor, mean: Tensor | None, variance: Tensor | None, *how: object) -> Tensor:
        seen.append(how)
        return finished(values, mean, variance, *how)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(triton_kernels, "finished", spy)
    return seen


def layers() -> StripSequential:
    return StripSequential(
        *(ReflectConv(3, 8, 5), InstanceNorm(8), nn.ReLU(), ReflectConv(8, 16, stride=2), InstanceNorm(16), nn.ReLU()),
        *(ReflectConv(16, 8, scale=2), InstanceNorm(8), nn.ReLU(), ReflectConv(8, 8, 1, scale=2), InstanceNorm(8)),
    )


@pytest.mark.parametrize("batch", [1, 3])
def test_layers_of_a_network(device: SecondDevice, calls: Calls, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [op for op in second_device.PLAIN if op is not second_device.FUSED]:
        monkeypatch.delitem(second_device.PLAIN, name)  # the kernels themselves
    network, values = enlivened(layers()).requires_grad_(False), torch.randn(batch, 3, 9, 8)
    expected = network(values)
    found = network.to("cuda")(there(values))
    assert [(how[1], how[3], how[4]) for how in calls] == [
        (True, 1, True),
        (True, 1, False),
        (True, 0, False),
        (False, 0, True),
    ]
    assert device.layout_copies == 0
    assert_close(found.cpu(), expected)


def test_a_pool_is_in_the_border_of_the_next_convolution(device: SecondDevice, calls: Calls) -> None:
    encoder, image = enlivened(VggEncoder((8, 16, 8))).requires_grad_(False), torch.rand(2, 3, 13, 10)
    levels = ("relu1_1", "relu3_1")
    expected = encoder(image, levels)
    encoder.to("cuda")
    for observed in (False, True):
        if observed:
            encoder["conv2_1"].register_forward_hook(lambda *_: None)
        calls.clear()
        found = encoder(there(image), levels)
        assert [how[2:] for how in calls] == [(True, 1, True)] * (1 if observed else 2)
        for level in levels:
            assert_close(found[level].cpu(), expected[level])


def test_hooks_are_called(device: SecondDevice, calls: Calls) -> None:
    network, seen = enlivened(layers()).requires_grad_(False).to("cuda"), []
    expected = network(there(torch.ones(1, 3, 9, 8)))
    for layer in network:
        if isinstance(layer, ReflectConv):
            layer.register_forward_hook(lambda layer, given, result: seen.append(layer))
    assert_close(network(there(torch.ones(1, 3, 9, 8))).cpu(), expected.cpu())
    assert len(seen) == 4


def test_statistics_that_are_fixed(device: SecondDevice, calls: Calls) -> None:
    network, values = StyleBankNetwork((), (8, 8, 16)), torch.randn(2, 8, 6, 7) + 3
    norm = next(layer for layer in network.modules() if isinstance(layer, InstanceNorm))
    mean, variance, conv = torch.rand(8) + 2, torch.rand(8) + 1, ReflectConv(8, 8)
    expected = F.pad(F.batch_norm(values, mean, variance).relu(), (1,) * 4, "reflect")
    with fixed_statistics(network, {norm: NormStatistics(mean.to("cuda"), variance.to("cuda"))}):
        assert_close(norm.rectified(there(values), conv).cpu(), expected)
    with fixed_statistics(network, {}), pytest.raises(MissingStatistics):
        norm.rectified(there(values), conv)
    assert len(calls) == 1 and norm._fixed is None


def test_a_graph_repeats_them(device: SecondDevice, calls: Calls) -> None:
    network = enlivened(layers()).requires_grad_(False)
    pictures = [torch.randn(1, 3, 9, 8) for _ in range(4)]
    expected = [network(one) for one in pictures]
    network.to("cuda")
    graphs = Graphs(network)
    found = [graphs.run("key", network, [there(one)]) for one in pictures]
    assert device.replays == 3 and len(calls) == 8  # as it ran first, and as it was recorded
    for one, other in zip(found, expected, strict=True):
        assert_close(one.cpu(), other)


def test_what_they_are_not_for(device: SecondDevice, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    values, conv = there(torch.randn(1, 8, 4, 4)), ReflectConv(8, 8)
    assert in_one(values, conv, relu=True) is not None
    assert in_one(values, ReflectConv(8, 8, 9), relu=True) is None, "the border would mirror more than there is"
    assert in_one(there(torch.randn(1, 8, 2, 2)), conv, pool=True) is None
    assert in_one(there(torch.randn(1, 8, 2, 2)), ReflectConv(8, 8, scale=2), pool=True) is not None
    for other in (values.double(), values[:, :6].contiguous(memory_format=torch.channels_last), values.contiguous()):
        assert in_one(other, conv, relu=True) is None
    assert in_one(values.cpu(), conv, relu=True) is None
    with torch.enable_grad():
        assert in_one(values, conv, relu=True) is None
    monkeypatch.setenv(gpu_fast.TRITON, "0")
    monkeypatch.setattr(gpu_fast, "kernels_of", kernels_of.__wrapped__)
    assert in_one(values, conv, relu=True) is None


def test_one_that_fails_is_not_asked_again(
    device: SecondDevice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state, values, asked = Kernels(work=True), torch.randn(2, 8, 6, 7), []

    def failing(*given: object) -> tuple[Tensor, Tensor]:
        asked.append(given)
        raise error

    monkeypatch.setattr(gpu_fast, "kernels_of", lambda device: state)
    monkeypatch.setattr(triton_kernels, "statistics", failing)
    error: Exception = torch.cuda.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(torch.cuda.OutOfMemoryError):
        normalised(there(values))
    assert state.work
    error = ValueError("no such card")
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            assert_close(normalised(there(values)).cpu(), F.instance_norm(values))
    assert not state.work and len(asked) == 2 and caplog.text.count("no such card") == 1
    assert torch.equal(
        bordered(ReflectConv(8, 8), there(values), pool=True).cpu(),
        F.pad(F.max_pool2d(values, 2, ceil_mode=True), (1,) * 4, "reflect"),
    )


def test_kernels_that_mean_something_else_are_not_used(device: SecondDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, finished = kernels_of.__wrapped__, triton_kernels.finished
    assert ask(torch.device("cuda", 0)).work
    for wrong in (lambda *given, **how: finished(*given, **how) + 1, lambda *given, **how: None):
        monkeypatch.setattr(triton_kernels, "finished", wrong)
        assert not ask(torch.device("cuda", 0)).work
    monkeypatch.setattr(gpu_fast, "find_spec", lambda name: None)
    assert not ask(torch.device("cuda", 0)).work
