"""What a scenario is: contacts that come on top of the usual ones, by the minute, and what each of them is like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cjp_fraud.simulation.cloud import STEP_MINUTES, STEP_SECONDS
from cjp_fraud.simulation.expected import Expected
from cjp_fraud.simulation.local_calendar import When
from cjp_fraud.simulation.series_kinds import SeriesKind, SeriesName

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mix:
    """What the added contacts are like; shares are of the added contacts unless said otherwise.

    Attributes
    ----------
    connected, failed : shares; the rest was abandoned.
    short : share of the connected that lasts under 10 s.
    seconds : mean length of a connected contact.
    seconds_spread : standard deviation of a length relative to the mean; 1 is exponential, 0 is constant.
    international, high_risk : shares (high risk is a part of international).
    distinct : destinations (outbound) or origins (inbound) that differ, a contact.
    new, invalid : shares of these destinations: first seen in 60 days; possible but not assigned.
    countries : called, evenly; empty: the tenant's own.
    cents_a_minute, cents_a_contact : charge of connected time and of connected contacts.
    agents : agents active for each contact that runs at a time: 0 where nobody works, 1 where people do.
    """

    connected: float
    failed: float = 0.0
    short: float = 0.0
    seconds: float = 0.0
    seconds_spread: float = 1.0
    international: float = 0.0
    high_risk: float = 0.0
    distinct: float = 1.0
    new: float = 1.0
    invalid: float = 0.0
    countries: tuple[str, ...] = ()
    cents_a_minute: float = 0.0
    cents_a_contact: float = 0.0
    agents: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """Added contacts one by one, where what repeats among them is known.

    Attributes
    ----------
    second : float64[calls], of their beginning, counted from the first minute of the part.
    number, country : int64[calls], which destination and which country of the mix.
    """

    second: Floats
    number: Ints
    country: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One stretch of an event on one series.

    Attributes
    ----------
    name : what it is within its scenario.
    series : channel and direction.
    first_minute : counted from the beginning of the simulation.
    contacts : int64[minutes], added contacts.
    mix : what they are like.
    calls : the contacts one by one; None: the mix says all.
    """

    name: str
    series: SeriesName
    first_minute: int
    contacts: Ints
    mix: Mix
    calls: Calls | None = None

    @property
    def end_minute(self) -> int:
        """First minute after it."""
        return self.first_minute + len(self.contacts)

    @property
    def added(self) -> int:
        """Number of added contacts."""
        return int(self.contacts.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where and when a scenario may take place.

    Attributes
    ----------
    expected : of the tenant.
    earliest, latest : minutes between which it may begin (latest exclusive); one minute apart: it begins there.
    """

    expected: Expected
    earliest: int
    latest: int

    @property
    def end(self) -> int:
        """Minute at which the tenant's traffic ends."""
        return self.expected.live[1] * STEP_MINUTES

    @property
    def series(self) -> tuple[SeriesName, ...]:
        """Series that the tenant has."""
        return tuple(kind.name for kind in self.expected.profile.series)

    def kind(self, name: SeriesName) -> SeriesKind:
        """Return the kind of one of the tenant's series."""
        return next(kind for kind in self.expected.profile.series if kind.name == name)

    def begin(self, when: When, rng: np.random.Generator, *, minutes: int = 1) -> int:
        """Draw a minute of a part of the local week at which something of this length can begin."""
        latest = max(min(self.latest, self.end - minutes), self.earliest + 1)
        first, end = self.earliest // STEP_MINUTES, -(-latest // STEP_MINUTES)
        fitting = np.flatnonzero(self.expected.calendar.within(when)[first:end])
        interval = first + int(rng.choice(fitting)) if len(fitting) else int(rng.integers(first, end))
        minute = interval * STEP_MINUTES + int(rng.integers(STEP_MINUTES))
        return int(np.clip(minute, self.earliest, latest - 1))

    def usual(self, name: SeriesName, first: int, minutes: int) -> Floats:
        """Return float64[minutes], expected contacts a minute (as many as there are before the end)."""
        rate = self.expected.rate(self.kind(name))[
            first // STEP_MINUTES : -(-(first + minutes) // STEP_MINUTES)
        ]
        skipped = first % STEP_MINUTES
        by_minute: Floats = np.repeat(rate / STEP_MINUTES, STEP_MINUTES)[skipped : skipped + minutes]
        return by_minute

    def within(self, when: When, first: int, minutes: int) -> npt.NDArray[np.bool_]:
        """Return bool[minutes]: which lie in a part of the local week."""
        mask = self.expected.calendar.within(when)
        mask = np.repeat(mask[first // STEP_MINUTES : -(-(first + minutes) // STEP_MINUTES)], STEP_MINUTES)
        skipped = first % STEP_MINUTES
        return mask[skipped : skipped + minutes]

    def until(self, first: int, minutes: float) -> int:
        """Return the length in minutes, cut at the end of the tenant's traffic; at least 1."""
        return int(max(min(minutes, self.end - first), 1))


class Scenario(Protocol):
    """A fraud. Its fields are its documented parameters.

    Attributes
    ----------
    name : of the scenario.
    method, fraud_type : how access was got, and what was made of it (CFCA's two questions).
    series : the series that it needs; the first part of :meth:`parts` is on it.
    twins : names of the benign events that look like it, the most alike first.
    """

    @property
    def name(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def fraud_type(self) -> str: ...
    @property
    def series(self) -> SeriesName: ...
    @property
    def twins(self) -> tuple[str, ...]: ...

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return what it adds to the tenant's series."""
        ...


def drawn(span: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw evenly from a range."""
    return float(rng.uniform(*span))


def drawn_log(span: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw from a range evenly on the logarithm."""
    return float(np.exp(rng.uniform(*np.log(span))))


def stretches(
    name: str, series: SeriesName, first_minute: int, contacts: Ints, mix: Mix, *, pause: int = 60
) -> tuple[Part, ...]:
    """Cut contacts into parts where none come for at least ``pause`` minutes; at least one part."""
    busy = np.flatnonzero(contacts)
    if not len(busy):
        return (Part(name, series, first_minute, contacts, mix),)
    cuts = np.flatnonzero(np.diff(busy) > pause)
    firsts, lasts = busy[np.concatenate([[0], cuts + 1])], busy[np.append(cuts, len(busy) - 1)]
    return tuple(
        Part(name, series, first_minute + int(first), contacts[first : last + 1], mix)
        for first, last in zip(firsts, lasts, strict=True)
    )


def cut(part: Part, end: int) -> Part | None:
    """Return a part without what lies at or after a minute; None where nothing is left."""
    if part.end_minute <= end:
        return part
    if part.first_minute >= end:
        return None
    left = end - part.first_minute
    calls = part.calls
    if calls is not None:
        is_before = calls.second < 60 * left
        calls = Calls(calls.second[is_before], calls.number[is_before], calls.country[is_before])
    return replace(part, contacts=part.contacts[:left], calls=calls)


def volume_factor(parts: Sequence[Part], expected: Expected) -> float:
    """Return by how much the volume is multiplied while an event runs, on the series of its first part.

    1 + added contacts / (minutes that its parts last × the series' mean contacts a minute). The mean of the whole live
    time is meant, not of the hour: an attack by night would otherwise have factors that nothing by day could have.
    """
    main = [part for part in parts if part.series == parts[0].series]
    usual = expected.mean_a_minute(parts[0].series) * sum(len(part.contacts) for part in main)
    return 1 + sum(part.added for part in main) / max(usual, 1e-9)


def added_columns(part: Part, *, outbound: bool, rng: np.random.Generator) -> tuple[int, dict[str, Floats]]:
    """Return what a part adds to each column of its series: the first interval, and float64[intervals] a column.

    A connected contact counts with all its seconds in the interval in which it begins, as call records are summed.
    ``peak_concurrent`` is what runs at a time: arrivals within one mean length.
    """
    first = part.first_minute // STEP_MINUTES
    by_minute = _padded(part)
    offered = by_minute.reshape(-1, STEP_MINUTES).sum(axis=1)
    mix = part.mix
    connected = rng.binomial(offered, mix.connected)
    lost = offered - connected
    failed = rng.binomial(lost, min(mix.failed / max(1 - mix.connected, 1e-9), 1.0))
    short = rng.binomial(connected, mix.short)
    spread = mix.seconds_spread * np.sqrt(connected) * rng.standard_normal(len(connected))
    seconds = np.rint(mix.seconds * np.maximum(connected + spread, 0.2 * connected))
    international = rng.binomial(offered, mix.international)
    columns = {
        "contacts_connected": connected,
        "contacts_abandoned": lost - failed,
        "contacts_failed": failed,
        "contacts_short": short,
        "connected_seconds": seconds,
        "peak_concurrent": _concurrent(by_minute, mix),
        "charge_cents": np.rint(seconds / 60 * mix.cents_a_minute + connected * mix.cents_a_contact),
    }
    columns["agents_active"] = np.ceil(mix.agents * columns["peak_concurrent"])
    if not outbound:
        columns["distinct_origins"] = np.minimum(np.ceil(offered * mix.distinct), offered)
        return first, _as_floats(columns)
    distinct = _distinct(part, offered)
    columns |= {
        "contacts_international": international,
        "contacts_high_risk": rng.binomial(international, mix.high_risk),
        "distinct_destinations": distinct,
        "new_destinations": rng.binomial(distinct, mix.new),
        "invalid_destinations": rng.binomial(distinct, mix.invalid),
        "top_destination_share": np.ceil(offered / np.maximum(distinct, 1)),
    }
    return first, _as_floats(columns)


def country_entries(part: Part, rng: np.random.Generator) -> tuple[int, Ints, Ints, Ints]:
    """Return the added contacts by country: first interval; interval from it, country of the mix, contacts."""
    offered = _padded(part).reshape(-1, STEP_MINUTES).sum(axis=1)
    number = max(len(part.mix.countries), 1)
    if part.calls is not None:
        by_country = np.zeros((len(offered), number), np.int64)
        np.add.at(by_country, (_call_intervals(part, part.calls), part.calls.country), 1)
    else:
        by_country = rng.multinomial(offered, np.full(number, 1 / number))
    rows, countries = np.nonzero(by_country)
    return part.first_minute // STEP_MINUTES, rows, countries, by_country[rows, countries]


def _call_intervals(part: Part, calls: Calls) -> Ints:
    """Return the interval of each call, counted from the part's first."""
    skipped = part.first_minute % STEP_MINUTES * 60
    return np.asarray((calls.second + skipped) // STEP_SECONDS, np.int64)


def _padded(part: Part) -> Ints:
    """Return the minutes, filled with zeros to whole intervals."""
    before = part.first_minute % STEP_MINUTES
    after = -(before + len(part.contacts)) % STEP_MINUTES
    return np.pad(part.contacts, (before, after))


def _concurrent(by_minute: Ints, mix: Mix) -> Floats:
    """Return the most contacts that run at a time, by interval: arrivals of the minutes within one mean length."""
    length = max(round(mix.seconds / 60), 1)
    sums = np.cumsum(np.concatenate([np.zeros(length, np.int64), by_minute]))
    running = (sums[length:] - sums[:-length]) * mix.connected * min(mix.seconds / 60 / length, 1.0)
    most: Floats = np.ceil(running.reshape(-1, STEP_MINUTES).max(axis=1))
    return most


def _distinct(part: Part, offered: Ints) -> Ints:
    if part.calls is None:
        return np.asarray(np.minimum(np.ceil(offered * part.mix.distinct), offered), np.int64)
    pairs = np.unique(np.stack([_call_intervals(part, part.calls), part.calls.number]), axis=1)
    return np.bincount(pairs[0], minlength=len(offered))


def _as_floats(columns: dict[str, npt.NDArray[np.generic]]) -> dict[str, Floats]:
    return {name: values.astype(np.float64) for name, values in columns.items()}
