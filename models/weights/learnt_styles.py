"""Styles that a user's StyleBank has learnt: their files, and how they join a bank."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from reprlib import repr as shortened

import torch
from torch import Tensor, nn

from ..networks.base import StyleNetwork
from ..networks.stylebank import LEVEL, StyleBankNetwork
from .manifest import WeightsError
from .store import read_tensors, search_folders, writable_folder

log = logging.getLogger(__name__)

STYLES_FOLDER = "stylebank"
"""The folder of learnt styles in a folder of weights."""
VERSION = "1"
"""Of the file's form, in its metadata; files of another one are left out."""
EMPTY_SLOT = "none"
"""What StyleBank Mix calls a slot without a style, so that no style can have that name."""
PLAIN_NAME = re.compile(r"[\w-]([\w -]{0,58}[\w-])?")
RESERVED_NAME = re.compile(rf"{EMPTY_SLOT}|con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
"""That of an empty slot, and what Windows keeps for devices."""
NAME_BYTES = 200
"""At most: file systems take 255, with the ending of a file that is being written."""


@dataclass(frozen=True)
class StyleMetadata:
    """What a style's file says of itself."""

    style: str
    network: str
    """The bank's name in the manifest."""
    fingerprint: str
    """Of the bank that it was learnt on, and works with."""
    steps: int


@dataclass(frozen=True)
class LearnedStyle:
    """A style apart from its bank, as it lies in its file: float16, on the CPU."""

    metadata: StyleMetadata
    weight: Tensor
    """[C, C, 3, 3]"""
    bias: Tensor
    """[C]"""


@dataclass(frozen=True)
class StyleFile:
    """A learnt style on this machine. Its name is the file's, so that whoever renames the file renames the style."""

    path: Path
    metadata: StyleMetadata


def check_name(name: str) -> str:
    """`name`, which will be a file's; ValueError where it is not plain."""
    if not PLAIN_NAME.fullmatch(name) or RESERVED_NAME.fullmatch(name) or len(name.encode()) > NAME_BYTES:
        raise ValueError(
            f"{shortened(name)} cannot be a style's name: use 1 to 60 letters, digits, spaces, dashes and underscores, "
            f"with no space at either end, and not '{EMPTY_SLOT}' or a device's name."
        )
    return name


def style_path(name: str, folders: Sequence[Path] = ()) -> Path:
    """Where a style of that name is saved: in the first folder of weights that can be written."""
    return writable_folder(folders) / STYLES_FOLDER / f"{check_name(name)}.safetensors"


def expect_free(path: Path, overwrite: bool = False) -> None:
    """ValueError where there is a style's file that must not be overwritten."""
    if path.exists() and not overwrite:
        raise ValueError(
            f"{path} is there already: choose another name for the style, or overwrite or delete the file."
        )


def save_style(style: LearnedStyle, path: Path, overwrite: bool = False) -> Path:
    """Write a style's file, whole or not at all. ValueError where there is one and `overwrite` is off."""
    from safetensors.torch import save

    expect_free(path, overwrite)
    metadata = {name: str(value) for name, value in asdict(style.metadata).items()} | {"brushwork": VERSION}
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(save({"weight": style.weight.contiguous(), "bias": style.bias.contiguous()}, metadata))
        os.replace(part, path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be written ({error.strerror or error}): free or unlock it.") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return path


def learned_styles(folders: Sequence[Path] = ()) -> list[StyleFile]:
    """The styles in all folders, by name; of two with one name the first. Only the headers of files are read."""
    found: dict[str, StyleFile] = {}
    for folder in search_folders(folders):
        for path in sorted(path for path in (folder / STYLES_FOLDER).glob("*.safetensors") if path.is_file()):
            state = path.stat()
            if metadata := _metadata(path, state.st_mtime_ns, state.st_size):
                found.setdefault(metadata.style, StyleFile(path, metadata))
    return sorted(found.values(), key=lambda file: file.metadata.style)


@lru_cache(1024)
def _metadata(path: Path, changed: int, size: int) -> StyleMetadata | None:
    """What the file's header says, kept until the file changes; None where it is not the file of a learnt style."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        if metadata["brushwork"] != VERSION:
            raise ValueError(f"it has the form {metadata['brushwork']}")
        name, steps = check_name(path.stem), int(metadata["steps"])
        return StyleMetadata(name, metadata["network"], metadata["fingerprint"], steps)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        log.warning("%s is left out, it is not the file of a learnt style (%s): move it elsewhere.", path, error)
        return None


def read_style(file: StyleFile) -> LearnedStyle:
    """The style itself; WeightsError where its file is damaged."""
    tensors = read_tensors(file.path, "safetensors")
    if tensors.keys() != {"weight", "bias"} or not all(value.float().isfinite().all() for value in tensors.values()):
        raise WeightsError(f"{file.path} does not hold a style: delete it, and learn the style anew.")
    return LearnedStyle(file.metadata, tensors["weight"], tensors["bias"])


def fingerprint(network: StyleNetwork) -> str:
    """sha256 over the weights of the network's `style_parts`, in float32 and as they were before any cast."""
    if network.fingerprint:
        return network.fingerprint
    digest = hashlib.sha256()
    for part in network.style_parts:
        for name, value in network.get_submodule(part).state_dict().items():
            digest.update(f"{name} {list(value.shape)}".encode())
            digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def sharing(bank: StyleBankNetwork) -> StyleBankNetwork:
    """Another bank on the very numbers of `bank`, frozen. Its parameters are its own: each bank may move by itself.

    What was made or moved in inference mode is copied, since nothing could learn through it.
    """
    with torch.inference_mode(False):
        values = {id(own): own.detach().clone() if own.is_inference() else own.detach() for own in bank.parameters()}
        return deepcopy(bank, {key: nn.Parameter(value, requires_grad=False) for key, value in values.items()})


def with_style(bank: StyleBankNetwork, style: LearnedStyle) -> StyleBankNetwork:
    """A bank with `style` besides, or in place of its own of that name; `bank` stays, and shares all it has with it.

    WeightsError where the style is for a bank of another width.
    """
    with torch.inference_mode(False):
        grown = sharing(bank)
        _put(grown, style)
        grown.in_files.discard(style.metadata.style)
        return grown


def find_style(bank: StyleBankNetwork, name: str, folders: Sequence[Path] = ()) -> LearnedStyle | None:
    """The learnt style of that name, if there is one and it fits `bank`; WeightsError where its file is damaged."""
    for file in learned_styles(folders):
        if file.metadata.style == name and file.metadata.fingerprint == fingerprint(bank):
            return _expect_width(read_style(file), bank)
    return None


def add_learned(bank: StyleBankNetwork, folders: Sequence[Path] = (), only: str = "") -> None:
    """Put all learnt styles of `bank` into it, or the one that is named; what does not fit is left out with a warning.

    WeightsError where the named one is not there, or does not fit.
    """
    own = {file.metadata.style: file for file in learned_styles(folders) if file.metadata.network == bank.name}
    if only and only not in own:
        raise WeightsError(f"{bank.name} has learnt no style '{only}': choose one of {', '.join(own) or 'its own'}.")
    for file in [own[only]] if only else own.values():
        try:
            if file.metadata.fingerprint != fingerprint(bank):
                raise WeightsError(f"{file.path} was learnt on other weights of {bank.name}: learn the style anew.")
            if file.metadata.style in bank.styles:
                raise WeightsError(f"{file.path} has the name of a style that {bank.name} came with: rename the file.")
            _put(bank, read_style(file))
            bank.in_files.add(file.metadata.style)
        except WeightsError as error:
            if only:
                raise
            log.warning("%s", error)


def _put(bank: StyleBankNetwork, style: LearnedStyle) -> None:
    name, style = style.metadata.style, _expect_width(style, bank)
    layer = bank.bank[bank.styles.index(name)] if name in bank.styles else bank.add_style(name)
    # Not written into the old ones, which another bank may share.
    layer.weight, layer.bias = (
        nn.Parameter(value.detach().clone().to(next(bank.encoder.parameters())), requires_grad=False)
        for value in (style.weight, style.bias)
    )


def _expect_width(style: LearnedStyle, bank: StyleBankNetwork) -> LearnedStyle:
    size = bank.spaces[LEVEL].channels
    if style.weight.shape != (size, size, 3, 3) or style.bias.shape != (size,):
        raise WeightsError(f"the style '{style.metadata.style}' is for a bank of another width: learn it anew.")
    return style
