"""ComfyUI's memory on an emulated GPU: what it cannot see there goes away again, and maps of long batches make room."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.nodes import _host
from brushwork.nodes._host import CachedFeatures
from brushwork.tests.nodes.fake_comfy import FakeComfy, InterruptProcessingException
from brushwork.tests.nodes.stand_ins import COMPUTING, arguments, bank, call, encoded, msgnet, pictures, tiny
from brushwork.tests.second_device import DeviceTensor, SecondDevice
from brushwork.tests.tolerances import assert_close

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeComfy:
    fake = FakeComfy(tmp_path / "models")
    fake.install(monkeypatch)
    return fake


@contextmanager
def card(comfy: FakeComfy) -> Iterator[None]:
    """Within it ComfyUI computes on a GPU, and maps are counted anew."""
    _host.feature_cache.cache_clear()
    try:
        with SecondDevice():
            comfy.compute = CUDA
            yield
    finally:
        _host.feature_cache.cache_clear()


def place(hosted: _host.HostedNetwork) -> str:
    return next(hosted.network.parameters()).device.type


@pytest.mark.parametrize("node", COMPUTING)
@pytest.mark.parametrize("no_vram", [True, False])
def test_weights_stay_where_comfy_knows_them(node: str, no_vram: bool, comfy: FakeComfy) -> None:
    comfy.no_vram = no_vram
    with card(comfy):
        inputs = arguments(node, pictures(2))
        call(node, **inputs)
        hosted = inputs.get("network") or inputs["features" if "features" in inputs else "content"].network
        assert place(hosted) == ("cpu" if no_vram else "cuda")


@pytest.mark.parametrize("hosted", [tiny, msgnet, bank])
def test_weights_go_back_when_work_fails(hosted: Callable[[], _host.HostedNetwork], comfy: FakeComfy) -> None:
    comfy.no_vram, comfy.stop_after = True, 0
    with card(comfy):
        network = hosted()
        with pytest.raises(InterruptProcessingException):
            network.encode(pictures().movedim(-1, 1), next(iter(network.network.spaces)))
        assert place(network) == "cpu"


def painted(network: _host.HostedNetwork, frames: Tensor, style: Tensor) -> tuple[CachedFeatures, Tensor]:
    features = encoded(network, frames), encoded(network, style)
    restyled = call("BrushworkAdaIN", content=features[0], style=features[1])
    return features[0], call("BrushworkStyleDecoder", features=restyled)


def test_three_hundred_frames_take_a_quarter_of_what_is_free(comfy: FakeComfy) -> None:
    frames, style = pictures(300, (16, 20)), pictures(1, (16, 20), 7)
    _, expected = painted(tiny(), frames, style)
    with card(comfy):
        comfy.free = 1 << 18
        features, found = painted(tiny(), frames, style)
        assert features.features.values.nbytes > comfy.free // 4
        assert features.features.values.device == CPU
    assert not isinstance(found, DeviceTensor)
    assert_close(found, expected)


def test_two_networks_share_one_quarter(comfy: FakeComfy) -> None:
    with card(comfy):
        first, second = tiny("first"), tiny("second")
        older = encoded(first, pictures())
        comfy.free = 4 * older.features.values.nbytes
        newer = encoded(second, pictures())
        # A quarter of what is free and what they take is one map and a half; each network is ComfyUI's to load.
        assert [each.features.values.device.type for each in (older, newer)] == ["cpu", "cuda"]
        assert len({id(models[0]) for models, _ in comfy.loaded}) == 2
