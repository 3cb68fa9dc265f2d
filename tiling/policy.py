"""Every limit of tiles in one place, and what a loop over tiles needs of whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..models.networks.base import StyleNetwork

OUT_OF_MEMORY = ("DefaultCPUAllocator", "out of memory", "STATUS_ALLOC_FAILED")
"""What errors of the CPU, of MPS, and of CUDA and its libraries say."""
LIVE_MAPS = 3
"""Maps of a network's widest layer that are alive at once."""


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory is full, on a GPU or on the CPU."""
    return isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) or any(x in str(error) for x in OUT_OF_MEMORY)


@dataclass(frozen=True)
class Policy:
    """How much is computed at once."""

    tile_bytes: int = 3 << 28
    """That a tile batch may take: more would not be faster, and interrupting would be slower."""
    tile_pixels: int = 1 << 22
    """That go through a network at once, whatever the memory."""
    whole_bytes: int = 1 << 32
    """That a picture may take which cannot be cut, or only at the price of many passes."""
    feature_bytes: int = 1 << 30
    """Of a feature map that may be kept."""
    minimum_side: int = 64
    """Pixels of a side that is not cut any more."""

    @staticmethod
    def within(free: int, device: torch.device | None = None) -> Policy:
        """For a device with `free` bytes: half of them at most for each kind of use.

        A GPU is as good as its tiles are large, and done with any of them before a person would interrupt it: there a
        sixth of what is free is a tile's, a quarter the features'.
        """
        usual = Policy()
        if device is not None and device.type == "cuda":
            return Policy(tile_bytes=free // 6, tile_pixels=1 << 24, whole_bytes=free // 2, feature_bytes=free // 4)
        tile, features = min(usual.tile_bytes, free // 2), min(usual.feature_bytes, free // 2)
        return Policy(tile_bytes=tile, whole_bytes=free // 2, feature_bytes=features)

    def pixels(self, network: StyleNetwork) -> int:
        """That a tile batch may have with its margins."""
        return min(self.tile_pixels, self.tile_bytes // _pixel_bytes(network))

    def whole_pixels(self, network: StyleNetwork) -> int:
        """That a picture may have which had better not be cut."""
        return self.whole_bytes // _pixel_bytes(network)


@dataclass(frozen=True)
class Host:
    """Device, memory, progress and interruption."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    """Where networks are; pictures stay where they lie, and their tiles travel."""
    progress: Callable[[int, int], None] = lambda done, total: None
    """Told before every tile batch how many pixels are done of how many; it raises to stop."""
    show: Callable[[Callable[[], Tensor]], None] | None = None
    """Given, after every tile batch, a way to see the picture [1, 3, h, w] as far as it is painted, made small."""
    interrupt: Callable[[], None] = lambda: None
    """Called before every convolution, since a tile batch may take seconds (but for CUDA, where it does not); it raises
    to stop."""
    empty_cache: Callable[[], None] = lambda: None
    """Gives memory back before the next try."""
    is_full: Callable[[Exception], bool] = out_of_memory
    policy: Policy = field(default_factory=Policy)


def _pixel_bytes(network: StyleNetwork) -> int:
    return LIVE_MAPS * network.peak_channels * network.dtype.itemsize
