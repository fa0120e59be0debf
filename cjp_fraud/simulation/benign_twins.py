"""Benign events that look like fraud: the twins. Each is given the volume factor of the fraud that it is compared with.

Sizes and shapes are those of published accounts of false alarms where the attribute says *published*, else *ours*.
A twin is chosen for a fraud only if the fraud's factor lies inside the twin's documented range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cjp_fraud.simulation.local_calendar import When
from cjp_fraud.simulation.scenario import Mix, Part, Place, drawn, drawn_log
from cjp_fraud.simulation.series_kinds import SeriesKind, SeriesName

Floats = npt.NDArray[np.float64]
ANY_FACTOR = (1.0, float("inf"))

FEW_A_DAY = 60
"""Contacts a day of a series below which a handful at once is already unusual (ours)."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A benign event.

    Attributes
    ----------
    name : of the event.
    factors : volume factors that it is known with.
    announced : chance that somebody wrote it down as a known event.
    spreads : every inbound series of the tenant rises with it, by the same factor.
    shape : draws its first minute and float64[minutes], how its contacts are spread over its time.
    mix : what its contacts are like, from those that are usual on the series.
    possible : whether it can happen to a tenant at all.
    """

    name: str
    factors: tuple[float, float]
    announced: float
    shape: Callable[[Place, SeriesName, np.random.Generator], tuple[int, Floats]]
    mix: Callable[[Mix, SeriesKind], Mix]
    spreads: bool = False
    possible: Callable[[Place, SeriesName, float], bool] = lambda place, series, factor: True

    def fits(self, place: Place, series: SeriesName, factor: float) -> bool:
        """Return whether it is known with such a factor and can happen there."""
        return self.factors[0] <= factor <= self.factors[1] and self.possible(place, series, factor)

    def parts(
        self, place: Place, series: SeriesName, factor: float, rng: np.random.Generator
    ) -> tuple[Part, ...]:
        """Return what it adds: the series' mean × the minutes × (factor − 1), to the contact, at least one."""
        first, weights = self.shape(place, series, rng)
        names = [series]
        if self.spreads:
            names += [name for name in place.series if name[1] == "inbound" and name != series]
        return tuple(self._part(place, name, first, weights, factor, rng) for name in names)

    def _part(
        self,
        place: Place,
        name: SeriesName,
        first: int,
        weights: Floats,
        factor: float,
        rng: np.random.Generator,
    ) -> Part:
        kind = place.kind(name)
        total = max(round((factor - 1) * place.expected.mean_a_minute(name) * len(weights)), 1)
        shares = weights / weights.sum() if weights.sum() > 0 else np.full(len(weights), 1 / len(weights))
        mix = self.mix(usual_mix(kind), kind)
        return Part(self.name, name, first, rng.multinomial(total, shares), mix)


def usual_mix(kind: SeriesKind) -> Mix:
    """Return what usual contacts of a series are like, with the agents that carry them."""
    return Mix(
        connected=kind.connected,
        failed=kind.failed,
        short=kind.short,
        seconds=kind.talk_seconds,
        international=kind.international or 0.0,
        high_risk=(kind.high_risk or 0.0) / (kind.international or 1.0),
        distinct=0.95,
        new=0.3,
        invalid=0.01,
        cents_a_minute=kind.cents_a_minute,
        cents_a_contact=kind.cents_a_contact,
        agents=1.0 if kind.staffed else 0.0,
    )


def _outage(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """Within minutes, until it is mended (published); half an hour to six hours (ours), by day."""
    begin = place.begin(When.DAYTIME, rng)
    length = place.until(begin, 60 * drawn_log((0.5, 6.0), rng))
    rise = 1 - np.exp(-np.arange(1, length + 1) / drawn((2.0, 10.0), rng))
    return begin, rise * np.minimum(1.0, (length - np.arange(length)) / 20)


def _mailing(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """Answers begin 30 to 90 minutes after a mailing at 9 to 11 (published) and die away over hours (ours)."""
    begin = place.begin(When.MORNING, rng) + int(drawn((30, 90), rng))
    begin = min(begin, place.end - 60)
    length = place.until(begin, 60 * drawn((2.0, 5.0), rng))
    return begin, np.exp(-np.arange(length) / (length / 3))


def _days_by_the_curve(days: tuple[float, float]) -> Callable[..., tuple[int, Floats]]:
    def shape(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
        begin = place.begin(When.BUSINESS, rng)
        length = place.until(begin, 1440 * drawn_log(days, rng))
        return begin, place.usual(series, begin, length)

    return shape


def _catastrophe(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """A steep rise and hours to days until it is over (published), by night less than by day."""
    begin = place.begin(When.ANY, rng)
    length = place.until(begin, 60 * drawn_log((4.0, 48.0), rng))
    decay = np.exp(-np.arange(length) / (length / 2))
    return begin, decay * np.where(place.within(When.DAYTIME, begin, length), 1.0, 0.3)


def _dialler(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """A campaign of 2 to 15 days (ours) in the hours that the law allows, 8 to 21 (published)."""
    begin = place.begin(When.BUSINESS, rng)
    length = place.until(begin, 1440 * drawn_log((2.0, 15.0), rng))
    return begin, place.within(When.DAYTIME, begin, length).astype(np.float64)


def _carrier_failure(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """Attempts fail and are made again, for a quarter of an hour to three hours (ours)."""
    begin = place.begin(When.DAYTIME, rng)
    length = place.until(begin, 60 * drawn_log((0.25, 3.0), rng))
    return begin, place.usual(series, begin, length)


def _to_the_end(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """More of the same from an office hour on: lines moved here from another system, or a pilot that goes live."""
    begin = place.begin(When.BUSINESS, rng)
    length = place.until(begin, np.inf)
    return begin, place.usual(series, begin, length)


def _new_client(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """A team for another part of the world starts a shift and stays; the shift is eight hours at any time of day."""
    begin = place.begin(When.ANY, rng)
    length = place.until(begin, np.inf)
    minute = np.arange(length)
    return begin, ((minute % 1440 < 480) & (minute // 1440 % 7 < 5)).astype(np.float64)


def _back_fill(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """What was not delivered for a while is booked on one to three intervals (ours)."""
    begin = place.begin(When.ANY, rng)
    length = place.until(begin, 5 * int(rng.integers(1, 4)))
    return begin, np.ones(length)


def _clock_change(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """The hour that the clock passes twice is booked twice."""
    changes = [5 * int(change) for change in place.expected.calendar.changes]
    begin = next(change for change in changes if _is_in_reach(place, change))
    return begin, place.usual(series, begin, place.until(begin, 60))


def _is_in_reach(place: Place, minute: int) -> bool:
    return place.earliest <= minute < min(place.latest, place.end - 60)


def _small_numbers(place: Place, series: SeriesName, rng: np.random.Generator) -> tuple[int, Floats]:
    """A handful of contacts within five to fifteen minutes where none are usual (published: 0 to 5)."""
    begin = place.begin(When.ANY, rng)
    return begin, np.ones(place.until(begin, drawn((5, 15), rng)))


def _has_few(place: Place, series: SeriesName, factor: float) -> bool:
    mean = place.expected.mean_a_minute(series)
    return mean * 1440 < FEW_A_DAY and (factor - 1) * mean * 15 < 10


TWINS = (
    Twin("tenant_outage", (3.0, 15.0), 0.0, _outage, lambda mix, kind: replace(mix, connected=0.6), True),
    Twin("mailing", (1.5, 3.0), 0.5, _mailing, lambda mix, kind: mix),
    Twin("season", (1.4, 10.0), 0.7, _days_by_the_curve((1.0, 5.0)), lambda mix, kind: mix),
    Twin("catastrophe", (3.0, 20.0), 0.1, _catastrophe, lambda mix, kind: replace(mix, connected=0.5), True),
    Twin(
        "dialler_start",
        (1.0, 300.0),
        0.5,
        _dialler,
        # Legal diallers abandon at most 3 % and ring at least 15 s; answered calls are conversations.
        lambda mix, kind: replace(mix, connected=0.35, failed=0.62, short=0.1, new=0.9, seconds=180.0),
    ),
    Twin(
        "new_client",
        (1.0, 10.0),
        0.5,
        _new_client,
        lambda mix, kind: replace(mix, international=1.0, new=0.8, countries=("AE", "SA")),
    ),
    Twin(
        "carrier_failure",
        (1.2, 30.0),
        0.0,
        _carrier_failure,
        lambda mix, kind: replace(mix, connected=0.01, failed=0.98, distinct=0.5, new=0.0),
        possible=lambda place, series, factor: series[1] == "outbound",
    ),
    Twin("migration", (1.0, 100.0), 0.6, _to_the_end, lambda mix, kind: mix),
    Twin("back_fill", ANY_FACTOR, 0.0, _back_fill, lambda mix, kind: replace(mix, agents=0.0)),
    Twin(
        "clock_change",
        (1.3, 3.0),
        0.0,
        _clock_change,
        lambda mix, kind: replace(mix, agents=0.0),
        possible=lambda place, series, factor: any(
            _is_in_reach(place, 5 * int(change)) for change in place.expected.calendar.changes
        ),
    ),
    Twin("small_numbers", ANY_FACTOR, 0.0, _small_numbers, lambda mix, kind: mix, possible=_has_few),
)

TWIN_OF_NAME = {twin.name: twin for twin in TWINS}
