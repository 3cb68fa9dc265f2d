"""Every node on an emulated GPU: the values of the CPU, and no tensor left behind on either side."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from brushwork.models.networks.base import FeatureMap, FeatureSpace
from brushwork.nodes import NODES, _host
from brushwork.nodes._host import CachedFeatures, FeatureCache, HostedNetwork
from brushwork.tests.nodes.stand_ins import STAGES, arguments, call, latent, pictures, tiny
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


class Clip:
    """A VIDEO."""

    def get_components(self) -> None: ...


OTHERS: dict[str, Callable[[], dict[str, Any]]] = {
    "BrushworkSampleVideo": lambda: {"video": Clip()},
    "BrushworkLoadStyleNetwork": lambda: {"name": "compact-adain", "precision": "float32"},
    "BrushworkTextureNoise": lambda: {"width": 20, "height": 12, "seed": 3},
    "BrushworkContactSheet": lambda: {"image_1": pictures(2), "image_2": pictures(), "side": 32},
    "BrushworkStyleReport": lambda: arguments("BrushworkStyleReport", pictures(2)),
    "BrushworkLearnStyle": lambda: arguments("BrushworkLearnStyle", pictures(1, (40, 40))) | {"steps": 1, "size": 16},
    "BrushworkStyleLatentOperation": lambda: arguments("BrushworkStyleLatentOperation", pictures()),
}
"""Nodes whose result is not one picture for each that came."""


def flat(result: Any) -> Iterator[Tensor]:  # noqa: ANN401 - whatever a node gives
    """The numbers in it, on the CPU."""
    if isinstance(result, tuple):
        for each in result:
            yield from flat(each)
    elif isinstance(result, HostedNetwork):
        yield from (value.cpu() for value in result.network.state_dict().values())
    elif isinstance(result, float):
        yield torch.tensor(result)
    elif callable(result):  # an operation
        yield on_cpu(result(latent(pictures(seed=2))["samples"]))
    elif isinstance(result, Tensor):
        yield on_cpu(result)


@pytest.mark.parametrize("node", [name for name in NODES if name not in STAGES])
def test_so_do_the_others(node: str) -> None:
    expected = [*flat(call(node, **OTHERS[node]()))]
    with SecondDevice():
        found = [*flat(call(node, **OTHERS[node]()))]
    assert len(found) == len(expected) and (found or node == "BrushworkSampleVideo")
    for one, other in zip(found, expected, strict=True):
        within = 1e-3 if node == "BrushworkLearnStyle" else 1e-4  # whose numbers are float16
        torch.testing.assert_close(one, other, rtol=within, atol=within)
