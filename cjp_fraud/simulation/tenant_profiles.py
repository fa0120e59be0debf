"""Tenants as drawn: size, opening hours, place, growth, and what is irregular about each.

Tenants come in pairs (0 and 1, 2 and 3, …) that have the same size, opening hours and series, so that a fraud of one
and a benign event of the other can be compared. All else is each tenant's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cjp_fraud.simulation.cloud import DAY_INTERVALS, WEEK_INTERVALS, Cloud, Stream
from cjp_fraud.simulation.countries import COUNTRIES, Country
from cjp_fraud.simulation.series_kinds import SERIES_KINDS, SeriesKind

FEEDS = 8
"""Sources that deliver the traffic; when one fails, the rows of its tenants are missing together."""

CARRIERS = 6
"""Carriers of outbound voice and sms."""


class Opening(StrEnum):
    """When a tenant works."""

    BUSINESS = "business"
    EXTENDED = "extended"
    ALWAYS = "always"
    NIGHT = "night"


_OPENINGS = (Opening.BUSINESS, Opening.EXTENDED, Opening.ALWAYS, Opening.NIGHT)
_OPENING_SHARES = (0.6, 0.2, 0.15, 0.05)


@dataclass(frozen=True, slots=True)
class NightlyJob:
    """A job that makes contacts every night at a minute that varies.

    Attributes
    ----------
    minute : after local midnight, on average.
    jitter : standard deviation, minutes.
    length : minutes.
    contacts_a_minute : while it runs.
    """

    minute: float
    jitter: float
    length: int
    contacts_a_minute: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A tenant as drawn.

    Attributes
    ----------
    index : its number; the id is made of it.
    contacts_a_day : mean of its largest series before growth; 1 to some 300,000.
    opening : when it works.
    series : what it has.
    country, zone : where it is.
    feed, carrier : which source delivers its rows, and who carries its outbound voice and sms.
    week_shape : float64[2016], mean 1.
    holiday_factor : volume of a holiday against an ordinary day.
    yearly_swing, yearly_peak_day : size of the yearly wave, and the day of the year of its top.
    growth_a_week : of the logarithm of the volume.
    first_day, last_day : live days, counted from the first; a launch or the end of a contract lies inside the span.
    launched : whether it began inside the span, which then ramps up for a week.
    level_changes : days and factors at which the level changes for good (clients won and lost).
    day_noise, hour_noise : spread of the logarithm from day to day, and of the noise that lasts some hours.
    clumping : share of an interval's contacts that fall into one minute of it.
    job : the nightly job; None: none.
    gap_rate : chance that an interval begins a gap.
    late_rate : chance that an interval begins a stretch that is delivered late.
    """

    index: int
    contacts_a_day: float
    opening: Opening
    series: tuple[SeriesKind, ...]
    country: Country
    zone: str
    feed: int
    carrier: int
    week_shape: npt.NDArray[np.float64]
    holiday_factor: float
    yearly_swing: float
    yearly_peak_day: float
    growth_a_week: float
    first_day: int
    last_day: int
    launched: bool
    level_changes: tuple[tuple[int, float], ...]
    day_noise: float
    hour_noise: float
    clumping: float
    job: NightlyJob | None
    gap_rate: float
    late_rate: float

    @property
    def tenant_id(self) -> str:
        """Its id in traffic, tenants file and truth."""
        return tenant_id_of(self.index)


def tenant_id_of(index: int) -> str:
    """Return the id of a tenant by its number."""
    return f"sim-{index:06d}"


@lru_cache(maxsize=256)
def draw_profile(cloud: Cloud, index: int) -> Profile:
    """Draw a tenant, the same whichever others are drawn; the last are kept, because pairs ask for each other."""
    size, opening, series = _draw_pair(cloud, index // 2)
    rng = cloud.random(Stream.TENANT, index)
    weights = np.array([country.weight for country in COUNTRIES])
    country = COUNTRIES[rng.choice(len(COUNTRIES), p=weights / weights.sum())]
    zone = country.zones[rng.integers(len(country.zones))]
    days = 7 * cloud.weeks
    launched, ends = rng.random() < 0.08, rng.random() < 0.05
    first_day = int(rng.uniform(0.1, 0.6) * days) if launched else 0
    last_day = int(rng.uniform(0.7, 1.0) * days) if ends else days + 1
    return Profile(
        index=index,
        contacts_a_day=size,
        opening=opening,
        series=series,
        country=country,
        zone=zone,
        feed=int(rng.integers(FEEDS)),
        carrier=int(rng.integers(CARRIERS)),
        week_shape=_week_shape(opening, rng),
        holiday_factor=float(
            rng.uniform(0.05, 0.4) if opening is Opening.BUSINESS else rng.uniform(0.5, 1.3)
        ),
        yearly_swing=float(rng.uniform(0.0, 0.25)),
        yearly_peak_day=float(rng.normal(340, 45)),
        growth_a_week=float(rng.normal(0.004, 0.008)),
        first_day=first_day,
        last_day=last_day,
        launched=launched,
        level_changes=_level_changes(days, rng),
        day_noise=float(rng.uniform(0.02, 0.15)),
        hour_noise=float(rng.uniform(0.03, 0.2)),
        clumping=float(rng.uniform(0.0, 0.15)),
        job=_job(size, rng),
        gap_rate=float(rng.exponential(2e-4)),
        late_rate=float(rng.exponential(2e-4)),
    )


def _draw_pair(cloud: Cloud, pair: int) -> tuple[float, Opening, tuple[SeriesKind, ...]]:
    """Return what two tenants share: a log-normal size (an eighth of the pairs is sparse), opening hours, series."""
    rng = cloud.random(Stream.PAIR, pair)
    sparse = rng.random() < 0.125
    size = 10 ** rng.uniform(0.0, 1.2) if sparse else 500.0 * np.exp(1.9 * rng.standard_normal())
    opening = _OPENINGS[rng.choice(len(_OPENINGS), p=_OPENING_SHARES)]
    present = rng.random(len(SERIES_KINDS))
    alone = np.array([kind.alone for kind in SERIES_KINDS])
    only = int(rng.choice(len(SERIES_KINDS), p=alone / alone.sum()))
    if cloud.one_series:
        series: tuple[SeriesKind, ...] = (SERIES_KINDS[only],)
    else:
        series = tuple(
            kind
            for number, kind in enumerate(SERIES_KINDS)
            if number == only or present[number] < kind.presence
        )
    return float(np.clip(size, 1.0, 3e5)), opening, series


def _week_shape(opening: Opening, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return float64[2016] of mean 1: opening hours with soft edges, a top in the morning, a busy Monday."""
    hours = np.arange(DAY_INTERVALS) / 12.0
    opens, closes = rng.normal(8.5, 0.5), rng.normal(17.5, 0.8)
    if opening is Opening.EXTENDED:
        opens, closes = rng.normal(7.5, 0.5), rng.normal(21.5, 0.7)
    edge = rng.uniform(0.1, 0.4)
    open_now = 1 / (1 + np.exp(-(hours - opens) / edge)) - 1 / (1 + np.exp(-(hours - closes) / edge))
    top = 1 + rng.uniform(0.2, 0.6) * np.exp(-(((hours - opens - 2.0) / 1.5) ** 2))
    lunch = 1 - rng.uniform(0.0, 0.3) * np.exp(-(((hours - 12.5) / 0.7) ** 2))
    day = open_now * top * lunch + rng.uniform(0.0005, 0.02)
    if opening is Opening.ALWAYS:
        day = 0.4 + 0.6 * (0.5 - 0.5 * np.cos(2 * np.pi * (hours - rng.uniform(1, 5)) / 24))
    elif opening is Opening.NIGHT:
        day = np.roll(open_now, DAY_INTERVALS // 2) + 0.001
    weekdays = np.array([1.2, 1.02, 1.0, 0.98, 0.95, 0.0, 0.0]) * rng.normal(1.0, 0.03, 7)
    weekend = {Opening.BUSINESS: rng.uniform(0.002, 0.06), Opening.EXTENDED: rng.uniform(0.5, 1.2)}
    weekdays[5] = weekend.get(opening, rng.uniform(0.6, 1.0))
    weekdays[6] = weekdays[5] * rng.uniform(0.4, 1.0)
    shape: npt.NDArray[np.float64] = np.outer(weekdays, day).ravel()
    assert len(shape) == WEEK_INTERVALS
    shape /= shape.mean()
    return shape


def _level_changes(days: int, rng: np.random.Generator) -> tuple[tuple[int, float], ...]:
    """Return days and factors: one tenant in ten is unsteady, with a change in about six weeks."""
    unsteady = rng.random() < 0.1
    number = rng.poisson(days / 42) if unsteady else 0
    return tuple((int(rng.integers(days)), float(np.exp(rng.normal(0.05, 0.4)))) for _ in range(number))


def _job(size: float, rng: np.random.Generator) -> NightlyJob | None:
    """Return a nightly job for one tenant in eight, of 2 to 20 % of a day's contacts."""
    has_one = rng.random() < 0.125
    length = int(rng.integers(4, 13))
    contacts = size * rng.uniform(0.02, 0.2) / length
    job = NightlyJob(float(rng.uniform(30, 300)), float(rng.uniform(5, 35)), length, float(contacts))
    return job if has_one else None
