"""Every node on an emulated GPU: the values of the CPU, and no tensor left behind on either side."""

import sys

import pytest
import torch
from torch import Tensor

from brushwork.models.networks.base import FeatureMap, FeatureSpace
from brushwork.nodes import _host
from brushwork.nodes._host import CachedFeatures, FeatureCache
from brushwork.tests.nodes.stand_ins import STAGES, arguments, call, pictures, tiny
from brushwork.tests.second_device import DeviceTensor, SecondDevice
from brushwork.tests.tolerances import assert_close


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("comfy", "folder_paths")]:
        monkeypatch.delitem(sys.modules, name)
    cache = FeatureCache(1 << 30)
    monkeypatch.setattr(_host, "feature_cache", lambda: cache)


def on_cpu(result: CachedFeatures | Tensor | dict[str, Tensor]) -> Tensor:
    if isinstance(result, CachedFeatures):
        result.offload()
        return result.features.values
    result = result["samples"] if isinstance(result, dict) else result
    assert not isinstance(result, DeviceTensor)  # what ComfyUI gets lies where it asked
    return result


def test_maps_stay_on_the_card_while_they_take_a_quarter_of_what_is_free() -> None:
    space = FeatureSpace("tiny", "relu1_1", 4, 1, 0)
    network = tiny()
    with SecondDevice():
        cache = FeatureCache(0, lambda: 300)
        kept = [cache.add(FeatureMap(torch.ones(1, 4, 1, 2, device="cuda"), space, (1, 2)), network) for _ in range(4)]
        assert [each.features.values.device.type for each in kept] == ["cpu", "cuda", "cuda", "cuda"]


@pytest.mark.parametrize("node", STAGES)
@pytest.mark.parametrize("batch", [1, 2])
def test_every_node_gives_the_cpus_values(node: str, batch: int) -> None:
    expected = on_cpu(call(node, **arguments(node, pictures(batch))))
    with SecondDevice():
        found = on_cpu(call(node, **arguments(node, pictures(batch))))
    assert type(found) is Tensor and found.shape == expected.shape
    assert_close(found, expected, torch.float32)
