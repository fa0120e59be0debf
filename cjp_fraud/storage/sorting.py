"""Sorting and grouping rows by integer keys, all rows at once."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
LARGEST_PACKED = 2**62


def sort_order(*keys: Integers) -> Integers:
    """Return the stable order of rows by several keys, the most significant first (int64, shape (rows,))."""
    count = len(keys[0])
    if count == 0:
        return np.zeros(0, np.int64)
    lows = [int(key.min()) for key in keys]
    widths = [int(key.max()) - low + 1 for key, low in zip(keys, lows, strict=True)]
    if math.prod(widths) > LARGEST_PACKED:
        return np.lexsort(keys[::-1]).astype(np.int64)
    packed = np.zeros(count, np.int64)
    for key, low, width in zip(keys, lows, widths, strict=True):
        packed = packed * width + (key - low)
    if bool((packed[1:] >= packed[:-1]).all()):
        return np.arange(count)
    return packed.argsort(kind="stable")


def group_starts(*keys: npt.NDArray[np.generic]) -> Integers:
    """Return where a new group begins in keys that are already sorted (int64, shape (groups,))."""
    count = len(keys[0])
    new = np.zeros(count, bool)
    if count:
        new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def group_sizes(starts: Integers, count: int) -> Integers:
    """Return the number of rows of each group (int64, shape (groups,))."""
    return np.diff(np.append(starts, count))
