"""Synthetic series that go wrong in the ways of real ones: six wild kinds, one of zeros, and dense ones with
bursts.

Each function gives contacts per minute; :func:`gridded` makes traffic of them. The kinds are those of which
the reference measured that they reproduce what goes wrong on unseen wild tenants.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Minutes = NDArray[np.int64]
MINUTES_A_DAY = 1440
START = pd.Timestamp("2015-02-27", tz="UTC")


def sparse_bursts(days: int, rng: np.random.Generator) -> Minutes:
    """Silence, and now and then a few minutes of log-normal size."""
    minutes = np.zeros(days * MINUTES_A_DAY)
    for at in np.flatnonzero(rng.random(len(minutes)) < 6 / MINUTES_A_DAY):
        length = int(rng.integers(1, 15))
        minutes[at : at + length] += rng.lognormal(1.0, 1.2, size=len(minutes[at : at + length]))
    return np.rint(minutes).astype(np.int64)


def overdispersed(days: int, rng: np.random.Generator) -> Minutes:
    """Negative-binomial counts over a daily curve, with far more variance than mean."""
    mean = 4.0 * daily_curve(days)
    return rng.negative_binomial(0.4, 0.4 / (0.4 + mean)).astype(np.int64)


def telegraph(days: int, rng: np.random.Generator) -> Minutes:
    """A source that is on or off for hours at random."""
    n = days * MINUTES_A_DAY
    switches = rng.random(n) < 1 / 300
    on = np.cumsum(switches) % 2
    return rng.poisson(on * 12.0 + 0.05).astype(np.int64)


def heavy_noise(days: int, rng: np.random.Generator) -> Minutes:
    """Student-t noise of three degrees of freedom around a daily curve."""
    mean = 20.0 * daily_curve(days)
    return np.rint(np.maximum(mean + 4.0 * rng.standard_t(3.0, size=len(mean)), 0)).astype(np.int64)


def level_shifts(days: int, rng: np.random.Generator) -> Minutes:
    """A level that jumps to another one every few days."""
    n = days * MINUTES_A_DAY
    jumps = np.flatnonzero(rng.random(n) < 1 / (2.5 * MINUTES_A_DAY))
    level = np.repeat(
        rng.lognormal(2.0, 0.8, size=len(jumps) + 1), np.diff(np.concatenate([[0], jumps, [n]]))
    )
    return rng.poisson(level * (0.4 + 0.6 * daily_curve(days))).astype(np.int64)


def jittered_job(days: int, rng: np.random.Generator) -> Minutes:
    """Light traffic, and a nightly job of a few minutes that starts within an hour or so of 02:00."""
    minutes = rng.poisson(2.0 * daily_curve(days)).astype(np.int64)
    for day in range(days):
        at = day * MINUTES_A_DAY + 120 + int(rng.integers(-45, 46))
        length = int(rng.integers(4, 12))
        minutes[at : at + length] += rng.poisson(60.0, size=len(minutes[at : at + length]))
    return minutes


def mostly_zero(days: int, rng: np.random.Generator) -> Minutes:
    """Counts of which 95 % of the five-minute intervals are zero."""
    n = days * MINUTES_A_DAY // 5
    bins = np.where(rng.random(n) < 0.05, rng.geometric(0.4, size=n), 0)
    minutes = np.zeros((n, 5), dtype=np.int64)
    minutes[np.arange(n), rng.integers(0, 5, size=n)] = bins
    return minutes.ravel()


WILD = {
    "sparse-bursts": sparse_bursts,
    "overdispersed": overdispersed,
    "telegraph": telegraph,
    "heavy-noise": heavy_noise,
    "level-shifts": level_shifts,
    "jittered-job": jittered_job,
    "mostly-zero": mostly_zero,
}


def wild(days: int, seed: int = 0) -> dict[str, Minutes]:
    """The seven wild series, each of its own generator, so that one more changes none of the others."""
    seeds = np.random.SeedSequence(seed).spawn(len(WILD))
    return {
        name: make(days, np.random.default_rng(source))
        for (name, make), source in zip(WILD.items(), seeds, strict=True)
    }


def dense(series: int, days: int, seed: int = 0) -> dict[str, Minutes]:
    """Dense series: a daily curve of their own, a wandering level, counts more spread than Poisson's."""
    made = {}
    for number, source in enumerate(np.random.SeedSequence(seed).spawn(series)):
        rng = np.random.default_rng(source)
        mean = rng.lognormal(4.0, 1.0) * (0.15 + 0.85 * daily_curve(days, phase=rng.random()))
        slow = np.repeat(np.exp(_wandering(days * 96, rng)), 15)
        shape = rng.uniform(10.0, 100.0)
        made[f"dense-{number:03d}"] = rng.poisson(mean * slow * rng.gamma(shape, 1 / shape, size=len(mean)))
    return made


def inject(minutes: Minutes, at: int, length: int, share: float, rng: np.random.Generator) -> None:
    """Add a burst of ``share`` of the day's mean count for ``length`` minutes from ``at``, in place."""
    day = at // MINUTES_A_DAY * MINUTES_A_DAY
    mean = minutes[day : day + MINUTES_A_DAY].mean()
    minutes[at : at + length] += rng.poisson(share * mean, size=length)


def daily_curve(days: int, phase: float = 0.0) -> NDArray[np.float64]:
    """Between 0 at night and 1 by day, per minute."""
    hours = np.arange(days * MINUTES_A_DAY) / 60.0
    return (0.5 - 0.5 * np.cos(2 * np.pi * (hours / 24.0 - phase))) ** 1.5


def gridded(
    series: Mapping[str, Minutes], *, start: pd.Timestamp = START, with_peak: bool = True
) -> pd.DataFrame:
    """Five-minute traffic of minute counts, one tenant a series, outbound voice."""
    frames = []
    for name, minutes in series.items():
        bins = minutes[: len(minutes) // 5 * 5].reshape(-1, 5)
        frames.append(
            pd.DataFrame(
                {
                    "tenant_id": name,
                    "channel": "voice",
                    "direction": "outbound",
                    "application_id": None,
                    "interval_seconds": 300,
                    "interval_start": pd.date_range(start, periods=len(bins), freq="5min"),
                    "contacts_offered": bins.sum(axis=1),
                    "contacts_peak": bins.max(axis=1).astype(np.float64) if with_peak else np.nan,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _wandering(steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    level = np.empty(steps)
    value = 0.0
    for step, noise in enumerate(rng.normal(0.0, 0.015, size=steps)):
        value = 0.99 * value + noise
        level[step] = value
    return level
