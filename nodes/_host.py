"""What the host gives: devices, memory, progress, folders. The only module that knows ComfyUI; else torch answers."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any, TypeVar, cast
from weakref import ref

import torch
from torch import Tensor, nn

from ..media.images import to_pillow
from ..methods.protocol import Method, Style
from ..methods.render import render
from ..methods.whole_maps import MAPPED_BYTES, parts_of
from ..models.networks.base import FeatureMap, StyleNetwork
from ..tiling.features import decode, encode, items_of
from ..tiling.policy import Host, Policy, out_of_memory
from ..tiling.runner import TooLargeError

log = logging.getLogger(__name__)


class CachedFeatures:
    """What a BRUSHWORK_FEATURES socket carries: a feature map, whose values may move to the CPU between nodes."""

    def __init__(self, features: FeatureMap, network: HostedNetwork) -> None:
        self.features = features
        """Its values wherever they are at the moment."""
        self.network = network
        """The one that encoded it, so that no node after the encoder has to be wired to it."""

    def offload(self) -> None:
        """Move the values to the CPU."""
        self.features = self.features.with_values(self.features.values.to(torch.device("cpu")))


class FeatureCache:
    """Knows the maps that nodes have returned, oldest first, without keeping any of them alive."""

    def __init__(self, limit_bytes: int, free: Callable[[], int] | None = None) -> None:
        self.limit_bytes = limit_bytes
        """That live maps may take off the CPU, where nobody tells how much is `free` there."""
        self._free = free
        self._entries: list[ref[CachedFeatures]] = []

    def add(self, features: FeatureMap, network: HostedNetwork) -> CachedFeatures:
        """Take a map, and offload the oldest ones until the live ones are within the limit.

        Where its network does not stay on the device, the map does not either.
        """
        added = CachedFeatures(features, network)
        if not network.stays:
            added.offload()
        live = [each for each in (*self._known(), added) if each.features.values.device.type != "cpu"]
        taken = sum(each.features.values.nbytes for each in live)
        limit = self.limit_bytes if self._free is None else (self._free() + taken) // 4
        while live and taken > limit:
            taken -= live[0].features.values.nbytes
            live.pop(0).offload()
        self._entries = [ref(each) for each in live]
        return added

    def offload(self, network: StyleNetwork | None = None) -> None:
        """Move the maps of a network to the CPU; all of them unless told."""
        for each in self._known():
            if network is None or each.network.network is network:
                each.offload()

    def _known(self) -> list[CachedFeatures]:
        return [each for entry in self._entries if (each := entry()) is not None]


FOLDER = "brushwork"
"""Our folder under ComfyUI's models/."""
OTHER_EXTENSIONS = {".model", ".path"}
"""Of published weight files that ComfyUI does not list by itself: MSG-Net's and StyleBank's."""
INFERENCE_BYTES = 2 << 30
"""That ComfyUI is asked to keep free beside the weights, for what one slice of a batch takes in VGG-19."""
PREVIEW_SIDE, PREVIEW_SECONDS = 512, 0.7
"""Pixels of the longer side of a picture on the node that paints it; seconds before the first and between them."""

Module = TypeVar("Module", bound=nn.Module)
Result = TypeVar("Result")


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


class Progress:
    """Tells the page how much is done of how much (0 if unknown), and shows it pictures [1, 3, H, W] in 0..1.

    In ComfyUI it raises when the user interrupts; elsewhere nobody listens.
    """

    def __init__(self) -> None:
        utils = _comfy("comfy.utils")
        self._bar: Any | None = utils.ProgressBar(100) if utils else None  # ComfyUI's class, known at run time only
        self._shown = monotonic()

    def __call__(self, done: int, total: int) -> None:
        if self._bar is not None:
            check_interrupted()
            percent = 100 * done // total if total else 0
            if percent != self._bar.current:  # each update sends messages, and a download has thousands of steps
                self._bar.update_absolute(percent)

    def show(self, picture: Callable[[], Tensor]) -> None:
        """A picture, which is made only where there is a page, and not more often than it can be looked at."""
        if self._bar is not None and monotonic() - self._shown > PREVIEW_SECONDS:
            image = to_pillow(picture()[0].movedim(0, -1))
            self._bar.update_absolute(self._bar.current, preview=("JPEG", image, PREVIEW_SIDE))
            self._shown = monotonic()


def say(text: str, level: int = logging.INFO) -> None:
    """Log a line, and write it onto the node that runs, where there is a page."""
    log.log(level, text)
    server, execution = _comfy("server"), _comfy("comfy_execution.utils")
    context = execution.get_executing_context() if execution else None
    instance = getattr(getattr(server, "PromptServer", None), "instance", None)
    send: Callable[[str, str], None] | None = getattr(instance, "send_progress_text", None)
    if context is not None and send is not None:
        send(text, context.node_id)


def video_class() -> Callable[[str], Any] | None:
    """ComfyUI's, which makes a VIDEO of a file's path; None where there is none."""
    if _comfy("comfy.model_management"):
        for module in ("comfy_api.input_impl", "comfy_api.latest._input_impl"):
            try:
                return import_module(module).VideoFromFile
            except (ImportError, AttributeError):
                continue
    return None


def has_videos() -> bool:
    """Whether this ComfyUI knows VIDEO; True where there is no ComfyUI to say."""
    return _comfy("comfy.model_management") is None or video_class() is not None


def load(module: Module) -> Module:
    """`module` on the compute device, for work that ends with the node: ComfyUI makes room, and need not know of it."""
    if management := _comfy("comfy.model_management"):
        management.free_memory(INFERENCE_BYTES, compute_device())
    return module.to(compute_device())


def check_interrupted() -> None:
    """Raise ComfyUI's own exception when the user has asked to stop; it must not be swallowed."""
    if management := _comfy("comfy.model_management"):
        management.throw_exception_if_processing_interrupted()


def with_room(title: str, work: Callable[[], Result]) -> Result:
    """What `work` gives. Where memory runs out, all models and maps make way, and it is tried once more.

    ValueError, which says what else to do, where that is not enough.
    """
    for tries_left in (1, 0):
        try:
            return work()
        except (RuntimeError, MemoryError, TooLargeError) as error:
            full = isinstance(error, TooLargeError)
            if not (full or out_of_memory(error)) or (full and not tries_left):
                raise
            if not tries_left:
                raise ValueError(
                    f"{title} ran out of memory: take smaller pictures and sizes, or fewer at once, or close what else "
                    "uses the device."
                ) from error
        # Only here: the error holds the tensors that filled memory.
        feature_cache().offload()
        if management := _comfy("comfy.model_management"):
            management.unload_all_models()
        _empty_cache()
    raise AssertionError


class StyleNetworkBox(nn.ModuleDict):
    """Takes the attributes, `device` among them, that ComfyUI writes onto a model, and gives it a name in the log.

    ComfyUI counts its weights. What else lies on the device because of it goes with them where memory is wanted:
    feature maps here, and by themselves what layers made of their weights.
    """

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> StyleNetworkBox:
        super()._apply(fn, recurse)
        if next(self.parameters()).device.type == "cpu":
            feature_cache().offload(cast("StyleNetwork", self["network"]))
        return self


class HostedNetwork:
    """A network on a BRUSHWORK_NETWORK socket: ComfyUI's model management may move and unload it between uses."""

    def __init__(self, network: StyleNetwork) -> None:
        self.network = network
        """Wherever it is, for questions that need no computing."""
        self._patcher: Any | None = None  # ComfyUI's class, known at run time only
        management, patching = _comfy("comfy.model_management"), _comfy("comfy.model_patcher")
        if management and patching:
            devices = {"load_device": compute_device(), "offload_device": management.unet_offload_device()}
            self._patcher = patching.ModelPatcher(StyleNetworkBox({"network": network}), **devices)

    @property
    def stays(self) -> bool:
        """Whether it lies on the compute device between uses, so far as ComfyUI has a say."""
        return self._patcher is None or next(self.network.parameters()).device.type == compute_device().type

    @contextmanager
    def loaded(self) -> Iterator[StyleNetwork]:
        """The network on the compute device, for as long as it is used."""
        place = compute_device()
        if self._patcher is not None and (management := _comfy("comfy.model_management")):
            # Plain torch layers cannot be loaded in part: what stayed behind would fail on the device of its input.
            # With --novram ComfyUI leaves all of them behind, even so.
            management.load_models_gpu([self._patcher], INFERENCE_BYTES, force_full_load=True)
        weights = (*self.network.parameters(), *self.network.buffers())
        elsewhere = next((weight.device for weight in weights if weight.device.type != place.type), None)
        try:
            yield self.network if elsewhere is None else self.network.to(place)
        finally:
            if self._patcher is not None and elsewhere is not None:
                # ComfyUI does not know of these weights there, and could never unload them
                self.network.to(elsewhere)

    def encode(self, image: Tensor, level: str) -> FeatureMap:
        """Features of `image` [B, 3, H, W] in 0..1, wherever that lies."""
        with self.loaded() as network:
            return encode(network, image, level, tiling_host())

    def decode(self, encoded: FeatureMap, decoder: str) -> Tensor:
        """The IMAGE [B, H, W, 3] of features, wherever those lie."""
        with self.loaded() as network:
            return decode(network, encoded, decoder, tiling_host(), result_device()).movedim(1, -1)

    def render(
        self,
        method: Method,
        content: Tensor,
        styles: Sequence[Style],
        strengths: float | Mapping[str, float],
        statistics: str,
    ) -> Tensor:
        """The IMAGE [B, H, W, 3] that `content` [B, 3, H, W] in 0..1 becomes, wherever pictures lie: see `render`."""
        with self.loaded() as network:
            return render(
                network,
                method,
                content,
                styles,
                strengths=strengths,
                statistics=statistics,
                host=tiling_host(),  # once it is loaded, since it asks for the memory that is left
                device=result_device(),
            ).movedim(1, -1)


def at_once() -> int:
    """Bytes of a batch in float32 that may be on the compute device at once, with what is made of them there."""
    free = _free_memory()
    return MAPPED_BYTES if free is None else min(MAPPED_BYTES, free // 16)


def in_parts(work: Callable[..., Tensor], *given: Tensor, limit: int | None = None) -> Tensor:
    """`work` on tensors [1 or B, ...] on the compute device, in parts of the batch that fit there.

    The result lies there if all that was given does, else on the CPU.
    """
    device, batch = compute_device(), max(given, key=len)
    parts = parts_of(batch, (at_once() if limit is None else limit) // len(given))
    place = device if all(value.device.type == device.type for value in given) else torch.device("cpu")
    done: Tensor | None = None
    for items in parts:
        check_interrupted()
        made = work(*(items_of(value, items).to(device) for value in given))
        if len(parts) == 1:
            return made.to(place)
        if done is None:
            done = torch.empty((len(batch), *made.shape[1:]), dtype=made.dtype, device=place)
        done[items] = made
    assert done is not None
    return done


def tiling_host() -> Host:
    """What a loop over tiles needs, once its network is loaded."""
    device, free, progress = compute_device(), _free_memory(), Progress()
    policy = Policy() if free is None else Policy.within(free, device)
    show = progress.show if _comfy("comfy.model_management") else None
    return Host(device, progress, show, check_interrupted, _empty_cache, policy=policy)


@cache
def feature_cache() -> FeatureCache:
    """The one cache of the feature maps that lie on the compute device, in a quarter of what they could have there."""
    on_gpu = compute_device().type == "cuda"
    return FeatureCache(Policy().feature_bytes, (lambda: _free_memory() or 0) if on_gpu else None)


def as_sampled(model: Any, latent: Tensor) -> Tensor:  # noqa: ANN401 - ComfyUI's class
    """A VAE's `latent` as it is while `model` samples: each kind of model scales and shifts latents its own way."""
    if not hasattr(model, "get_model_object"):
        raise ValueError("'model' holds no model: connect the one that will sample, or nothing.")
    return model.get_model_object("process_latent_in")(latent)


def _free_memory() -> int | None:
    """Bytes of the compute device; None where nobody counts them."""
    device = compute_device()
    if management := _comfy("comfy.model_management"):
        return int(management.get_free_memory(device))
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def _empty_cache() -> None:
    if management := _comfy("comfy.model_management"):
        management.soft_empty_cache()
    elif torch.cuda.is_available():
        torch.cuda.empty_cache()


def _comfy(name: str) -> ModuleType | None:
    # Running inside ComfyUI means that it has imported these itself. Importing them elsewhere would start CUDA or fail.
    return sys.modules.get(name) if "comfy.model_management" in sys.modules else None
