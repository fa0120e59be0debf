"""What is simulated: how long, from when, which parts, and the random streams that it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from functools import cached_property

import numpy as np

from cjp_fraud.errors import BadInputError

STEP_SECONDS = 300
STEP_MINUTES = STEP_SECONDS // 60
DAY_INTERVALS = 86_400 // STEP_SECONDS
WEEK_INTERVALS = 7 * DAY_INTERVALS

DEFAULT_START = date(2025, 9, 29)
"""A Monday. Ten weeks from it hold both changes of the clock (EU, Americas; Australia in spring), Thanksgiving and
Black Friday."""

MOST_WEEKS = 104
"""Above it a single tenant's rows would not fit into the bound of a file."""


class Stream(IntEnum):
    """What a random stream is for; the first part of its key, so that no two draws depend on each other."""

    PAIR = 0
    TENANT = 1
    NOISE = 2
    SERIES = 3
    GAPS = 4
    EVENT = 5
    TWIN = 6
    FEED = 7
    COUNTRY = 8
    CARRIER = 9
    SHARED = 10
    CONTRACT = 11
    INJECTION = 12


@dataclass(frozen=True)
class Cloud:
    """A contact-centre cloud to be simulated. Nothing in it depends on how many tenants are asked for.

    Attributes
    ----------
    seed : every number of the simulation follows from it, and from the release of numpy.
    weeks : length, 1 to 104.
    start : first day (its UTC midnight).
    events : write frauds and benign events in; without them the traffic is clean, and otherwise the same to the row.
    event_share : share of the pairs of tenants of which one gets a fraud and the other its benign twin.
    one_series : give every tenant one series only (channel and direction drawn); otherwise one to six.
    gaps : leave intervals out, deliver some late, and let the source fail at times.
    """

    seed: int
    weeks: int
    start: date = DEFAULT_START
    events: bool = True
    event_share: float = 0.5
    one_series: bool = False
    gaps: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.weeks <= MOST_WEEKS:
            raise BadInputError(f"weeks is {self.weeks}; simulate 1 to {MOST_WEEKS} weeks")
        if self.seed < 0:
            raise BadInputError(f"seed is {self.seed}; give a whole number from 0")
        if not 0 <= self.event_share <= 1:
            raise BadInputError(f"event_share is {self.event_share}; a share is 0 to 1")

    @cached_property
    def begin(self) -> datetime:
        """First moment (aware UTC)."""
        return datetime.combine(self.start, time(), UTC)

    @property
    def end(self) -> datetime:
        """First moment after it (aware UTC)."""
        return self.begin + timedelta(weeks=self.weeks)

    @property
    def intervals(self) -> int:
        """Number of 5-minute intervals of a series."""
        return self.weeks * WEEK_INTERVALS

    @property
    def minutes(self) -> int:
        """Number of minutes."""
        return self.intervals * STEP_MINUTES

    def at(self, minute: int) -> datetime:
        """Return the moment of a minute, counted from the beginning."""
        return self.begin + timedelta(minutes=int(minute))

    def minute_of(self, moment: datetime) -> int:
        """Return the minute, counted from the beginning, that an aware moment lies in."""
        return int((moment - self.begin) / timedelta(minutes=1))

    def random(self, stream: Stream, *key: int) -> np.random.Generator:
        """Return the generator of one purpose and one thing (a tenant, a pair, a country)."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(stream, *key)))
