"""Revenue share: calls to numbers whose owner is paid by the minute, in a burst, over a weekend, or for months.

Whose numbers they are: *TransNexus* 2019 (a measured attack through stolen SIP credentials), *XINTEC* (30 hours,
US$160,000), *BIAAS* (numbers sold for revenue share), *published* (stated by some other public source: cases of
US$166,000 in a weekend, of more than 1,500 calls of two hours, of 568 calls at a time on four lines), *ours* (our
choice, where nothing is published).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cjp_fraud.simulation.local_calendar import When
from cjp_fraud.simulation.scenario import Calls, Mix, Part, Place, drawn, drawn_log
from cjp_fraud.simulation.series_kinds import VOICE_IN, VOICE_OUT, SeriesName

TEST_CALLS = "test_calls"
"""The part of a fraud that only tries a number; it is an event of its own, with a twin of its own."""

TEST_CALL_TWINS = ("small_numbers", "back_fill")

_CODES = (
    "CU LV SO GM MV SN LR KM GN TD BF MZ BW GY SL ML ZW BI TN "
    "DZ AZ BY BG EE LT MD AL BA RS MK AM GE TJ KG UZ PG SB"
)
REVENUE_SHARE_COUNTRIES = tuple(_CODES.split())
"""37 countries: named by Commsrisk, TNS and published cases first, then such as often carry premium ranges (ours)."""


@dataclass(frozen=True, slots=True)
class RevenueShareBurst:
    """The documented attack of 16 minutes through stolen credentials, off hours.

    Attributes
    ----------
    calls, numbers, countries : 111 calls to 89 numbers in 37 countries (TransNexus).
    seconds : 16 min 6 s from the first to the last (TransNexus).
    gaps : the shortest and the longest pause between two calls, seconds: 0.2 and 102 (TransNexus); mean 8.8.
    talk_seconds : mean length, exponential: 20 minutes (TransNexus' assumption).
    connected : 0.6 to 0.95 (ours: answered by a machine that lets the charge run).
    cents_a_minute : 58.5 (TransNexus' loss over its minutes).
    when : part of the local week (published cases: nights, weekends, holidays).
    """

    name: ClassVar[str] = "revenue_share_burst"
    method: ClassVar[str] = "stolen_credentials"
    fraud_type: ClassVar[str] = "revenue_share"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("carrier_failure", "new_client", "back_fill")

    calls: int = 111
    numbers: int = 89
    countries: int = 37
    seconds: float = 966.0
    gaps: tuple[float, float] = (0.2, 102.0)
    talk_seconds: float = 1200.0
    connected: tuple[float, float] = (0.6, 0.95)
    cents_a_minute: float = 58.5
    when: When = When.OFF_HOURS

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return the burst."""
        begin = place.begin(self.when, rng, minutes=int(self.seconds // 60) + 1)
        return (self.burst(begin, rng),)

    def burst(self, first_minute: int, rng: np.random.Generator) -> Part:
        """Return the burst from a minute on."""
        second = np.concatenate([[0.0], np.cumsum(self._pauses(rng))])
        number = rng.permutation(
            np.concatenate(
                [np.arange(self.numbers), rng.integers(self.numbers, size=self.calls - self.numbers)]
            )
        )
        country_of = np.concatenate(
            [np.arange(self.countries), rng.integers(self.countries, size=self.numbers - self.countries)]
        )
        calls = Calls(second, number, rng.permutation(country_of)[number])
        contacts = np.bincount((second // 60).astype(np.int64))
        mix = Mix(
            connected=drawn(self.connected, rng),
            seconds=self.talk_seconds,
            international=1.0,
            high_risk=0.9,
            invalid=0.1,
            countries=REVENUE_SHARE_COUNTRIES[: self.countries],
            cents_a_minute=self.cents_a_minute,
        )
        return Part("burst", self.series, first_minute, contacts, mix, calls)

    def _pauses(self, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Draw pauses: log-normal, the shortest and the longest as documented, in sum the documented time."""
        shortest, longest = self.gaps
        between = rng.lognormal(0.0, 1.2, self.calls - 3)
        left = self.seconds - shortest - longest
        for _ in range(100):
            between = np.clip(between * left / between.sum(), shortest, longest)
            if abs(between.sum() - left) < 1e-6:
                break
        return rng.permutation(np.concatenate([[shortest, longest], between]))


@dataclass(frozen=True, slots=True)
class RevenueShareWeekend:
    """Revenue share over a weekend: sprees of calls to few numbers, each call running for hours.

    Attributes
    ----------
    hours : 30 (XINTEC) to 48, a weekend (published).
    calls : about 1,500 of two hours (published); 600 to 2,400 (ours).
    calls_a_minute : up to one in 2.67 s (published).
    spree_minutes : length of a spree (ours).
    talk_seconds : two hours (published).
    cents_a_minute : 92: US$166,000 over 1,500 calls of two hours.
    """

    name: ClassVar[str] = "revenue_share_weekend"
    method: ClassVar[str] = "stolen_credentials"
    fraud_type: ClassVar[str] = "revenue_share"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("new_client", "migration", "back_fill")

    hours: tuple[float, float] = (30.0, 48.0)
    calls: tuple[float, float] = (600.0, 2400.0)
    calls_a_minute: float = 22.5
    spree_minutes: tuple[float, float] = (3.0, 15.0)
    talk_seconds: float = 7200.0
    cents_a_minute: float = 92.0
    countries: tuple[str, ...] = ("MV", "SN", "GM")

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part from the first to the last spree."""
        length = 60 * drawn(self.hours, rng)
        begin = place.begin(When.WEEKEND, rng, minutes=int(length))
        length = place.until(begin, length)
        running = np.zeros(length)
        total = drawn_log(self.calls, rng)
        at = 0
        while running.sum() * self.calls_a_minute * 0.75 < total:
            spree = int(drawn(self.spree_minutes, rng))
            running[at : at + spree] = 1
            if running.all():
                break
            at = int(rng.integers(length))
        rate = running * self.calls_a_minute * rng.uniform(0.5, 1.0, length)
        mix = Mix(
            connected=drawn((0.6, 0.95), rng),
            seconds=self.talk_seconds,
            international=1.0,
            high_risk=1.0,
            distinct=0.3,
            countries=self.countries,
            cents_a_minute=self.cents_a_minute,
        )
        return (Part("weekend", self.series, begin, rng.poisson(rate), mix),)


@dataclass(frozen=True, slots=True)
class ForwardingTakeover:
    """Lines whose forwarding was taken over: each call in goes out again, to few premium numbers.

    Attributes
    ----------
    simultaneous : up to 568 at a time on four lines (published); from 30 on (ours).
    talk_hours : 1 to 4 hours a call (published).
    hours : a weekend, found on Monday (published); from 12 on (ours).
    cents_a_minute : 90: US$166,000 over 1,500 calls of two hours.
    """

    name: ClassVar[str] = "forwarding_takeover"
    method: ClassVar[str] = "forwarding_taken_over"
    fraud_type: ClassVar[str] = "revenue_share"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("catastrophe", "clock_change", "migration", "back_fill")

    simultaneous: tuple[float, float] = (30.0, 568.0)
    talk_hours: tuple[float, float] = (1.0, 4.0)
    hours: tuple[float, float] = (12.0, 48.0)
    cents_a_minute: float = 90.0

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return the calls out and, where the tenant has the series, the calls in that feed them."""
        length = 60 * drawn(self.hours, rng)
        begin = place.begin(When.WEEKEND, rng, minutes=int(length))
        length = place.until(begin, length)
        talk = 3600 * drawn(self.talk_hours, rng)
        rate = drawn_log(self.simultaneous, rng) / (talk / 60)
        contacts = rng.poisson(np.full(length, rate))
        out = Mix(
            connected=0.95,
            seconds=talk,
            seconds_spread=0.4,
            international=1.0,
            high_risk=1.0,
            distinct=0.1,
            countries=("SO", "LV", "CU"),
            cents_a_minute=self.cents_a_minute,
        )
        came_in = Mix(connected=0.97, seconds=talk, seconds_spread=0.4, distinct=0.2, cents_a_minute=2.5)
        forwarded = Part("out", VOICE_OUT, begin, contacts, out)
        if VOICE_IN not in place.series:
            return (forwarded,)
        return forwarded, Part("in", VOICE_IN, begin, contacts, came_in)


@dataclass(frozen=True, slots=True)
class SlowRevenueShare:
    """Designed to stay unseen: a small share of the minutes for months, at the tenant's own hours.

    Attributes
    ----------
    share : 1 to 5 % of the tenant's minutes (ours), for months to years (BIAAS): to the end of the simulation.
    ramp_weeks : from nothing to the share (ours).
    talk_seconds : like people's, 1 to 10 minutes (ours).
    cents_a_minute : EUR 0.10 to 0.30 (BIAAS).
    invalid : share of numbers of a range that is not assigned (BIAAS: often whole ranges).
    """

    name: ClassVar[str] = "slow_revenue_share"
    method: ClassVar[str] = "subscription"
    fraud_type: ClassVar[str] = "revenue_share"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("new_client", "migration", "back_fill")

    share: tuple[float, float] = (0.01, 0.05)
    ramp_weeks: tuple[float, float] = (1.0, 4.0)
    talk_seconds: tuple[float, float] = (120.0, 360.0)
    cents_a_minute: tuple[float, float] = (11.0, 33.0)
    invalid: float = 0.6

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part that lasts to the end."""
        begin = place.begin(When.ANY, rng)
        length = place.until(begin, np.inf)
        talk, connected = drawn(self.talk_seconds, rng), 0.7
        kind = place.kind(self.series)
        minutes_a_contact = kind.connected * kind.talk_seconds / (connected * talk)
        share = drawn(self.share, rng)
        ramp = np.clip(np.arange(1, length + 1) / (drawn(self.ramp_weeks, rng) * 10_080), 0, 1)
        rate = place.usual(self.series, begin, length) * (share / (1 - share) * minutes_a_contact) * ramp
        mix = Mix(
            connected=connected,
            seconds=talk,
            seconds_spread=0.6,
            international=1.0,
            high_risk=0.2,
            distinct=0.9,
            invalid=self.invalid,
            countries=(str(rng.choice(REVENUE_SHARE_COUNTRIES)),),
            cents_a_minute=drawn(self.cents_a_minute, rng),
        )
        return (Part("drip", self.series, begin, rng.poisson(rate), mix),)


@dataclass(frozen=True, slots=True)
class TestCallsThenBurst:
    """A few calls to published test numbers, hours to days before the burst.

    Attributes
    ----------
    calls : 1 to 5 (ours), of seconds to a minute, to a country never called before, off hours.
    hours_before : between them and the burst (ours: "hours to days").
    burst : what follows.
    """

    __test__: ClassVar[bool] = False  # pytest takes classes called Test… for tests

    name: ClassVar[str] = "test_calls_then_burst"
    method: ClassVar[str] = "stolen_credentials"
    fraud_type: ClassVar[str] = "revenue_share"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("clock_change", "carrier_failure", "back_fill")

    calls: tuple[int, int] = (1, 5)
    hours_before: tuple[float, float] = (3.0, 60.0)
    burst: RevenueShareBurst = RevenueShareBurst()

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return the burst and, as far before it as fits, the test calls."""
        before = int(60 * drawn(self.hours_before, rng))
        test = place.begin(When.OFF_HOURS, rng, minutes=before + 20)
        burst = self.burst.burst(min(test + before, place.end - 20), rng)
        contacts = np.bincount(
            rng.integers(10, size=int(rng.integers(self.calls[0], self.calls[1] + 1))), minlength=10
        )
        mix = Mix(
            connected=0.9,
            short=0.3,
            seconds=20.0,
            international=1.0,
            high_risk=1.0,
            countries=(burst.mix.countries[0],),
            cents_a_minute=self.burst.cents_a_minute,
        )
        return burst, Part(TEST_CALLS, self.series, test, contacts, mix)
