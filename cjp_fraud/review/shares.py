"""Shares with a confidence interval: a share of few says little, and the interval says how little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share of cases with its confidence interval, all from 0 to 1.

    Parameters
    ----------
    of : cases that it is a share of; at least one.
    low, high : Wilson's score interval at 95 %.
    """

    count: int
    of: int
    share: float
    low: float
    high: float


def share_of(count: int, of: int) -> Share | None:
    """Return a share with Wilson's interval (Wilson 1927, as in ``scipy.stats.binomtest``); None of nothing."""
    if of == 0:
        return None
    from scipy.stats import binomtest

    interval = binomtest(count, of).proportion_ci(CONFIDENCE, method="wilson")
    return Share(count, of, count / of, float(interval.low), float(interval.high))
