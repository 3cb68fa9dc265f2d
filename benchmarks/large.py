"""`python -m brushwork.benchmarks.large NETWORK METHOD MEGAPIXELS WAY THREADS` restyles one picture in this process.

It writes the bytes that the process held at most beside the content and the result, the seconds that it took, and those
that are the style's: what a picture of next to no size takes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from math import isqrt
from time import perf_counter

import torch
from torch import Tensor

from ..methods import MATCHING
from ..methods.protocol import Style
from ..methods.render import render
from ..models.networks.base import ADAIN, StyleNetwork
from ..models.networks.precision import AUTOMATIC, compute_dtype
from ..models.networks.vgg import ADAIN_LEVEL, LEVELS, VGG19
from ..models.registry import load_network
from ..samples import load_sample
from ..tiling.policy import Host, Policy
from ..transfer.wct import WHITENING
from .measure import own_peak
from .networks import random_vgg, small16x

NETWORKS: Mapping[str, Callable[[], StyleNetwork]] = {
    "compact": lambda: load_network("compact"),
    "small16x": small16x,
    "vgg19": lambda: random_vgg(VGG19),
}
"""VGG-19's shape with random weights: they cost what its own would."""
RECIPES = {
    "adain": (MATCHING[ADAIN], {ADAIN_LEVEL: 1.0}),
    "wct": (MATCHING[WHITENING], dict.fromkeys(reversed(LEVELS), 0.6)),
}
TILED, WHOLE = "tiled", "whole"
WAYS = {TILED: Host(), WHOLE: Host(policy=Policy(tile_bytes=1 << 60, tile_pixels=1 << 60, feature_bytes=1 << 60))}


def main(network: str, method: str, megapixels: str, way: str, threads: str) -> None:
    """Restyle noise, and write what it took as JSON."""
    torch.set_num_threads(int(threads))
    # compute_dtype says what a node would choose.
    ready = NETWORKS[network]().prepare(compute_dtype(AUTOMATIC, torch.device("cpu")))
    side = isqrt(round(1e6 * float(megapixels)))
    content = torch.rand(1, side, side, 3).movedim(-1, 1)
    style = Style(load_sample("swirling_night"))
    _, learning = _timed(lambda: _rendered(ready, content[..., :8, :8], style, method, way))
    result, whole = _timed(lambda: _rendered(ready, content, style, method, way))
    figures = {"bytes": own_peak() - _size(content) - _size(result), "seconds": whole - learning, "style": learning}
    sys.stdout.write(json.dumps(figures))


def _rendered(network: StyleNetwork, content: Tensor, style: Style, method: str, way: str) -> Tensor:
    how, strengths = RECIPES[method]
    return render(network, how, content, [style], strengths=strengths, host=WAYS[way])


def _timed(work: Callable[[], Tensor]) -> tuple[Tensor, float]:
    start = perf_counter()
    return work(), perf_counter() - start


def _size(picture: Tensor) -> int:
    return picture.numel() * picture.element_size()


if __name__ == "__main__":
    main(*sys.argv[1:])
