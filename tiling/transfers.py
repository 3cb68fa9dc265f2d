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
        self._aside = device.type == "cuda"
        self._up, self._down = (torch.cuda.Stream(device) if self._aside else None for _ in range(2))
        self._underway: deque[tuple[torch.cuda.Event, Tensor, Tensor]] = deque()

    def upload(self, values: Tensor) -> Tensor:
        """`values` in float32 on the device: a copy starts at once, whatever the device is at."""
        if not self._aside or values.device.type != "cpu":
            return values.to(self._device, torch.float32)
        with torch.cuda.stream(self._up):
            there = values.float().pin_memory().to(self._device, non_blocking=True)
        now = torch.cuda.current_stream(self._device)
        now.wait_stream(self._up)
        there.record_stream(now)
        return there

    def download(self, values: Tensor, result: Tensor) -> None:
        """`values` of the device into `result`, which has them after `finish`."""
        if not self._aside or result.device.type != "cpu":
            result.copy_(values)
            return
        self._down.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._down):
            locked = result if result.is_pinned() else torch.empty_like(result, pin_memory=True)
            locked.copy_(values, non_blocking=True)
            values.record_stream(self._down)
            event = torch.cuda.Event()
            event.record(self._down)
        self._underway.append((event, locked, result))
        while len(self._underway) > UNDERWAY:
            self._arrived()

    def finish(self) -> None:
        """Wait for all downloads."""
        while self._underway:
            self._arrived()

    def _arrived(self) -> None:
        event, locked, result = self._underway.popleft()
        event.synchronize()
        if locked is not result:
            result.copy_(locked)
