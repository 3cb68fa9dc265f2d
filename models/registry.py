"""A network by its name in the manifest: built, filled with its weights, ready to run."""

from collections.abc import Sequence
from os.path import isfile
from pathlib import Path

import torch

from .networks.base import StyleNetwork
from .networks.msgnet import MsgNet
from .networks.stylebank import StyleBankNetwork
from .networks.vgg import ADAIN_LEVEL, LAYOUTS, VggNetwork
from .weights.download import Progress
from .weights.keymaps import KEYMAPS
from .weights.learnt_styles import add_learned, fingerprint
from .weights.manifest import NetworkEntry, WeightFile, WeightsError, read_manifest
from .weights.store import ensure_network, read_tensors
from .weights.vgg_files import load_vgg_file

FILE_ENDINGS = (".safetensors", ".pth", ".gz")
"""What no name of a network or of a style ends in."""


def load_network(
    name: str,
    folders: Sequence[Path] = (),
    progress: Progress | None = None,
    dtype: torch.dtype = torch.float32,
) -> StyleNetwork:
    """The network `name` of the manifest, or of a file, on the CPU, set to compute in `dtype`, evaluation only.

    Weights come from the package, `folders`, the folders in BRUSHWORK_WEIGHTS, or a download, which reports
    `progress(bytes done, bytes in all)`. WeightsError says in a sentence what is missing or damaged, and the remedy.
    A bank brings the styles that it has learnt; `name/style` is a bank with that one besides its own. A name that ends
    like a file's (`FILE_ENDINGS`), or that only a file has, is a path for `load_vgg_file`.
    """
    manifest, path = read_manifest(), name
    name, _, style = name.partition("/")
    if path.endswith(FILE_ENDINGS) or (name not in manifest.networks and isfile(path)):
        return load_vgg_file(Path(path), dtype)
    paths = ensure_network(name, folders, progress)
    with torch.inference_mode(False):  # weights born in inference mode could never serve in a loss
        network = build_network(manifest.network(name))
        for role, file in manifest.network_files(name).items():
            _fill(network, role, file, paths[role])
        network.fingerprint = fingerprint(network)
        if isinstance(network, StyleBankNetwork):
            network.name = name
            add_learned(network, folders, style)
        elif style:
            raise WeightsError(f"{name} has no bank of styles: choose '{name}' alone, or a StyleBank.")
        return network.prepare(dtype).eval().requires_grad_(False)


def build_network(entry: NetworkEntry) -> StyleNetwork:
    """The network of a manifest entry with fresh random weights."""
    kind, _, backbone = entry.kind.partition("-on-")
    if kind == "msgnet":
        return MsgNet(backbone=LAYOUTS.get(backbone))
    if kind == "stylebank":
        return StyleBankNetwork(entry.styles, backbone=LAYOUTS.get(backbone))
    whole = "network" in entry.parts  # one file holds all
    adain = ADAIN_LEVEL if whole or "adain" in entry.parts else None
    layout = LAYOUTS[entry.kind]
    decoders = [level for level in entry.levels if whole or f"decoder.{level}" in entry.parts]
    return VggNetwork(layout, [] if layout.appended else decoders, adain)


def _fill(network: StyleNetwork, role: str, file: WeightFile, path: Path) -> None:
    """Put a file's tensors into the part of the network that `role` names: a submodule's path, or the whole."""
    module = network if role == "network" else network.get_submodule(role)
    tensors = read_tensors(path, file.format)
    try:
        module.load_state_dict(KEYMAPS[file.keymap](tensors, module))
        if not (file.checked or all(value.isfinite().all() for value in module.state_dict().values())):
            raise ValueError("no numbers")
    except (LookupError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path.name} does not hold the weights of {role} in {type(network).__name__}: "
            "put the file that the manifest names in its place."
        ) from error
