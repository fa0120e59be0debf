"""What the longer clocks know of a series' past: usual contacts by local hour and weekday, and how much they vary.

All as of a local midnight, from 28 days before it. Contacts are taken as Poisson with a rate that is gamma-distributed;
past outliers count less, not nothing (Farrington et al. 1996; Noufaily et al. 2013).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from features.hour_sums import HOURS_A_DAY, LEAST_SHARE, weekday_of
from features.own_bar import UPPER
from features.quantiles import quantile_of_known

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

TOTAL_MEMORY_DAYS: Final = 60
HOUR_MEMORY_DAYS: Final = 28
PRIOR_SHAPE: Final = 1.0
"""Contacts that the mean of all hours counts for in each hour's rate: the shape of the rates' gamma prior."""
PRIOR_CONTACTS: Final = 0.5
"""What is added to a series' contacts (Jeffreys' prior of a Poisson rate): one without any is not at 0."""
PRIOR_WEEKDAY: Final = 2.0
"""Contacts that speak for a weekday like the others."""
OUTLIER_FROM: Final = 2.58
"""Anscombe residual from which a past sum counts less (Noufaily et al. 2013)."""
LEAST_MEAN: Final = 1.0
"""Contacts below which no mean makes a sum an outlier: a single contact in a quiet hour is none."""
MOST_TOLERATED: Final = 1.0
"""Dispersion up to which outliers are looked for: a large one would hide itself in the series' own."""
PEER_DISPERSION: Final = {"hour": 0.5, "day": 0.2}
"""Variance beyond Poisson, as a share of the squared mean, of ordinary series: shipped, never fitted."""
PEER_WEIGHT: Final = {"hour": 4.0, "day": 10.0}
"""Squared contacts that the peers' dispersion counts for."""
LEAST_DISPERSION: Final = 0.0025
MOST_DISPERSION: Final = 50.0
SHIFT_DAYS: Final = 3
"""After so many whole days above the usual the lowest of them is usual."""
NO_DAY: Final = -(10**6)


@dataclass(slots=True, eq=False)
class SumMemory:
    """Sums of the last local days of some series; days ascend along their axis, missing ones at its beginning.

    Attributes
    ----------
    days : int64 [series, 60].
    total, known : float64 [series, 60]; contacts of the day, and known hours.
    hour_highest, day_highest : float64 [series, 60]; what the day's most unusual hour, and the day, reached on their
        clocks (−ln of the tail); NaN where the day had no such score.
    hour_total, hour_known : float64 [series, 28, 24]; contacts and known hours of the newest days by local hour.
    """

    days: Days
    total: Floats
    known: Floats
    hour_highest: Floats
    day_highest: Floats
    hour_total: Floats
    hour_known: Floats

    @classmethod
    def empty(cls, series: int) -> Self:
        """No days."""
        by_day = (np.full((series, TOTAL_MEMORY_DAYS), np.nan) for _ in range(4))
        by_hour = (np.zeros((series, HOUR_MEMORY_DAYS, HOURS_A_DAY)) for _ in range(2))
        return cls(np.full((series, TOTAL_MEMORY_DAYS), NO_DAY, dtype=np.int64), *by_day, *by_hour)

    def append(
        self,
        index: Days,
        day: int,
        hour_total: Floats,
        hour_known: Floats,
        hour_highest: Floats,
        day_highest: Floats,
    ) -> None:
        """Add a day of the series ``index``; arrays are those of :class:`features.profile.DayProfile`."""
        for memory, newest in (
            (self.days, day),
            (self.total, hour_total.sum(axis=1)),
            (self.known, hour_known.sum(axis=1)),
            (self.hour_highest, hour_highest),
            (self.day_highest, day_highest),
            (self.hour_total, hour_total),
            (self.hour_known, hour_known),
        ):
            moved = np.roll(memory[index], -1, axis=1)
            moved[:, -1] = newest
            memory[index] = moved

    def take(self, index: Days) -> SumMemory:
        """Series ``index``, copied."""
        return SumMemory(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


@dataclass(frozen=True, slots=True, eq=False)
class UsualSums:
    """What the longer clocks compare with; all float64.

    Attributes
    ----------
    rate : [series, 24]; usual contacts an hour, by local hour.
    evidence : [series, 24]; contacts that the rate rests on: the shape of its gamma distribution.
    weekday : [series, 7]; factor of a weekday, 0 is Monday.
    hour_dispersion, day_dispersion : [series]; variance beyond Poisson as a share of the squared mean.
    hour_highest, day_highest : [series]; 95 % quantile of what the days reached on the clock, 0 where not known.
    sum_days : [series]; days that are known at least by half.
    """

    rate: Floats
    evidence: Floats
    weekday: Floats
    hour_dispersion: Floats
    day_dispersion: Floats
    hour_highest: Floats
    day_highest: Floats
    sum_days: Floats

    def take(self, index: NDArray[np.int64]) -> UsualSums:
        """Series ``index``."""
        return UsualSums(**{name: getattr(self, name)[index] for name in USUAL_SUMS_FIELDS})


USUAL_SUMS_FIELDS: Final = tuple(field.name for field in fields(UsualSums))
USUAL_SUMS_LISTS: Final = ("rate", "evidence", "weekday")


def usual_sums(memory: SumMemory, day: int, left_out: tuple[Days, Days] | None = None) -> UsualSums:
    """What is usual on local ``day``, from the 28 days before it.

    Parameters
    ----------
    memory : of the series, in their order; no day in it is ``day`` or later.
    left_out : int64 [n] each: series and local days that do not count, because an event on them was determined.
    """
    days = memory.days[:, -HOUR_MEMORY_DAYS:]
    counts = days >= day - HOUR_MEMORY_DAYS
    if left_out is not None and len(left_out[0]):
        place, on = left_out
        row, column = np.nonzero(days[place] == on[:, None])
        counts[place[row], column] = False
    known = np.where(counts[:, :, None], memory.hour_known, 0.0)
    total = np.where(counts[:, :, None], memory.hour_total, 0.0)
    weekday = weekday_of(days)
    model = _Fit(total, known, weekday)
    model.fit_weekdays()
    weights = model.weights()
    model.fit_rates(weights)
    hour_dispersion = _dispersion(total, model.expected, weights, "hour")
    of_day, expected = total.sum(axis=2), model.expected.sum(axis=2)
    day_weights = _weights(of_day, expected, _dispersion(of_day, expected, np.ones_like(of_day), "day"))
    return UsualSums(
        rate=model.rate * _shift(of_day, expected, known.sum(axis=2), days, day)[:, None],
        evidence=model.evidence,
        weekday=model.weekday,
        hour_dispersion=hour_dispersion,
        day_dispersion=_dispersion(of_day, expected, day_weights, "day"),
        hour_highest=_highest(memory.hour_highest[:, -HOUR_MEMORY_DAYS:], counts),
        day_highest=_highest(memory.day_highest[:, -HOUR_MEMORY_DAYS:], counts),
        sum_days=(known.sum(axis=2) >= LEAST_SHARE * HOURS_A_DAY).sum(axis=1).astype(np.float64),
    )


class _Fit:
    """Rates by local hour and factors by weekday, fitted in two passes: all sums alike, then outliers down-weighted.

    Parameters
    ----------
    total, known : float64 [series, days, 24].
    weekday : int64 [series, days].
    """

    def __init__(self, total: Floats, known: Floats, weekday: Days) -> None:
        self._total, self._known = total, known
        self._of_weekday = weekday[:, :, None] == np.arange(7)
        self.weekday = np.ones((len(total), 7))
        self.fit_rates(np.ones_like(total))

    def fit_rates(self, weights: Floats) -> None:
        """Each hour's rate, with the mean of all hours as the mean of its gamma prior."""
        factor = self._factor()[:, :, None]
        seen = (weights * self._total).sum(axis=1)
        exposed = (weights * self._known * factor).sum(axis=1)
        mean = (seen.sum(axis=1) + PRIOR_CONTACTS) / np.maximum(exposed.sum(axis=1), 1.0)
        self.evidence = seen + PRIOR_SHAPE
        self.rate = self.evidence / (exposed + PRIOR_SHAPE / mean[:, None])
        self.expected = self._known * factor * self.rate[:, None, :]

    def fit_weekdays(self) -> None:
        """Each weekday's factor, drawn to 1; where days vary much a weekday's few days say little."""
        seen, expected = self._total.sum(axis=2), self.expected.sum(axis=2)
        dispersion = _dispersion(seen, expected, np.ones_like(seen), "day")
        trust = 1.0 / (1.0 + dispersion[:, None] * expected)
        above, below = (
            PRIOR_WEEKDAY + (np.where(self._of_weekday, (trust * sums)[:, :, None], 0.0)).sum(axis=1)
            for sums in (seen, expected)
        )
        self.weekday = np.asarray(above / below)
        self.fit_rates(np.ones_like(self._total))

    def weights(self) -> Floats:
        """How much each hour's sum counts; float64 [series, days, 24]."""
        dispersion = _dispersion(self._total, self.expected, np.ones_like(self._total), "hour")
        return _weights(self._total, self.expected, dispersion)

    def _factor(self) -> Floats:
        return np.asarray(np.where(self._of_weekday, self.weekday[:, None, :], 0.0).sum(axis=2))


def _dispersion(sums: Floats, expected: Floats, weights: Floats, clock: str) -> Floats:
    """Dispersion by moments, shrunk to the peers' where the sums say little; float64 [series].

    (Σ w ((y − μ)² − μ) + c · peers') / (Σ w μ² + c).
    """
    axes = tuple(range(1, sums.ndim))
    surplus = (weights * ((sums - expected) ** 2 - expected)).sum(axis=axes)
    squares = (weights * expected**2).sum(axis=axes)
    weight = PEER_WEIGHT[clock]
    own = (surplus + weight * PEER_DISPERSION[clock]) / (squares + weight)
    return np.asarray(np.clip(own, LEAST_DISPERSION, MOST_DISPERSION))


def _weights(sums: Floats, expected: Floats, dispersion: Floats) -> Floats:
    """1, or (2.58 / a)² where the Anscombe residual a = 1.5 (y^⅔ − μ^⅔) / (μ^⅙ √(1 + dispersion · μ)) is above 2.58.

    μ is at least 1 contact, and the dispersion at most 1.
    """
    spread = np.minimum(dispersion, MOST_TOLERATED).reshape(-1, *([1] * (sums.ndim - 1)))
    mean = np.maximum(expected, LEAST_MEAN)
    root = np.cbrt(mean)
    residual = 1.5 * (np.cbrt(sums) ** 2 - root**2) / np.sqrt(root * (1.0 + spread * mean))
    return np.where(residual > OUTLIER_FROM, (OUTLIER_FROM / np.maximum(residual, 1e-9)) ** 2, 1.0)


def _shift(seen: Floats, expected: Floats, known: Floats, days: Days, day: int) -> Floats:
    """By how much the usual is raised because the last three days were all above it; 1 for most; float64 [series]."""
    newest = days[:, -SHIFT_DAYS:] == np.arange(day - SHIFT_DAYS, day)
    whole = newest & (known[:, -SHIFT_DAYS:] >= LEAST_SHARE * HOURS_A_DAY)
    ratio = seen[:, -SHIFT_DAYS:] / np.maximum(expected[:, -SHIFT_DAYS:], 1e-9)
    return np.where(whole.all(axis=1), np.maximum(ratio.min(axis=1), 1.0), 1.0)


def _highest(reached: Floats, counts: NDArray[np.bool_]) -> Floats:
    return np.nan_to_num(quantile_of_known(np.where(counts, reached, np.nan), UPPER, least=SHIFT_DAYS))
