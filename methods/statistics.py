"""Whose statistics an operator is fitted to: each picture's, the whole batch's, or those of frames close in time."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from torch import Tensor

from ..tiling.features import Kind, Statistics, statistics_of
from ..tiling.plan import Box
from ..transfer.temporal import TemporalWindow, smoothed

PER_IMAGE, WHOLE_BATCH, SMOOTHED = "per image", "whole batch", "smoothed over time"
STATISTICS = (PER_IMAGE, WHOLE_BATCH, SMOOTHED)


def statistics_of_map(kind: Kind, values: Tensor, weights: Tensor | None) -> Statistics:
    """Statistics of a whole map [B, C, h, w], weighted [1 or B, 1, h, w]."""
    box = Box(0, 0, values.shape[-2], values.shape[-1])
    return statistics_of(kind, values, weights, box, box.area)


def pooled_content(
    content: Any,  # noqa: ANN401 - statistics of any kind, and the same again
    statistics: str,
    window: TemporalWindow | None = None,
    key: Hashable = None,
) -> Any:  # noqa: ANN401
    """The content's statistics [B] over what `statistics`, one of STATISTICS, says; over the batch they are [1].

    A `window` goes on from a video's last frames; `key` tells several statistics of one window apart.
    """
    return smoothed(content, window, key) if statistics == SMOOTHED else pooled_style(content, statistics)


def pooled_style(style: Any, statistics: str) -> Any:  # noqa: ANN401 - as above
    """The styles' statistics [1 or B] likewise: time is the content's alone."""
    return style.over_batch() if statistics == WHOLE_BATCH else style
