"""A ComfyUI of a few lines: the modules that our host room asks, and a record of what it asked them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

EXTENSIONS = {".ckpt", ".pt", ".pth", ".safetensors"}


class InterruptProcessingException(Exception):  # noqa: N818 - ComfyUI's name
    """What a press on the stop button raises."""


class ModelPatcher:
    """Writes attributes of its own onto the module, as the real one does."""

    def __init__(self, model: nn.Module, load_device: torch.device, offload_device: torch.device) -> None:
        self.model, self.load_device, self.offload_device = model, load_device, offload_device
        vars(model).setdefault("model_loaded_weight_memory", 0)
        model.device = offload_device  # pyright: ignore[reportAttributeAccessIssue]


class ProgressBar:
    def __init__(self, total: int, updates: list[tuple[int, int]], previews: list[Any]) -> None:
        self.total, self.current, self.updates, self.previews = total, 0, updates, previews

    def update_absolute(self, value: int, total: int | None = None, preview: object = None) -> None:
        self.total, self.current = total or self.total, value
        self.updates.append((value, self.total))
        if preview is not None:
            self.previews.append(preview)


@dataclass
class FakeComfy:
    """What was asked, and what the modules answer."""

    models: Path
    compute: torch.device = field(default_factory=lambda: torch.device("cpu"))
    kept: torch.device = field(default_factory=lambda: torch.device("cpu"))
    offload: torch.device = field(default_factory=lambda: torch.device("cpu"))
    loaded: list[tuple[list[ModelPatcher], dict[str, Any]]] = field(default_factory=list)
    updates: list[tuple[int, int]] = field(default_factory=list)
    previews: list[Any] = field(default_factory=list)
    freed: list[int] = field(default_factory=list)
    """Bytes."""
    free: int = 8 << 30
    """Bytes of the compute device."""
    emptied: int = 0
    unloaded: int = 0
    no_vram: bool = False
    """Whether plain layers are never moved to the compute device."""
    stop_after: int | None = None
    """How many more questions about an interruption are answered with no."""

    said: list[tuple[str, str]] = field(default_factory=list)
    """Words and the node that they stand on."""
    runs: bool = True
    """Whether a node runs."""

    def say(self, text: str, node_id: str) -> None:
        self.said.append((text, node_id))

    def load_models_gpu(
        self, models: list[ModelPatcher], memory_required: int = 0, *_: object, force_full_load: bool = False
    ) -> None:
        self.loaded.append((models, {"memory_required": memory_required, "force_full_load": force_full_load}))
        for patcher in () if self.no_vram else models:
            patcher.model.to(patcher.load_device).device = patcher.load_device  # pyright: ignore

    def free_memory(self, memory_required: int, device: torch.device) -> None:
        self.freed.append(memory_required)

    def soft_empty_cache(self) -> None:
        self.emptied += 1

    def unload_all_models(self) -> None:
        self.unloaded += 1

    def throw_exception_if_processing_interrupted(self) -> None:
        if self.stop_after is not None:
            self.stop_after -= 1
            if self.stop_after < 0:
                raise InterruptProcessingException

    def folder_paths(self) -> ModuleType:
        known: dict[str, tuple[list[str], set[str]]] = {"loras": ([str(self.models / "loras")], EXTENSIONS)}

        def add_model_folder_path(name: str, path: str, is_default: bool = False) -> None:
            paths = known.setdefault(name, ([], set()))[0]
            if path not in paths:
                paths.insert(0 if is_default else len(paths), path)

        return module(
            "folder_paths",
            models_dir=str(self.models),
            supported_pt_extensions=EXTENSIONS,
            folder_names_and_paths=known,
            add_model_folder_path=add_model_folder_path,
            get_folder_paths=lambda name: list(known[name][0]),
        )

    def install(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        """Put the modules where a running ComfyUI has them, until the test ends."""
        management = module(
            "comfy.model_management",
            get_torch_device=lambda: self.compute,
            intermediate_device=lambda: self.kept,
            unet_offload_device=lambda: self.offload,
            get_free_memory=lambda device: self.free,
            load_models_gpu=self.load_models_gpu,
            free_memory=self.free_memory,
            unload_all_models=self.unload_all_models,
            soft_empty_cache=self.soft_empty_cache,
            throw_exception_if_processing_interrupted=self.throw_exception_if_processing_interrupted,
        )
        page, running = SimpleNamespace(send_progress_text=self.say), SimpleNamespace(node_id="7")
        modules = {
            "model_management": management,
            "model_patcher": module("comfy.model_patcher", ModelPatcher=ModelPatcher),
            "utils": module("comfy.utils", ProgressBar=lambda total: ProgressBar(total, self.updates, self.previews)),
            "folder_paths": self.folder_paths(),
            "server": module("server", PromptServer=SimpleNamespace(instance=page)),
            "execution": module("comfy_execution.utils", get_executing_context=lambda: running if self.runs else None),
        }
        for content in modules.values():
            monkeypatch.setitem(sys.modules, content.__name__, content)
        return SimpleNamespace(**modules)


def module(name: str, **content: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(content)
    return made
