"""The smallest threshold that keeps the episodes of a past window within a budget."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray


def smallest_threshold(
    tenants: NDArray[np.int64],
    starts: NDArray[np.int64],
    scores: NDArray[np.float64],
    *,
    budget: float,
    gap_seconds: int,
    floor: float,
) -> float:
    """Smallest threshold down to which the number of episodes never exceeds the budget.

    Merging makes that number fall again at low thresholds, until all is one long episode; so the search goes
    from the highest score down and stops at the first threshold that exceeds the budget.

    Parameters
    ----------
    tenants : int64 [flags]; code of the tenant.
    starts : int64 [flags]; UTC seconds.
    scores : float64 [flags]; only rows that would be flagged were the threshold ``floor`` or less.
    budget : episodes allowed in the window.
    gap_seconds : flags of a tenant within it are one episode.
    floor : never lower than this.

    Returns
    -------
    Threshold on the scale of the scores: the next number above the highest score that is too much, or
    ``floor``.
    """
    order = np.argsort(-scores, kind="stable")
    known: dict[int, list[int]] = defaultdict(list)
    episodes = 0
    for position, row in enumerate(order.tolist()):
        episodes += _change(known[int(tenants[row])], int(starts[row]), gap_seconds)
        ends_tie = position + 1 == len(order) or scores[order[position + 1]] != scores[row]
        if ends_tie and episodes > budget:
            return max(float(np.nextafter(scores[row], np.inf)), floor)
    return floor


def _change(starts: list[int], start: int, gap: int) -> int:
    """Add a flag to a tenant's sorted starts; return the change in the number of episodes (+1, 0 or −1)."""
    at = bisect_left(starts, start)
    before = at > 0 and start - starts[at - 1] <= gap
    after = at < len(starts) and starts[at] - start <= gap
    joined = at > 0 and at < len(starts) and starts[at] - starts[at - 1] <= gap
    insort(starts, start)
    return 1 - before - after + joined
