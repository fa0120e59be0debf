"""The operating point: the smallest threshold down to which a past window stayed within what people can read."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Limit:
    """How many groups of flags a window may have; flags of a tenant within ``gap_seconds`` are one group."""

    gap_seconds: int
    most: float


def smallest_threshold(
    tenants: Ints, starts: Ints, scores: NDArray[np.float64], *, within: Sequence[Limit], floor: float
) -> float:
    """Smallest threshold down to which no limit is ever exceeded.

    Merging makes the number of groups fall again at low thresholds, until all is one long episode; so the search goes
    from the highest score down and stops at the first threshold that exceeds a limit.

    Parameters
    ----------
    tenants : int64 [flags]; code of the tenant.
    starts : int64 [flags]; UTC seconds.
    scores : float64 [flags]; only rows that would be flagged were the threshold ``floor`` or less.
    within : the limits of the window.
    floor : never lower than this.

    Returns
    -------
    Threshold on the scale of the scores: the next number above the highest score that is too much, or
    ``floor``. The order of the flags makes no difference.
    """
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    ends_tie = np.append(falling[1:] != falling[:-1], True)
    known: list[dict[int, list[int]]] = [defaultdict(list) for _ in within]
    groups = [0] * len(within)
    for position, row in enumerate(order.tolist()):
        tenant, start = int(tenants[row]), int(starts[row])
        for number, limit in enumerate(within):
            groups[number] += _change(known[number][tenant], start, limit.gap_seconds)
        exceeded = any(group > limit.most for group, limit in zip(groups, within, strict=True))
        if ends_tie[position] and exceeded:
            return max(float(np.nextafter(falling[position], np.inf)), floor)
    return floor


def group_starts(tenants: Ints, starts: Ints, gap_seconds: int) -> NDArray[np.bool_]:
    """Whether each flag begins a group: the tenant's flag before it lies more than ``gap_seconds`` back.

    Parameters
    ----------
    tenants : int64 [flags]; code of the tenant, ascending.
    starts : int64 [flags]; UTC seconds, ascending within a tenant.
    """
    begins = np.ones(len(starts), dtype=bool)
    begins[1:] = (np.diff(tenants) != 0) | (np.diff(starts) > gap_seconds)
    return begins


def count_groups(tenants: Ints, starts: Ints, gap_seconds: int) -> int:
    """Number of groups of flags in any order; arguments as :func:`group_starts`."""
    order = np.lexsort((starts, tenants))
    return int(group_starts(tenants[order], starts[order], gap_seconds).sum())


def _change(starts: list[int], start: int, gap: int) -> int:
    """Add a flag to a tenant's sorted starts; return the change in the number of groups (+1, 0 or −1)."""
    at = bisect_left(starts, start)
    before = at > 0 and start - starts[at - 1] <= gap
    after = at < len(starts) and starts[at] - start <= gap
    joined = at > 0 and at < len(starts) and starts[at] - starts[at - 1] <= gap
    insort(starts, start)
    return 1 - before - after + joined
