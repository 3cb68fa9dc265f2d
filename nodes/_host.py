"""What the host gives: devices, memory, progress, folders. The only module that knows ComfyUI; else torch answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar
from weakref import ref

import torch
from torch import Tensor, nn

from ..media.images import to_pillow
from ..methods.protocol import Method, Style
from ..methods.render import render
from ..models.networks.base import FeatureMap, FeatureSpace, StyleNetwork
from ..tiling.features import decode, encode
from ..tiling.policy import Host, Policy, out_of_memory


class CachedFeatures:
    """What a BRUSHWORK_FEATURES socket carries: a feature map, wherever its values are at the moment."""

    def __init__(self, features: FeatureMap) -> None:
        self._features = features

    @property
    def space(self) -> FeatureSpace:
        return self._features.space

    @property
    def image_size(self) -> tuple[int, int]:
        return self._features.image_size

    @property
    def batch(self) -> int:
        return self._features.values.shape[0]

    @property
    def device(self) -> torch.device:
        return self._features.values.device

    @property
    def size(self) -> int:
        """Bytes."""
        return self._features.values.nbytes

    @property
    def features(self) -> FeatureMap:
        """The map, its values where they are."""
        return self._features

    def on(self, device: torch.device) -> FeatureMap:
        """The map with its values on `device`; where they are kept does not change."""
        return self._features.with_values(self._features.values.to(device))

    def offload(self) -> None:
        """Move the values to the CPU."""
        self._features = self.on(torch.device("cpu"))


class FeatureCache:
    """Knows the maps that nodes have returned, oldest first, without keeping any of them alive."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        """Bytes that live maps may take off the CPU."""
        self._entries: list[ref[CachedFeatures]] = []

    def add(self, features: FeatureMap) -> CachedFeatures:
        """Take a map, and offload the oldest ones until the live ones fit the budget."""
        kept = CachedFeatures(features)
        self._entries.append(ref(kept))
        self._trim()
        return kept

    def _trim(self) -> None:
        live = [kept for entry in self._entries if (kept := entry()) is not None and kept.device.type != "cpu"]
        over = sum(kept.size for kept in live) - self.budget
        for kept in live:
            if over <= 0:
                break
            over -= kept.size
            kept.offload()
        self._entries = [ref(kept) for kept in live if kept.device.type != "cpu"]


FOLDER = "brushwork"
"""Our folder under ComfyUI's models/."""
OTHER_EXTENSIONS = {".model", ".path"}
"""Of published weight files that ComfyUI does not list by itself: MSG-Net's and StyleBank's."""
ROOM = 2 << 30
"""Bytes that ComfyUI is asked to keep free beside the weights, for what one slice of a batch takes in VGG-19."""
PREVIEW = 512
"""Pixels of the longer side of a picture beside the progress bar."""

Module = TypeVar("Module", bound=nn.Module)


def compute_device() -> torch.device:
    """Where networks run."""
    if management := _comfy("comfy.model_management"):
        return management.get_torch_device()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def result_device() -> torch.device:
    """Where the images that a node returns live."""
    management = _comfy("comfy.model_management")
    return management.intermediate_device() if management else torch.device("cpu")


def weight_folders() -> list[Path]:
    """The paths that the user configured for us, then ComfyUI's models/brushwork; none without ComfyUI."""
    folder_paths = _comfy("folder_paths")
    if folder_paths is None:
        return []
    folder_paths.add_model_folder_path(FOLDER, str(Path(folder_paths.models_dir) / FOLDER))
    paths, extensions = folder_paths.folder_names_and_paths[FOLDER]
    if not extensions:  # as for every new name; the page would list notes and unfinished downloads as models
        folder_paths.folder_names_and_paths[FOLDER] = (paths, folder_paths.supported_pt_extensions | OTHER_EXTENSIONS)
    return [Path(folder) for folder in folder_paths.get_folder_paths(FOLDER)]


class Progress(Protocol):
    """Tells the page how much is done of how much (0 if unknown), and shows it a picture [1, 3, H, W] in 0..1, which is
    made only if somebody looks; in ComfyUI it raises when the user interrupts."""

    def __call__(self, done: int, total: int, picture: Callable[[], Tensor] | None = None) -> None: ...


def progress() -> Progress:
    """The way to tell the page; without ComfyUI nobody listens."""
    utils = _comfy("comfy.utils")
    if utils is None:
        return lambda done, total, picture=None: None
    bar = utils.ProgressBar(100)

    def tell(done: int, total: int, picture: Callable[[], Tensor] | None = None) -> None:
        check_interrupted()
        percent = 100 * done // total if total else 0
        if picture is not None:
            bar.update_absolute(percent, preview=_preview(picture()))
        elif percent != bar.current:  # each update sends messages to the page, and a download has thousands of steps
            bar.update_absolute(percent)

    return tell


def load(module: Module) -> Module:
    """`module` on the compute device, for work that ends with the node: ComfyUI makes room, and need not know of it."""
    if management := _comfy("comfy.model_management"):
        management.free_memory(ROOM, compute_device())
    return module.to(compute_device())


def check_interrupted() -> None:
    """Raise ComfyUI's own exception when the user has asked to stop; it must not be swallowed."""
    if management := _comfy("comfy.model_management"):
        management.throw_exception_if_processing_interrupted()


@contextmanager
def out_of_memory_message(title: str) -> Iterator[None]:
    """Where memory runs out inside: all models make way, as ComfyUI has it, and the error says what else to do."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        if management := _comfy("comfy.model_management"):
            management.unload_all_models()
        raise ValueError(
            f"{title} ran out of memory: take smaller pictures and sizes, or fewer at once, or close what else uses "
            "the device."
        ) from error


class StyleNetworkBox(nn.ModuleDict):
    """Takes the attributes, `device` among them, that ComfyUI writes onto a model, and gives it a name in the log."""


class HostedNetwork:
    """A network on a BRUSHWORK_NETWORK socket: ComfyUI's model management may move and unload it between uses."""

    def __init__(self, network: StyleNetwork) -> None:
        self._network = network
        self._patcher = _patcher(network)

    def ready(self) -> StyleNetwork:
        """The network on the compute device."""
        if self._patcher is None:
            return self._network.to(compute_device())
        # Plain torch layers cannot be loaded in part: what stayed behind would fail on the device of its input. With
        # --novram ComfyUI leaves all of them behind, even so.
        _required("comfy.model_management").load_models_gpu([self._patcher], ROOM, force_full_load=True)
        return self._network.to(compute_device())

    @property
    def network(self) -> StyleNetwork:
        """The network wherever it is, for questions that need no computing."""
        return self._network

    def encode(self, image: Tensor, level: str) -> FeatureMap:
        """Features of `image` [B, 3, H, W] in 0..1, wherever that lies."""
        return encode(self.ready(), image, level, tiling_host())

    def decode(self, encoded: FeatureMap, decoder: str) -> Tensor:
        """The IMAGE [B, H, W, 3] of features, wherever those lie."""
        return decode(self.ready(), encoded, decoder, tiling_host(), result_device()).movedim(1, -1)

    def render(
        self,
        method: Method,
        content: Tensor,
        styles: Sequence[Style],
        strengths: Mapping[str, float],
        statistics: str,
    ) -> Tensor:
        """The IMAGE [B, H, W, 3] that `content` [B, 3, H, W] in 0..1 becomes, wherever pictures lie: see `render`."""
        how: dict[str, Any] = {"strengths": strengths, "statistics": statistics}
        place: dict[str, Any] = {"host": tiling_host(), "device": result_device()}
        return render(self.ready(), method, content, styles, **how, **place).movedim(1, -1)


def tiling_host() -> Host:
    """What a loop over tiles needs, once its network is ready."""
    device = compute_device()
    free = _free_bytes(device)
    policy = Policy() if free is None else Policy.within(free)
    return Host(device, progress(), check_interrupted, _free_memory, policy=policy)


@cache
def feature_cache() -> FeatureCache:
    """The one cache of the feature maps that lie on the compute device."""
    return FeatureCache(Policy().feature_bytes)


def as_sampled(model: Any, latent: Tensor) -> Tensor:  # noqa: ANN401 - ComfyUI's class
    """A VAE's `latent` as it is while `model` samples: each kind of model scales and shifts latents its own way."""
    if not hasattr(model, "get_model_object"):
        raise ValueError("'model' holds no model: connect the one that will sample, or nothing.")
    return model.get_model_object("process_latent_in")(latent)


def _preview(picture: Tensor) -> tuple[str, object, int]:
    """What ComfyUI's progress bar takes: a format, a picture of Pillow's, and the longest side it may have."""
    return "JPEG", to_pillow(picture[0].movedim(0, -1)), PREVIEW


def _free_bytes(device: torch.device) -> int | None:
    """That are free on `device`; None where nobody counts them."""
    if management := _comfy("comfy.model_management"):
        return int(management.get_free_memory(device))
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def _free_memory() -> None:
    if management := _comfy("comfy.model_management"):
        management.soft_empty_cache()
    elif torch.cuda.is_available():
        torch.cuda.empty_cache()


def _patcher(network: StyleNetwork) -> Any | None:  # noqa: ANN401 - ComfyUI's class, known at run time only
    patching = _comfy("comfy.model_patcher")
    if patching is None:
        return None
    offload = _required("comfy.model_management").unet_offload_device()
    box = StyleNetworkBox({"network": network})
    return patching.ModelPatcher(box, load_device=compute_device(), offload_device=offload)


def _comfy(name: str) -> ModuleType | None:
    # Running inside ComfyUI means that it has imported these itself. Importing them elsewhere would start CUDA or fail.
    return sys.modules.get(name) if "comfy.model_management" in sys.modules else None


def _required(name: str) -> ModuleType:
    module = _comfy(name)
    if module is None:
        raise RuntimeError(f"{name} is not loaded: run this inside ComfyUI.")
    return module
