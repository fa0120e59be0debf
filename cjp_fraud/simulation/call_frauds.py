"""Other frauds by outgoing calls: trunking, Wangiri, robocalls, shared credentials.

Whose numbers they are: *ClearIP* (a carrier's fraud control), *TransNexus*, *CFCA* (the trade's survey), *published*
(stated by some other public source), *ours* (our choice, where nothing is published).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cjp_fraud.simulation.local_calendar import When
from cjp_fraud.simulation.scenario import Mix, Part, Place, drawn, drawn_log, stretches
from cjp_fraud.simulation.series_kinds import VOICE_OUT, SeriesName


@dataclass(frozen=True, slots=True)
class WholesaleTrunking:
    """Calls of other people's customers sold over the tenant's line, by day, at ordinary lengths.

    Attributes
    ----------
    days : days to weeks (ClearIP: theft of service).
    times : added calls against the tenant's own of the hour (ours): it follows the day's curve.
    talk_seconds : ordinary, 3 minutes.
    countries : mid-price Asia, for example Vietnam and Laos (TransNexus).
    """

    name: ClassVar[str] = "wholesale_trunking"
    method: ClassVar[str] = "stolen_credentials"
    fraud_type: ClassVar[str] = "arbitrage"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("dialler_start", "new_client", "back_fill")

    days: tuple[float, float] = (3.0, 21.0)
    times: tuple[float, float] = (0.5, 3.0)
    talk_seconds: float = 180.0
    countries: tuple[str, ...] = ("VN", "LA", "KH", "BD")
    cents_a_minute: tuple[float, float] = (5.0, 15.0)

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part of days."""
        begin = place.begin(When.BUSINESS, rng)
        length = place.until(begin, 1440 * drawn_log(self.days, rng))
        rate = place.usual(self.series, begin, length) * drawn_log(self.times, rng)
        mix = Mix(
            connected=0.5,
            seconds=self.talk_seconds,
            international=1.0,
            high_risk=0.1,
            distinct=0.98,
            countries=self.countries,
            cents_a_minute=drawn(self.cents_a_minute, rng),
        )
        return (Part("trunking", self.series, begin, rng.poisson(rate), mix),)


@dataclass(frozen=True, slots=True)
class Wangiri:
    """One ring and away, to make people call back: waves of hours, over weeks.

    Attributes
    ----------
    waves : number (ours), a day or a few apart ("repeated for weeks", ClearIP).
    hours : length of a wave ("bursts of hours", ClearIP).
    calls : a wave: thousands (ClearIP).
    answered : connected share, near 0 (ours); each number is rung once.
    """

    name: ClassVar[str] = "wangiri"
    method: ClassVar[str] = "subscription"
    fraud_type: ClassVar[str] = "call_back"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("carrier_failure", "dialler_start", "back_fill")

    waves: tuple[int, int] = (2, 8)
    hours: tuple[float, float] = (2.0, 6.0)
    calls: tuple[float, float] = (2000.0, 8000.0)
    days_between: tuple[float, float] = (0.7, 4.0)
    answered: float = 0.01

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return a part a wave."""
        mix = Mix(
            connected=self.answered,
            short=0.95,
            seconds=2.0,
            international=0.8,
            high_risk=0.0,
            countries=("BE", "FR", "NL", "IT", "PL"),
            cents_a_minute=2.0,
        )
        begin, parts = place.begin(When.ANY, rng), []
        for _ in range(int(rng.integers(self.waves[0], self.waves[1] + 1))):
            length = place.until(begin, 60 * drawn(self.hours, rng))
            contacts = rng.poisson(np.full(length, drawn_log(self.calls, rng) / length))
            parts.append(Part("wave", self.series, begin, contacts, mix))
            begin += length + int(1440 * drawn(self.days_between, rng))
            if begin >= place.end - 60:
                break
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class Robocalling:
    """An illegal dialler on the tenant's line, by day, for days.

    Attributes
    ----------
    calls_a_second : 1 to 200 (ours); evenly on the logarithm.
    days : days to months (published); up to 5 here (ours).
    connected : 0.10 to 0.40 (ours).
    short : more than 15 to 20 % under 6 s make carriers charge (published).
    talk_seconds : mean under a minute, 9 in 10 calls under 60 s (published).
    """

    name: ClassVar[str] = "robocalling"
    method: ClassVar[str] = "subscription"
    fraud_type: ClassVar[str] = "robocalling"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("dialler_start", "back_fill")

    calls_a_second: tuple[float, float] = (1.0, 200.0)
    days: tuple[float, float] = (1.0, 5.0)
    connected: tuple[float, float] = (0.1, 0.4)
    short: tuple[float, float] = (0.2, 0.5)
    talk_seconds: float = 25.0

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part a day of calling."""
        begin = place.begin(When.DAYTIME, rng)
        length = place.until(begin, 1440 * drawn(self.days, rng))
        rate = 60 * drawn_log(self.calls_a_second, rng) * place.within(When.DAYTIME, begin, length)
        mix = Mix(
            connected=drawn(self.connected, rng),
            failed=0.2,
            short=drawn(self.short, rng),
            seconds=self.talk_seconds,
            distinct=0.99,
            cents_a_minute=2.0,
        )
        return stretches("calling", self.series, begin, rng.poisson(rate), mix)


@dataclass(frozen=True, slots=True)
class CredentialSharing:
    """Log-ins that more people use than they were sold to: contacts outside the shift, few agents active.

    Attributes
    ----------
    days : days to weeks (CFCA names the method; the lengths are ours).
    share : of the tenant's mean volume, added around the clock (ours).
    """

    name: ClassVar[str] = "credential_sharing"
    method: ClassVar[str] = "account_takeover"
    fraud_type: ClassVar[str] = "service_abuse"
    series: ClassVar[SeriesName] = VOICE_OUT
    twins: ClassVar[tuple[str, ...]] = ("migration", "new_client", "back_fill")

    days: tuple[float, float] = (2.0, 20.0)
    share: tuple[float, float] = (0.2, 2.0)

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part, most of it outside office hours."""
        begin = place.begin(When.OFF_HOURS, rng)
        length = place.until(begin, 1440 * drawn_log(self.days, rng))
        mean = place.expected.mean_a_minute(self.series) * drawn_log(self.share, rng)
        rate = mean * np.where(place.within(When.BUSINESS, begin, length), 0.3, 1.3)
        kind = place.kind(self.series)
        mix = Mix(
            connected=kind.connected,
            failed=kind.failed,
            seconds=kind.talk_seconds,
            international=0.1,
            high_risk=0.05,
            new=0.8,
            countries=("PH", "PK"),
            cents_a_minute=kind.cents_a_minute,
            agents=0.1,
        )
        return (Part("shared", self.series, begin, rng.poisson(rate), mix),)
