"""Counts of contacts by the minute, drawn around an expected rate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cjp_fraud.simulation.cloud import STEP_MINUTES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.float32]

EXACT_BELOW = 20.0
"""Contacts an interval up to which each contact is thrown into a minute; above, each minute is a rounded quantile."""


def draw_minutes(rate: Floats, clumping: float, rng: np.random.Generator) -> Ints:
    """Draw Poisson counts by the minute; offered contacts are their sum and the peak is their largest.

    A share ``clumping`` of the contacts falls into one minute of the interval, drawn evenly, the rest evenly into all
    five. Below 20 contacts an interval this is exact: the interval is Poisson, and each contact is thrown into a minute
    (multinomial). Above, each minute is the quantile of a normal number in the Cornish-Fisher expansion of the Poisson
    law to its second order, λ + z √λ + (z² − 1) / 6 + (z − z³) / (72 √λ), rounded (Fisher and Cornish 1960).
    From 4 contacts a minute on, the chance of what lies beyond the 1e-3 quantile is right to a fifth, beyond the 1e-4
    quantile to a third.

    Parameters
    ----------
    rate : float64[intervals], contacts an interval, noise included.
    clumping : 0 to 1.

    Returns
    -------
    int64[5, intervals].
    """
    size = len(rate)
    busy = rng.integers(0, STEP_MINUTES, size=size, dtype=np.int8).astype(np.int64)
    large = rate >= EXACT_BELOW
    totals = rng.poisson(np.where(large, 0.0, rate))
    where = np.repeat(np.arange(size), totals)
    thrown = rng.random(len(where), dtype=np.float32)
    spread = (thrown - clumping) * np.float32(STEP_MINUTES / (1 - clumping)) if clumping < 1 else thrown * 0
    minute = np.where(thrown < clumping, busy[where], np.minimum(spread.astype(np.int64), STEP_MINUTES - 1))
    minutes = np.bincount(minute * size + where, minlength=STEP_MINUTES * size).reshape(STEP_MINUTES, size)
    if large.any():
        minutes[:, large] = _large_minutes(rate[large], busy[large], clumping, rng)
    return minutes


def _large_minutes(rate: Floats, busy: Ints, clumping: float, rng: np.random.Generator) -> Ints:
    mean = np.repeat(rate[None] * ((1 - clumping) / STEP_MINUTES), STEP_MINUTES, axis=0)
    mean[busy, np.arange(len(rate))] += clumping * rate
    z = rng.standard_normal(mean.shape, dtype=np.float32)
    # Rounding adds 1/12 to a variance, so that much less is drawn.
    root = np.sqrt(mean - 1 / 12)
    quantile = mean + root * z + (z * z - 1) / 6 + (z - z**3) / (72 * root)
    minutes: Ints = np.maximum(np.rint(quantile), 0).astype(np.int64)
    return minutes


def share_of(counts: Small, share: float, z: Small) -> Small:
    """Return whole numbers near a binomial draw: its mean and spread, from a normal number, cut to 0 … counts.

    For the columns beside the counts, which no detector scores: a draw of numpy's takes ten times as long.
    """
    drawn = counts * np.float32(share)
    drawn += np.sqrt(drawn * np.float32(1 - share)) * z
    np.rint(drawn, out=drawn)
    np.maximum(drawn, 0, out=drawn)
    np.minimum(drawn, counts, out=drawn)
    return drawn
