"""A tenant's local time: slot of the week, day, holidays, and the moments when the clock changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from cjp_fraud.simulation.cloud import DAY_INTERVALS, STEP_MINUTES, Cloud

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class When(StrEnum):
    """Parts of the local week at which events begin."""

    NIGHT = "night"
    WEEKEND = "weekend"
    OFF_HOURS = "off_hours"
    BUSINESS = "business"
    MORNING = "morning"
    DAYTIME = "daytime"
    ANY = "any"


@dataclass(frozen=True, slots=True, eq=False)
class LocalCalendar:
    """The simulated span in one zone and country.

    Attributes
    ----------
    slot : int64[intervals], 5-minute slot of the local week, 0 is Monday 00:00; repeats where the clock is put back.
    day : int64[intervals], local day counted from that of the first interval.
    dates : datetime64[D][days].
    weekday : int64[days], 0 is Monday.
    holiday : bool[days].
    day_start : int64[days], first interval of each day.
    changes : int64, intervals at which the clock is put back by an hour.
    """

    slot: Ints
    day: Ints
    dates: npt.NDArray[np.datetime64]
    weekday: Ints
    holiday: Bools
    day_start: Ints
    changes: Ints

    def within(self, when: When) -> Bools:
        """Return bool[intervals]: which intervals lie in a part of the week (22:00 to 06:00 is night)."""
        hour = self.slot % DAY_INTERVALS * STEP_MINUTES / 60
        weekday = self.slot // DAY_INTERVALS
        night = (hour >= 22) | (hour < 6)
        weekend = (weekday >= 5) | ((weekday == 4) & (hour >= 18))
        free = weekend | self.holiday[self.day]
        parts: dict[When, Bools] = {
            When.NIGHT: night,
            When.WEEKEND: weekend,
            When.OFF_HOURS: night | free,
            When.BUSINESS: (hour >= 9) & (hour < 17) & ~free,
            When.MORNING: (hour >= 9) & (hour < 11) & ~free,
            When.DAYTIME: (hour >= 8) & (hour < 21),
            When.ANY: np.ones(len(hour), bool),
        }
        return parts[when]


def local_calendar(cloud: Cloud, zone: str, country: str) -> LocalCalendar:
    """Return the span of a cloud as people in a zone and country live it; kept for the next caller."""
    return _local_calendar(cloud.start, cloud.intervals, zone, country)


@lru_cache(maxsize=64)
def _local_calendar(start: date, intervals: int, zone: str, country: str) -> LocalCalendar:
    utc = pd.date_range(pd.Timestamp(start, tz="UTC"), periods=intervals, freq="5min")
    local = utc.tz_convert(zone).tz_localize(None).to_numpy().astype("datetime64[s]")
    midnight = local.astype("datetime64[D]")
    dates, day_start, day = np.unique(midnight, return_index=True, return_inverse=True)
    weekday = (dates.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    in_day = (local - midnight).astype(np.int64) // (60 * STEP_MINUTES)
    feasts = _holidays(country, int(str(dates[0])[:4]), int(str(dates[-1])[:4]))
    return LocalCalendar(
        slot=weekday[day] * DAY_INTERVALS + in_day,
        day=day,
        dates=dates,
        weekday=weekday,
        holiday=np.isin(dates, np.array(sorted(feasts), "datetime64[D]")),
        day_start=day_start,
        changes=np.flatnonzero(np.diff(local.astype(np.int64)) < 0) + 1,
    )


@cache
def _holidays(country: str, first_year: int, last_year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=range(first_year, last_year + 1)))


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)
