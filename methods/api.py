"""The pack in Python, `brushwork.render` and `brushwork.learn`: Pillow's pictures, arrays and tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..media.images import alpha_of, eight_bits, from_pillow, to_pillow
from ..models.networks.base import StyleNetwork
from ..models.networks.graphs import Graphs
from ..models.networks.precision import AUTOMATIC, compute_dtype
from ..models.registry import load_network
from ..models.weights.download import Progress
from ..models.weights.manifest import read_manifest
from ..tiling.policy import Host, Policy
from ..transfer.masks import fill_hidden, resize_mask
from ..transfer.temporal import PER_IMAGE
from . import DEFAULT, METHODS
from . import render as rendering
from .protocol import Learnt, Method, Style

ROUNDING = 1e-3
"""By which resized pixels may leave 0..1."""

if TYPE_CHECKING:
    from PIL.Image import Image

    Picture = Image | np.ndarray[Any, Any] | Tensor
    """Pillow's; an array [H, W, 3] or a batch of them; a tensor [3, H, W] or a batch. Bytes, or floats in 0..1."""
    Source = Picture | str | Learnt
    """A picture, the name of a style in a bank, or what was learnt."""


def render(
    content: Picture,
    style: Source | Sequence[Source],
    *,
    method: str | None = None,
    network: str | StyleNetwork | None = None,
    strength: float | None = None,
    levels: Sequence[str] | None = None,
    weights: Sequence[float] | None = None,
    mask: Picture | Sequence[Picture | None] | None = None,
    statistics: str = PER_IMAGE,
    device: str | torch.device | None = None,
) -> Any:  # noqa: ANN401 - of the content's kind
    """The content in one style or several, as a picture of the same kind and size; Pillow's keeps its transparency.

    `method` is one of `METHODS`: a style's own if it was learnt, StyleBank for a name, else WCT. `network` is a name
    in the manifest, or what `load_network` returned, which saves reading it again; the method's own unless given.
    `strength` (0 to 1) and `levels` (coarse to fine) are the method's unless given. Several styles are mixed by
    `weights`. `mask` is white where the content is restyled: one for all styles, or one a style, each over those before
    it. `statistics` is one of `STATISTICS`, for a batch. `device` is a GPU where there is one. ValueError and
    WeightsError in one sentence.
    """
    pictures, opaque = _opened(content, "content")
    sources = _several(style)
    ready, chosen, host = prepared(_method_of(sources[0], method), network, device)
    masks: list[Any] = [*mask] if isinstance(mask, list | tuple) else [mask] * len(sources)
    weights = [1.0] * len(sources) if weights is None else weights
    if not len(masks) == len(weights) == len(sources):
        raise ValueError(
            f"there are {len(sources)} styles, {len(weights)} weights and {len(masks)} masks: give one each."
        )
    regions: dict[int, Tensor | None] = {id(each): None if each is None else _mask(each, pictures) for each in masks}
    styles = [
        replace(_style(source), weight=weight, region=regions[id(each)])
        for source, weight, each in zip(sources, weights, masks, strict=True)
    ]
    strengths = strengths_at(chosen, strength, levels)
    counted = opaque if opaque is not None and opaque.any() else None
    painted = rendering.render(
        ready, chosen, pictures, styles, strengths=strengths, statistics=statistics, host=host, counted=counted
    )
    return _like(content, painted, opaque)


def learn(
    style: Source,
    *,
    method: str | None = None,
    network: str | StyleNetwork | None = None,
    levels: Sequence[str] | None = None,
    device: str | torch.device | None = None,
) -> Learnt:
    """What a method keeps of a style, to `render` with again and again, to `save` and to `Learnt.load`; no picture.

    Arguments and errors are those of `render`.
    """
    ready, chosen, host = prepared(_method_of(style, method), network, device)
    return rendering.learn(ready, chosen, _style(style), levels, host)


def prepared(
    method: str,
    network: str | StyleNetwork | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
) -> tuple[StyleNetwork, Method, Host]:
    """A method, and its network ready on the device; a download tells its `progress`.

    ValueError where either has no such name, and, before anything is loaded, where they do not go together.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method '{method}': choose one of {', '.join(METHODS)}.")
    chosen = METHODS[method]
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if not isinstance(network, StyleNetwork):
        network, entries = network or chosen.network, read_manifest().networks
        suited = [name for name, entry in entries.items() if chosen.level is None or chosen.level in entry.levels]
        if network.partition("/")[0] in entries.keys() - suited:
            choices = ", ".join(suited)
            raise ValueError(f"{network} is no network for {method}: choose one of {choices}, or another method.")
        network = load_network(network, progress=progress, dtype=compute_dtype(AUTOMATIC, place))
    there = next(network.parameters()).device
    if there.type != place.type or place.index not in (None, there.index):  # moved, it forgets what it keeps
        network = network.to(place)
    if place.type == "cuda" and network.graphs is None:
        network.graphs = Graphs(network)
    # Asked after the network took its share.
    policy = Policy.within(torch.cuda.mem_get_info(place)[0], place) if place.type == "cuda" else Policy()
    return network, chosen, Host(place, policy=policy)


def strengths_at(
    method: Method, strength: float | None, levels: Sequence[str] | None
) -> float | Mapping[str, float] | None:
    """What `render` takes: one strength, the method's own unless given, at all its levels or at some."""
    return strength if levels is None else dict.fromkeys(levels, method.strength if strength is None else strength)


def _method_of(source: Source, method: str | None) -> str:
    return method or (
        source.method if isinstance(source, Learnt) else "stylebank" if isinstance(source, str) else DEFAULT
    )


def _several(style: Source | Sequence[Source]) -> Sequence[Source]:
    if not isinstance(style, list | tuple):
        return [style]  # pyright: ignore[reportReturnType] - arrays are no sequences of styles
    if not style:
        raise ValueError("there is no style: give at least one.")
    return style


def _style(source: Source) -> Style:
    if isinstance(source, str | Learnt):
        return Style(source)
    picture, opaque = _opened(source, "style")
    if opaque is not None and not opaque.any():
        raise ValueError("the style is transparent all over: give one that shows something.")
    return Style(picture, mask=opaque)


def _opened(picture: Picture, name: str) -> tuple[Tensor, Tensor | None]:
    """[B, 3, H, W] in 0..1, where the picture lies, and how opaque it is, [1, H, W]; what is hidden counts nowhere."""
    if isinstance(picture, Tensor | np.ndarray):
        arrays = isinstance(picture, np.ndarray)
        values = torch.from_numpy(picture.copy()) if isinstance(picture, np.ndarray) else picture.detach()
        values = values.movedim(-1, -3) if arrays and values.ndim > 2 else values
        values = values[None] if values.ndim == 3 else values
        if values.ndim != 4 or values.shape[1] != 3 or not values.numel():
            shape = "[height, width, 3]" if arrays else "[3, height, width]"
            raise ValueError(f"the {name} has the shape {list(picture.shape)}: give {shape}, or a batch of such.")
        return _in_range(values, name), None
    shown = _pillow(picture, name)
    image, opaque = from_pillow(shown).movedim(-1, 0)[None], alpha_of(shown)
    return (image, None) if opaque is None else (fill_hidden(image, opaque[None]), opaque[None])


def _mask(mask: Picture, content: Tensor) -> Tensor:
    """[1 or B, H, W] in 0..1 of the content's size."""
    if not isinstance(mask, Tensor | np.ndarray):
        picture = _pillow(mask, "mask")
        alpha, mask = alpha_of(picture), from_pillow(picture).mean(-1)
        mask = mask if alpha is None else mask * alpha
    layers = torch.from_numpy(mask.copy()) if isinstance(mask, np.ndarray) else mask.detach()
    layers = layers[None] if layers.ndim == 2 else layers
    if layers.ndim != 3 or not layers.numel() or len(layers) not in (1, len(content)):
        raise ValueError(f"the mask has the shape {list(mask.shape)}: give [height, width], or one for each picture.")
    return resize_mask(_in_range(layers, "mask"), (content.shape[-2], content.shape[-1]))


def _pillow(picture: Any, name: str) -> Image:  # noqa: ANN401 - whatever was given
    if not hasattr(picture, "getbands"):
        raise ValueError(f"the {name} is a {type(picture).__name__}: give a picture of Pillow's, an array or a tensor.")
    from PIL import ImageOps

    return ImageOps.exif_transpose(picture)


def _in_range(values: Tensor, name: str) -> Tensor:
    """As floats in 0..1, bytes divided by 255; ValueError for what then lies outside by more than rounding."""
    values = values.float() / (255 if values.dtype is torch.uint8 else 1)
    least, most = (extreme.item() for extreme in values.aminmax())
    if not (least >= -ROUNDING and most <= 1 + ROUNDING):
        raise ValueError(f"the {name} holds values from {least:g} to {most:g}: give bytes, or floats in 0..1.")
    return values.clamp(0, 1)


def _like(picture: Picture, painted: Tensor, opaque: Tensor | None) -> Any:  # noqa: ANN401 - of the picture's kind
    """[B, 3, H, W] in 0..1 as what the content was: its kind, shape, place, and bytes where it had bytes."""
    if not isinstance(picture, Tensor | np.ndarray):
        return to_pillow(painted[0].movedim(0, -1), None if opaque is None else opaque[0])
    bytes_wanted = picture.dtype in (torch.uint8, np.uint8)
    values = eight_bits(painted) if bytes_wanted else painted
    values = values if picture.ndim == 4 else values[0]
    return values.movedim(-3, -1).numpy(force=True) if isinstance(picture, np.ndarray) else values.to(picture.device)
