"""One file of many pictures: photographs and styles, scaled and encoded, to train where folders are too large to go.

A safetensors file. Of each group it holds the encoded pictures, one after the other, and where each begins; what they
are called and of which kind they are is in its header.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import ceil, inf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..media.images import pictures_at, write_whole
from .data import PACK, READERS, Encoded, Group, Pictures, spread

log = logging.getLogger(__name__)

FORM = "brushwork-pack"
VERSION = "1"
LOSSLESS = "PNG"
QUALITIES = (95, 90, 85)
"""Of JPEGs, where a pack has no room for PNG; the first that all pictures fit in."""
PHOTOS_SHARE = 0.6
"""Of a pack that not all pictures fit in; what one group does not need the other has."""
HEADER = 4096
"""Bytes of a pack beside those that are counted for each picture."""


@dataclass(frozen=True)
class Packed:
    """What was written."""

    quality: str | int
    """'PNG', or that of the JPEGs."""
    counts: Mapping[Group, int]
    """How many pictures of each group are in the file."""
    size: int
    """Bytes of the file."""


def write_pack(out: Path, photos: Pictures | None, styles: Pictures | None, limit_mib: float) -> Packed:
    """Write a file of at most `limit_mib` MiB that `Pictures.from_files` reads, whole or not at all.

    Lossless where everything fits so, else as the best JPEGs (quality 95, 90, 85) that fit, else as many pictures as
    do, evenly spread: what was chosen is logged and returned. ValueError where there is nothing to pack, the name does
    not end in `.pack`, or the limit is too small for a picture of each group; OSError where the file cannot be written.
    """
    from safetensors.torch import save

    given: dict[Group, Pictures | None] = {"photos": photos, "styles": styles}
    groups: dict[Group, Pictures] = {group: pictures.to("cpu") for group, pictures in given.items() if pictures}
    if not groups:
        raise ValueError("there is nothing to pack: name a folder of photographs, one of styles, or both.")
    if out.suffix.lower() != PACK:
        raise ValueError(f"{out} would not be known as a pack: end its name in {PACK}.")
    room = int(limit_mib * 2**20) - HEADER
    quality, encoded = _best(groups, room)
    kept = _kept({group: _costs(groups[group], encoded[group]) for group in groups}, room)
    tensors: dict[str, Tensor] = {}
    about = {FORM: VERSION}
    for group, pictures in groups.items():
        contents = [encoded[group][index] for index in kept[group]]
        tensors[group] = torch.frombuffer(bytearray().join(contents), dtype=torch.uint8)
        tensors[_offsets(group)] = torch.tensor([0, *accumulate(map(len, contents))])
        listed = {
            "shorter": min(map(min, pictures.sizes)),
            "names": [pictures.names[index] for index in kept[group]],
            "kinds": [pictures.kinds[index] for index in kept[group]],
        }
        about[group] = json.dumps(listed)
    content = save(tensors, about)
    write_whole(out, content)
    packed = Packed(quality, {group: len(kept[group]) for group in groups}, len(content))
    shares = " and ".join(f"{packed.counts[group]} of {len(groups[group])} {group}" for group in groups)
    form = LOSSLESS if quality == LOSSLESS else f"JPEG of quality {quality}"
    log.info("%s holds %s as %s, %.1f MiB.", out, shares, form, packed.size / 2**20)
    return packed


def read_pack(path: Path, group: Group) -> Pictures:
    """One group of a pack, at the size it is stored in, on the CPU.

    FileNotFoundError where there is no such file; ValueError where it is no pack, is damaged, has another version or
    does not hold the group.
    """
    return Pictures.from_files([path], _stored(path, group)[0], group=group)


def entries(path: Path, group: Group, shorter: int) -> list[Encoded]:
    """The pictures of one group of a pack, still encoded. Errors of `read_pack`, and ValueError where the pictures are
    smaller than `shorter`.
    """
    stored, pictures = _stored(path, group)
    if stored < shorter:
        raise ValueError(
            f"{path} holds {group} with a shorter side of {stored} pixels, and {shorter} are asked for: "
            f"pack them again with {shorter} or more."
        )
    return pictures


def _best(groups: Mapping[Group, Pictures], room: int) -> tuple[str | int, dict[Group, list[bytes]]]:
    """The best quality in which all pictures have room, the worst where there is none; and all pictures in it."""
    for quality in (LOSSLESS, *QUALITIES[:-1]):
        encoded, whole = _encoded(groups, quality, room)
        if whole:
            return quality, encoded
    return QUALITIES[-1], _encoded(groups, QUALITIES[-1], inf)[0]


def _encoded(
    groups: Mapping[Group, Pictures], quality: str | int, room: float
) -> tuple[dict[Group, list[bytes]], bool]:
    """The pictures as files, until there is no more room for one; and whether these are all."""
    encoded: dict[Group, list[bytes]] = {group: [] for group in groups}
    with ThreadPoolExecutor(READERS) as pool:
        for group, pictures in groups.items():
            work = pool.map(partial(_encode, pictures, quality), range(len(pictures)))
            for content, name, kind in zip(work, pictures.names, pictures.kinds, strict=True):
                room -= _cost(content, name, kind)
                if room < 0:
                    pool.shutdown(cancel_futures=True)
                    return encoded, False
                encoded[group].append(content)
    return encoded, True


def _encode(pictures: Pictures, quality: str | int, index: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    picture = Image.fromarray(pictures.rows(index).numpy())
    if quality == LOSSLESS:
        picture.save(file, "PNG")
    else:
        picture.save(file, "JPEG", quality=quality, subsampling="4:4:4", optimize=True)
    return file.getvalue()


def _cost(content: bytes, name: str, kind: str) -> int:
    """Bytes of a pack that a picture takes: its own, an offset, and its words, which are JSON within JSON."""
    return len(content) + 8 + len(json.dumps(json.dumps([name, kind])))


def _costs(pictures: Pictures, encoded: Sequence[bytes]) -> list[int]:
    return list(map(_cost, encoded, pictures.names, pictures.kinds))


def _kept(costs: Mapping[Group, Sequence[int]], room: int) -> dict[Group, list[int]]:
    """Of each group the indices of the pictures that a pack has room for."""
    kept: dict[Group, list[int]] = {}
    left = room
    for group, own in costs.items():
        others = sum(sum(costs[other]) for other in costs if other not in kept and other != group)
        kept[group] = spread(own, left - min(others, int((1 - PHOTOS_SHARE) * room)))
        left -= sum(own[index] for index in kept[group])
    if not all(kept.values()):
        enough = HEADER + max(own[0] for own in costs.values()) / min(PHOTOS_SHARE, 1 - PHOTOS_SHARE)
        raise ValueError(
            f"a pack of {(room + HEADER) / 2**20:.2f} MiB has no room for one picture of each group: "
            f"allow {ceil(enough / 2**20 * 100) / 100} MiB or more."
        )
    return kept


def _stored(path: Path, group: Group) -> tuple[int, list[Encoded]]:
    """The shorter side of a group's pictures, and the pictures themselves."""
    from safetensors import SafetensorError, safe_open

    pictures_at(path)  # has the words for a name that is wrong
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            held = set(file.keys())
            tensors = {name: file.get_tensor(name) for name in held & {group, _offsets(group)}}
    except SafetensorError as error:
        raise ValueError(
            f"{path} is damaged, or no pack ({error}): copy it again, or pack the pictures again."
        ) from error
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}") from error
    if FORM not in about:
        raise ValueError(f"{path} is no pack of pictures: name a file that was packed, or a folder.")
    if about[FORM] != VERSION:
        raise ValueError(
            f"{path} is a pack of version {about[FORM]}, and this reads version {VERSION}: pack the pictures again."
        )
    if group not in about:
        raise ValueError(f"{path} holds no {group}: pack them with it, or name a folder of {group}.")
    try:
        return _listed(path, json.loads(about[group]), tensors[group], tensors[_offsets(group)].tolist())
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged, its list of {group} is wrong: pack the pictures again.") from error


def _listed(
    path: Path, listed: Mapping[str, Any], content: Tensor, offsets: Sequence[int]
) -> tuple[int, list[Encoded]]:
    """The group that a header lists; errors of any sort where the list does not fit what is there."""
    if offsets[0] != 0 or offsets[-1] != len(content) or list(offsets) != sorted(offsets):
        raise ValueError("pictures do not begin where they should")
    bounds = zip(offsets[:-1], offsets[1:], listed["names"], listed["kinds"], strict=True)
    data = content.numpy().data
    pictures = [Encoded(f"{name} in {path}", name, kind, data[start:end]) for start, end, name, kind in bounds]
    return int(listed["shorter"]), pictures


def _offsets(group: Group) -> str:
    """The tensor that says where each picture of a group begins, and where the last one ends."""
    return f"{group}.offsets"
