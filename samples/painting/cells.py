"""Cells round sites: the stuff of leaded glass and of mosaics."""

from dataclasses import dataclass

import numpy as np

from .canvas import Array, Indices


@dataclass(frozen=True)
class Cells:
    """Per pixel `[n, n]`: the nearest site's index, and how far the border with the next cell is, in pixels."""

    owner: Indices
    border: Array


def voronoi(sites: Array, n: int, reach: float) -> Cells:
    """Cells of `sites` `[s, 2]` (x, y in pixels) on `n` by `n` pixels; no cell goes further than `reach` pixels."""
    first, second = (np.full((n, n), 1e12, dtype=np.float32) for _ in range(2))
    owner, other = (np.zeros((n, n), dtype=np.int32) for _ in range(2))
    for index, (cx, cy) in enumerate(sites.tolist()):
        box = window(cx, cy, reach, n)
        y, x = np.ogrid[box]
        squared = ((x - cx) ** 2 + (y - cy) ** 2).astype(np.float32)
        nearer, next_ = squared < first[box], squared < second[box]
        other[box] = np.where(nearer, owner[box], np.where(next_, index, other[box]))
        second[box] = np.where(nearer, first[box], np.minimum(second[box], squared))
        owner[box] = np.where(nearer, index, owner[box])
        first[box] = np.minimum(first[box], squared)
    apart = np.linalg.norm(sites[owner] - sites[other], axis=-1)
    return Cells(owner, (second - first) / np.maximum(2 * apart, 1e-3))


def window(cx: float, cy: float, reach: float, n: int) -> tuple[slice, slice]:
    """Rows and columns of the square of half side `reach` round a place, cut at the canvas."""
    return (
        slice(max(0, int(cy - reach)), max(0, min(n, int(cy + reach) + 1))),
        slice(max(0, int(cx - reach)), max(0, min(n, int(cx + reach) + 1))),
    )
