"""Feature maps on an accelerator: a limit for the live ones, the oldest make room, values stay what they are."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from brushwork.models.networks.base import FeatureMap, FeatureSpace
from brushwork.nodes._host import CachedFeatures, FeatureCache

from .stand_ins import tiny

SPACE = FeatureSpace("tiny", "x", 1, 1, 0)
CPU = torch.device("cpu")
NETWORK = tiny()


class OnGpu:
    """Stands for a tensor on an accelerator that this machine may lack: the few things the cache asks of one."""

    device = torch.device("cuda", 0)

    def __init__(self, copy: Tensor) -> None:
        self.copy = copy
        self.nbytes, self.shape = copy.nbytes, copy.shape

    def to(self, device: torch.device) -> OnGpu | Tensor:
        return self.copy if device.type == "cpu" else self


def features(numbers: int, on_gpu: bool = True) -> FeatureMap:
    """A map of `numbers` float32, 4 bytes each."""
    tensor = torch.randn(1, 1, 1, numbers)
    return FeatureMap(cast("Tensor", OnGpu(tensor)) if on_gpu else tensor, SPACE, (1, numbers))


def on_gpu(maps: list[CachedFeatures]) -> list[bool]:
    return [kept.features.values.device.type == "cuda" for kept in maps]


def test_all_stay_while_they_fit() -> None:
    cache = FeatureCache(limit_bytes=40)
    assert on_gpu([cache.add(features(5), NETWORK) for _ in range(2)]) == [True, True]


def test_the_oldest_makes_room() -> None:
    cache = FeatureCache(limit_bytes=40)
    assert on_gpu([cache.add(features(5), NETWORK) for _ in range(4)]) == [False, False, True, True]


def test_as_many_as_it_takes_make_room_even_the_newest_itself() -> None:
    cache = FeatureCache(limit_bytes=40)
    small = [cache.add(features(2), NETWORK) for _ in range(5)]
    large = cache.add(features(6), NETWORK)
    assert on_gpu([*small, large]) == [False, False, False, True, True, True]
    assert on_gpu([*small, large, cache.add(features(11), NETWORK)]) == [False] * 7


def test_the_dead_cost_nothing() -> None:
    cache = FeatureCache(limit_bytes=40)
    first = cache.add(features(4), NETWORK)
    cache.add(features(6), NETWORK)  # nobody keeps this one
    assert on_gpu([first, cache.add(features(6), NETWORK)]) == [True, True]


def test_maps_on_the_cpu_cost_nothing() -> None:
    cache = FeatureCache(limit_bytes=40)
    first = cache.add(features(10), NETWORK)
    plain = cache.add(features(1000, on_gpu=False), NETWORK)
    assert on_gpu([first, plain]) == [True, False]


def test_the_cache_keeps_nobody_alive() -> None:
    from weakref import ref

    cache = FeatureCache(limit_bytes=40)
    kept = cache.add(features(5), NETWORK)
    watched = ref(kept)
    del kept
    assert watched() is None


def test_offloading_changes_nothing_but_the_place() -> None:
    there = features(20)
    before = there.values.to(CPU)
    kept = FeatureCache(limit_bytes=0).add(there, NETWORK)
    assert kept.features.values.device == CPU
    assert torch.equal(kept.features.values, before)
    values, size, space = kept.features.values, kept.features.image_size, kept.features.space
    assert (values.nbytes, values.shape[0], size, space) == (80, 1, (1, 20), SPACE)
