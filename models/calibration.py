"""Step 10: pooled calibration, from the final statistic to log survival, through histograms of other days.

The histogram's bins are fixed, so days, buckets and series add up; above the 99.5 % quantile an exponential
tail takes over, so that p never reaches zero and never ceases to fall.
"""

from __future__ import annotations

from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LOWEST: Final = 1e-4
BINS_A_DECADE: Final = 40
EDGES: Final[Floats] = np.concatenate(
    [[0.0], 10.0 ** (np.arange(10 * BINS_A_DECADE + 1) / BINS_A_DECADE + np.log10(LOWEST))]
)
"""Bin 0 of a histogram is s′ ≤ 0; bin i ≥ 1 is (EDGES[i − 1], EDGES[i]], the last one open above."""
BINS: Final = len(EDGES)
TAIL_FROM: Final = 0.005
LEAST_ROWS: Final = 2000
UNCENSORED: Final = 0.9
"""Share of the tail's exceedances that count by their size."""
LN10: Final = float(np.log(10.0))


def histogram(statistic: Floats) -> Counts:
    """Count statistics into the fixed bins; NaN counts nowhere; int64 [BINS]."""
    return np.bincount(bin_of(statistic[~np.isnan(statistic)]), minlength=BINS)


def bin_of(statistic: Floats) -> Counts:
    """Bin of each statistic; int64."""
    return np.minimum(np.searchsorted(EDGES, statistic, side="left"), BINS - 1)


class PooledCalibration(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Survival function of a pooled histogram with an exponential tail.

    Parameters
    ----------
    tail_from : survival at which the tail begins.

    Attributes
    ----------
    log_survival_ : float64 [BINS]; natural log of the share of rows above each edge.
    tail_edge_ : int; the edge at which the tail begins.
    tail_scale_ : float; the tail's scale, in units of the statistic.

    Examples
    --------
    >>> import numpy as np
    >>> pool = histogram(np.random.default_rng(0).exponential(size=100_000))
    >>> calibration = PooledCalibration().fit(pool)
    >>> float(np.exp(calibration.log_survival(np.array([4.6])))[0].round(3))
    0.01
    """

    def __init__(self, tail_from: float = TAIL_FROM) -> None:
        self.tail_from = tail_from

    def fit(self, counts: Counts, y: None = None) -> Self:
        """Fit on pooled counts.

        Parameters
        ----------
        counts : int64 [BINS], from :func:`histogram`, summed.
        y : ignored.

        Raises
        ------
        ValueError
            If the pool is empty or has other bins.
        """
        if counts.shape != (BINS,):
            raise ValueError(f"a histogram has {BINS} bins, got an array of {counts.shape}")
        n = int(counts.sum())
        if n == 0:
            raise ValueError("the pool is empty; use the shipped calibration")
        # One row more than was seen, spread evenly: no bin is flat, and p is never under 1 / (n + 1) by
        # counting.
        mass = counts + np.concatenate([[0.0], np.full(BINS - 1, 1.0 / (BINS - 1))])
        above = np.concatenate([np.cumsum(mass[:0:-1])[::-1], [0.0]])
        survival = above / (n + 1.0)
        edge = int(np.flatnonzero(survival >= min(self.tail_from, survival[0]))[-1])
        self.tail_edge_ = edge
        self.tail_scale_ = _tail_scale(counts, edge)
        with np.errstate(divide="ignore"):
            self.log_survival_ = np.log(survival)
        return self

    def log_survival(self, statistic: Floats) -> Floats:
        """Natural log of P(S > s): 0 for s ≤ 0, strictly falling above.

        Parameters
        ----------
        statistic : float64, any shape; NaN stays NaN.
        """
        check_is_fitted(self, "log_survival_")
        flat = np.ascontiguousarray(statistic, dtype=np.float64).ravel()
        above = np.maximum(np.nan_to_num(flat, nan=0.0, posinf=np.finfo(np.float64).max), 0.0)
        edge = self.tail_edge_
        right = np.minimum(np.searchsorted(EDGES, above, side="left"), edge)
        left = np.maximum(right - 1, 0)
        width = np.where(right > left, EDGES[right] - EDGES[left], 1.0)
        low, high = self.log_survival_[left], self.log_survival_[right]
        inside = low + (high - low) * ((above - EDGES[left]) / width)
        tail = self.log_survival_[edge] - (above - EDGES[edge]) / self.tail_scale_
        result = np.where(above > EDGES[edge], tail, inside)
        result = np.where(above <= 0.0, 0.0, result)
        return np.where(np.isnan(flat), np.nan, result).reshape(np.shape(statistic))


def score_of(log_p: Floats) -> Floats:
    """−log10 p from the natural logarithm of p; not capped."""
    return -log_p / LN10 + 0.0


def p_of(log_p: Floats) -> Floats:
    """p itself, never 0: at least the smallest positive number, where the score still tells rows apart."""
    with np.errstate(under="ignore"):
        return np.maximum(np.exp(log_p), np.nextafter(0.0, 1.0))


def _tail_scale(counts: Counts, edge: int) -> float:
    """Mean excess of an exponential tail from exceedances of which the top tenth counts by number, not by
    size.

    The maximum-likelihood estimate under type II censoring, Σ min(excess, c) / #(excess ≤ c): nothing is
    trimmed, and one attack of a thousand times the usual does not blind the calibration of everyone for a
    week.
    """
    beyond = counts[edge + 1 :]
    total = int(beyond.sum())
    if total == 0:
        return float(EDGES[edge + 1] - EDGES[edge])
    censored_from = int(np.flatnonzero(np.cumsum(beyond) >= UNCENSORED * total)[0])
    centres = (EDGES[edge:-1] + EDGES[edge + 1 :]) / 2 - EDGES[edge]
    whole = beyond[: censored_from + 1]
    limit = EDGES[edge + 1 + censored_from] - EDGES[edge]
    size = float((whole * centres[: censored_from + 1]).sum()) + (total - int(whole.sum())) * float(limit)
    return size / float(whole.sum())
