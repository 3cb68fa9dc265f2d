"""Pictures on their way to a GPU and back, beside its work: page-locked copies, which neither side waits for."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

LOCKED_BYTES = 1 << 28
"""Of results that are page-locked themselves; larger ones go by way of copies."""
UNDERWAY = 2
"""Downloads that may be on their way before the oldest is waited for."""


def room_for(shape: tuple[int, ...], device: torch.device | None, source: torch.device) -> Tensor:
    """An empty float32 tensor on `device`, the CPU unless told, for what comes from `source`."""
    on_cpu = device is None or device.type == "cpu"
    locked = on_cpu and source.type == "cuda" and 4 * torch.Size(shape).numel() <= LOCKED_BYTES
    return torch.empty(shape, device=device, pin_memory=locked)


class Transfers:
    """Between the CPU and one device; on any but CUDA plain copies."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._streams = (torch.cuda.Stream(device), torch.cuda.Stream(device)) if device.type == "cuda" else None
        self._underway: deque[tuple[torch.cuda.Event, Tensor, Tensor]] = deque()

    def upload(self, values: Tensor) -> Tensor:
        """`values` [B, 3, H, W] in float32 on the device; from the CPU, whatever the device is at, and in NHWC."""
        if self._streams is None or values.device.type != "cpu":
            return values.to(self._device, torch.float32)
        up, _ = self._streams
        # Straight rows, or torch would make them so in memory that is not locked.
        own = values.movedim(1, -1)
        with torch.cuda.stream(up):
            locked = torch.empty(own.shape, pin_memory=True).copy_(own)
            there = locked.to(self._device, non_blocking=True)
        now = torch.cuda.current_stream(self._device)
        now.wait_stream(up)
        there.record_stream(now)
        return there.movedim(-1, 1)

    def download(self, values: Tensor, result: Tensor) -> None:
        """`values` [B, 3, H, W] of the device into `result`, which has them after `finish`."""
        if self._streams is None or result.device.type != "cpu":
            result.copy_(values)
            return
        _, down = self._streams
        own, place = values.movedim(1, -1).contiguous(), result.movedim(1, -1)
        down.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(down):
            straight = place.is_pinned() and place.is_contiguous()
            locked = place if straight else torch.empty(own.shape, dtype=own.dtype, pin_memory=True)
            locked.copy_(own, non_blocking=True)
            own.record_stream(down)
            event = torch.cuda.Event()
            event.record(down)
        self._underway.append((event, locked, place))
        while len(self._underway) > UNDERWAY:
            self._arrived()

    def finish(self) -> None:
        """Wait for all downloads."""
        while self._underway:
            self._arrived()

    def _arrived(self) -> None:
        event, locked, place = self._underway.popleft()
        event.synchronize()
        if locked is not place:
            place.copy_(locked)
