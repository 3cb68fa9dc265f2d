"""A pack: one file of many pictures, resized and encoded, to train where folders are too large to go.

A safetensors file. Of each group, photographs and styles, it holds the encoded pictures one after the other, and where
each begins; their names and kinds are in its header.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, inf
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ..media.images import pictures_at, write_whole
from .pictures import READER_THREADS, Encoded, Pictures, spread

log = logging.getLogger(__name__)

Group = Literal["photos", "styles"]  # what pictures are learnt as; a pack holds both

PACK = ".pack"
FORM, VERSION = "brushwork-pack", "1"
LOSSLESS = "PNG"
QUALITIES = (95, 90, 85)  # of JPEGs, where a pack has no room for PNG; the first that all pictures fit in
PHOTOS_SHARE = 0.6  # of a pack that not all pictures fit in; what one group does not need the other has
HEADER_BYTES = 4096  # of a pack, beside those that are counted for each picture


@dataclass(frozen=True)
class Packed:
    """What was written."""

    quality: str | int  # 'PNG', or that of the JPEGs
    counts: Mapping[Group, int]  # how many pictures of each group are in the file
    size: int  # bytes of the file


def write_pack(out: Path, photos: Pictures | None, styles: Pictures | None, limit_mib: float) -> Packed:
    """Write a file of at most `limit_mib` MiB that `read_pictures` reads, whole or not at all.

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
    limit = int(limit_mib * 2**20) - HEADER_BYTES
    quality, encoded = LOSSLESS, _encoded(groups, LOSSLESS, limit)
    for quality in () if encoded else QUALITIES:
        if encoded := _encoded(groups, quality, inf if quality == QUALITIES[-1] else limit):
            break
    costs: dict[Group, list[int]] = {}
    costs |= {group: list(map(_cost, encoded[group], own.names, own.kinds)) for group, own in groups.items()}
    kept = _kept(costs, limit)
    tensors: dict[str, Tensor] = {}
    metadata = {FORM: VERSION}
    for group, pictures in groups.items():
        contents = [encoded[group][index] for index in kept[group]]
        tensors[group] = torch.frombuffer(bytearray().join(contents), dtype=torch.uint8)
        tensors[f"{group}.offsets"] = torch.tensor([0, *accumulate(map(len, contents))])
        names, kinds = ([words[index] for index in kept[group]] for words in (pictures.names, pictures.kinds))
        metadata[group] = json.dumps({"shorter": min(map(min, pictures.sizes)), "names": names, "kinds": kinds})
    content = save(tensors, metadata)
    write_whole(out, content)
    packed = Packed(quality, {group: len(kept[group]) for group in groups}, len(content))
    shares = " and ".join(f"{packed.counts[group]} of {len(groups[group])} {group}" for group in groups)
    form = LOSSLESS if quality == LOSSLESS else f"JPEG of quality {quality}"
    log.info("%s holds %s as %s, %.1f MiB.", out, shares, form, packed.size / 2**20)
    return packed


def _encoded(groups: Mapping[Group, Pictures], quality: str | int, limit: float) -> dict[Group, list[bytes]]:
    """The pictures as files; nothing where they take more than `limit` bytes."""
    from PIL import Image

    def encode(rows: Tensor) -> bytes:
        file = io.BytesIO()
        options = {} if quality == LOSSLESS else {"quality": quality, "subsampling": "4:4:4", "optimize": True}
        Image.fromarray(rows.numpy()).save(file, LOSSLESS if quality == LOSSLESS else "JPEG", **options)
        return file.getvalue()

    encoded: dict[Group, list[bytes]] = {group: [] for group in groups}
    with ThreadPoolExecutor(READER_THREADS) as pool:
        for group, pictures in groups.items():
            work = pool.map(encode, map(pictures.rows, range(len(pictures))))
            for content, name, kind in zip(work, pictures.names, pictures.kinds, strict=True):
                limit -= _cost(content, name, kind)
                if limit < 0:
                    pool.shutdown(cancel_futures=True)
                    return {}
                encoded[group].append(content)
    return encoded


def _cost(content: bytes, name: str, kind: str) -> int:
    """Bytes of a pack that a picture takes: its own, an offset, and its words, which are JSON within JSON."""
    return len(content) + 8 + len(json.dumps(json.dumps([name, kind])))


def _kept(costs: Mapping[Group, Sequence[int]], limit: int) -> dict[Group, list[int]]:
    """Of each group the indices of the pictures that fit; ValueError where a group has none."""
    kept: dict[Group, list[int]] = {}
    left, others = limit, sum(map(sum, costs.values()))
    for group, own in costs.items():
        others -= sum(own)
        kept[group] = spread(own, left - min(others, int((1 - PHOTOS_SHARE) * limit)))
        left -= sum(own[index] for index in kept[group])
    if not all(kept.values()):
        enough = HEADER_BYTES + max(own[0] for own in costs.values()) / min(PHOTOS_SHARE, 1 - PHOTOS_SHARE)
        raise ValueError(
            f"a pack of {(limit + HEADER_BYTES) / 2**20:.2f} MiB has no room for one picture of each group: "
            f"allow {ceil(enough / 2**20 * 100) / 100} MiB or more."
        )
    return kept


def read_group(path: Path, group: Group, resize: int) -> list[Encoded]:
    """The pictures of one group of a pack, still encoded.

    FileNotFoundError where there is no such file; ValueError where it is no pack, is damaged, has another version, does
    not hold the group, or holds pictures whose shorter side has fewer than `resize` pixels.
    """
    from safetensors import SafetensorError, safe_open

    pictures_at(path)  # has the words for a name that is wrong
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            present = {group, f"{group}.offsets"} & set(file.keys())
            tensors = {name: file.get_tensor(name) for name in present}
    except SafetensorError as error:
        fault = f"{path} is damaged, or no pack ({error}): copy it again, or pack the pictures again."
        raise ValueError(fault) from error
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}") from error
    if FORM not in metadata:
        raise ValueError(f"{path} is no pack of pictures: name a file that was packed, or a folder.")
    if metadata[FORM] != VERSION:
        raise ValueError(
            f"{path} is a pack of version {metadata[FORM]}, and this reads version {VERSION}: pack the pictures again."
        )
    if group not in metadata:
        raise ValueError(f"{path} holds no {group}: pack them with it, or name a folder of {group}.")
    try:
        listed, content = json.loads(metadata[group]), tensors[group]
        offsets, stored = tensors[f"{group}.offsets"].tolist(), int(listed["shorter"])
        if offsets[0] != 0 or offsets[-1] != len(content) or offsets != sorted(offsets):
            raise ValueError("pictures do not begin where they should")
        bounds = zip(offsets[:-1], offsets[1:], listed["names"], listed["kinds"], strict=True)
        data = content.numpy().data
        pictures = [Encoded(f"{name} in {path}", name, kind, data[start:end]) for start, end, name, kind in bounds]
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged, its list of {group} is wrong: pack the pictures again.") from error
    if stored < resize:
        raise ValueError(
            f"{path} holds {group} with a shorter side of {stored} pixels, and {resize} are asked for: "
            f"pack them again with {resize} or more."
        )
    return pictures
