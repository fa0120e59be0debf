"""How many contacts a tenant expects: the rate of each of its series, and the noise around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cjp_fraud.simulation.cloud import DAY_INTERVALS, STEP_MINUTES, STEP_SECONDS, Cloud, Stream
from cjp_fraud.simulation.countries import COUNTRIES
from cjp_fraud.simulation.local_calendar import LocalCalendar, local_calendar
from cjp_fraud.simulation.series_kinds import SeriesKind, SeriesName
from cjp_fraud.simulation.tenant_profiles import Profile

Floats = npt.NDArray[np.float64]

RAMP_DAYS = 7
"""Days that a launched tenant takes to reach its volume."""

COUNTRY_NOISE = 0.04
"""Spread of the logarithm of what all tenants of a country have in common on a day (weather, news)."""

NOISE_HOURS = (1.0, 6.0)
"""Lengths of the slow noise: values drawn so far apart, joined by straight lines, the sum of both."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What a tenant expects, before noise.

    Attributes
    ----------
    profile, calendar : whose it is, and its local time.
    base : float64[intervals], contacts an interval of a series of volume 1.
    live : first and end of the intervals in which the tenant exists.
    """

    profile: Profile
    calendar: LocalCalendar
    base: Floats
    live: tuple[int, int]

    def rate(self, kind: SeriesKind) -> Floats:
        """Return float64[intervals], expected contacts an interval."""
        return self.base * kind.volume

    def mean_a_minute(self, name: SeriesName) -> float:
        """Return the mean of a series over its live time, contacts a minute; the measure of all volume factors."""
        first, last = self.live
        kind = next(kind for kind in self.profile.series if kind.name == name)
        return float(self.base[first:last].mean()) * kind.volume / STEP_MINUTES if last > first else 0.0


def expected_of(cloud: Cloud, profile: Profile) -> Expected:
    """Return what a tenant expects: weekly shape, year, holidays, growth, launch, changes of level."""
    calendar = local_calendar(cloud, profile.zone, profile.country.code)
    days = np.arange(len(calendar.dates))
    day_of_year = (calendar.dates - calendar.dates.astype("datetime64[Y]")).astype(np.int64)
    of_day = np.exp(profile.growth_a_week * days / 7)
    of_day *= 1 + profile.yearly_swing * np.cos(2 * np.pi * (day_of_year - profile.yearly_peak_day) / 365.25)
    of_day[calendar.holiday] *= profile.holiday_factor
    for day, factor in profile.level_changes:
        of_day[day:] *= factor
    if profile.launched:
        of_day *= np.clip((days - profile.first_day + 1) / RAMP_DAYS, 0, 1)
    base = (profile.contacts_a_day / DAY_INTERVALS) * profile.week_shape[calendar.slot]
    base *= of_day[calendar.day]
    starts = np.append(calendar.day_start, len(base))
    live = int(starts[profile.first_day]), int(starts[min(profile.last_day, len(starts) - 1)])
    return Expected(profile, calendar, base, live)


def tenant_noise(cloud: Cloud, expected: Expected) -> Floats:
    """Return float64[intervals] of mean about 1, the noise that all series of a tenant share.

    The product of a country's day, the tenant's day and waves of hours (log-normal each).
    """
    profile, calendar = expected.profile, expected.calendar
    rng = cloud.random(Stream.NOISE, profile.index)
    days = len(calendar.dates)
    of_day = _country_noise(cloud, COUNTRIES.index(profile.country))[:days]
    of_day = of_day + profile.day_noise * rng.standard_normal(days)
    of_hours = sum(_wave(len(expected.base), hours, rng) for hours in NOISE_HOURS)
    spread = profile.day_noise**2 + profile.hour_noise**2 + COUNTRY_NOISE**2
    noise: Floats = np.exp(of_day[calendar.day] + profile.hour_noise * of_hours - spread / 2)
    return noise


def _wave(intervals: int, hours: float, rng: np.random.Generator) -> Floats:
    """Return float64[intervals], normal numbers some hours apart joined by lines, of variance 1/2 on average."""
    step = hours * 3600 / STEP_SECONDS
    knots = rng.standard_normal(int(intervals / step) + 2) * np.sqrt(0.75)
    wave: Floats = np.interp(np.arange(intervals) / step, np.arange(len(knots)), knots)
    return wave


@lru_cache(maxsize=64)
def _country_noise(cloud: Cloud, country: int) -> Floats:
    """Return float64[days] (two more than the span: local days at its edges), logarithms."""
    rng = cloud.random(Stream.COUNTRY, country)
    return COUNTRY_NOISE * rng.standard_normal(7 * cloud.weeks + 2)
