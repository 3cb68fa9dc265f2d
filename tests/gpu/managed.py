"""A ComfyUI that manages the memory of an emulated card: loads models whole or in part, and unloads them for others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from weakref import ref

import pytest
import torch
from torch import nn

from brushwork.nodes import _host
from brushwork.tests.nodes import fake_comfy
from brushwork.tests.nodes.fake_comfy import FakeComfy
from brushwork.tests.second_device import SecondDevice

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
RESERVED, INFERENCE = 1 << 12, 1 << 16
"""Bytes that ComfyUI leaves to other programs, and that we ask it for; as small as the networks here."""
FLAGS = ("", "--lowvram", "--novram", "--highvram", "--gpu-only", "--cpu", "--disable-smart-memory")


def size_of(module: nn.Module) -> int:
    return sum(value.nbytes for value in (*module.parameters(), *module.buffers()))


class ModelPatcher(fake_comfy.ModelPatcher):
    """Moves a model whole, or layer by layer where there is not room for all: then some stay behind."""

    def __init__(self, model: nn.Module, load_device: torch.device, offload_device: torch.device) -> None:
        super().__init__(model, load_device, offload_device)
        self.size, self.there = size_of(model), dict[nn.Module, int]()

    @property
    def loaded(self) -> int:
        return self.model.model_loaded_weight_memory  # pyright: ignore

    @loaded.setter
    def loaded(self, value: int) -> None:
        self.model.model_loaded_weight_memory = value  # pyright: ignore

    def layers(self) -> list[tuple[int, nn.Module]]:
        own = [each for each in self.model.modules() if [*each.parameters(recurse=False)]]
        return sorted(((size_of(each), each) for each in own), key=lambda each: each[0])

    def load(self, more: float) -> None:
        whole = not getattr(self.model, "model_lowvram", False)
        if whole and self.loaded:
            return
        room = self.loaded + more
        fits = room > self.size
        taken = 0
        for size, layer in reversed(self.layers()):
            if fits or taken + size < room:
                self.there[layer.to(self.load_device)] = size
                taken += size
        if fits:
            self.model.to(self.load_device)
            taken = self.size
        self.model.device, self.model.model_lowvram, self.loaded = self.load_device, False, taken  # pyright: ignore

    def unload_part(self, enough: float) -> int:
        freed = 0
        for size, layer in self.layers():
            if freed > enough:
                break
            if layer in self.there:
                del self.there[layer]
                layer.to(self.offload_device)
                freed += size
        self.model.model_lowvram, self.loaded = True, self.loaded - freed  # pyright: ignore
        return freed

    def detach(self) -> None:
        self.there.clear()
        self.model.to(self.offload_device)
        self.model.device, self.model.model_lowvram, self.loaded = self.offload_device, False, 0  # pyright: ignore


@dataclass
class ManagedComfy(FakeComfy):
    """`flags` are those that it was started with."""

    flags: str = ""
    card: SecondDevice | None = None
    current: list[ref[ModelPatcher]] = field(default_factory=list)
    """The last one loaded comes first."""

    def install(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        monkeypatch.setattr(fake_comfy, "ModelPatcher", ModelPatcher)
        monkeypatch.setattr(_host, "INFERENCE_BYTES", INFERENCE)
        modules = super().install(monkeypatch)
        modules.model_management.get_free_memory = self.free_on
        return modules

    @contextmanager
    def started(self) -> Iterator[SecondDevice]:
        """With a card, and nothing on it."""
        _host.feature_cache.cache_clear()
        try:
            with SecondDevice() as self.card:
                self.compute = CPU if self.flags == "--cpu" else CUDA
                self.offload = CUDA if self.flags in ("--highvram", "--gpu-only") else CPU
                self.kept = CUDA if self.flags == "--gpu-only" else CPU
                yield self.card
        finally:
            _host.feature_cache.cache_clear()

    def free_on(self, device: torch.device) -> int:
        return self.card.memory - self.card.taken if self.card and device.type == "cuda" else self.free

    def patchers(self) -> list[ModelPatcher]:
        alive = [patcher for each in self.current if (patcher := each()) is not None]
        self.current = [ref(patcher) for patcher in alive]
        return alive

    def free_memory(self, memory_required: float, device: torch.device) -> None:
        super().free_memory(int(memory_required), device)
        gone = list[ModelPatcher]()
        for patcher in sorted(self.patchers(), key=lambda each: (each.loaded - each.size, each.size)):
            missing = memory_required - self.free_on(device)
            if patcher.load_device != device:
                continue
            if self.flags != "--disable-smart-memory":
                if missing < 0:
                    break
                if missing < patcher.loaded and patcher.unload_part(missing) >= missing:
                    continue
            patcher.detach()
            gone.append(patcher)
        self.current = [each for each in self.current if each() not in gone]

    @torch.inference_mode()
    def load_models_gpu(
        self, models: list[ModelPatcher], memory_required: int = 0, *_: object, force_full_load: bool = False
    ) -> None:
        for patcher in models:
            device = patcher.load_device
            beside = memory_required + RESERVED
            if device.type != "cpu":
                missing = patcher.size - (patcher.loaded if patcher.model.device == device else 0)
                self.free_memory(1.1 * missing + beside, device)
                if self.free_on(device) < beside:
                    self.free_memory(beside, device)
            room = 1e32
            if device.type != "cpu" and self.flags == "--novram":
                room = 0.1
            elif device.type != "cpu" and self.flags not in ("--highvram", "--gpu-only") and not force_full_load:
                room = max(0.1, self.free_on(device) - beside)
            try:
                patcher.load(room)
            except RuntimeError:
                patcher.detach()
                raise
            self.current = [ref(patcher), *(each for each in self.current if each() is not patcher)]

    def unload_all_models(self) -> None:
        super().unload_all_models()
        self.free_memory(1e30, self.compute)


def diffusion(width: int = 64, depth: int = 8) -> ModelPatcher:
    """A model of others, of `depth` layers."""
    return ModelPatcher(nn.Sequential(*(nn.Linear(width, width) for _ in range(depth))), CUDA, CPU)
