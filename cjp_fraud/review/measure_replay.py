"""Replay measures on frozen traffic: how much of the excess each would have stopped, and what usual traffic it cuts.

Pure. It says only what the rows say: where they do not name countries or principals, or only a part of a country is
restricted, the answer is that it is not known. Which of two contacts at the same moment is fraud no row says, so a
limit on the rate cuts usual and excess alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Final, NamedTuple

from cjp_fraud.contracts.numbering import codes_of, lies_within
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.measure_fit import (
    Stream,
)

SUFFICES: Final = 0.95
"""From this share of the excess on, a measure is enough, and whoever chooses a wider one says why."""


class Interval(NamedTuple):
    """A flagged interval of one series, in contacts.

    ``start`` is only compared. ``usual`` None: not known. ``countries``: contacts by country of the other end; None:
    the row names none.
    """

    series_id: str
    stream: Stream
    application_id: str | None
    start: str
    seconds: int
    observed: float
    usual: float | None
    countries: Mapping[str, float] | None


class ByPrincipal(NamedTuple):
    """What one principal carried in the flagged intervals of a stream, and what it usually carries in that time.

    ``usual`` None: not known.
    """

    stream: Stream
    name: str
    observed: float
    usual: float | None


@dataclass(frozen=True, slots=True)
class Replay:
    """The frozen traffic in the flagged intervals.

    Parameters
    ----------
    shares : by series, which part of its contacts usually goes to each country, by the frozen rows before the flags;
        a series without such rows is not in it.
    principals : None: nothing was frozen by principal.
    beside : streams that have series which were not flagged, and so are not replayed.
    """

    intervals: tuple[Interval, ...] = ()
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    principals: tuple[ByPrincipal, ...] | None = None
    beside: frozenset[Stream] = frozenset()

    @property
    def hours(self) -> float:
        """Length of the flagged time; what overlaps counts once for all series."""
        length = {each.start: each.seconds for each in self.intervals}
        return sum(length.values()) / timedelta(hours=1).total_seconds()

    @property
    def excess(self) -> float | None:
        """Contacts beyond the usual ones; None: not known, or there are none (the flags are of another quantity)."""
        excess = _sum(_less(each.observed, each.usual) for each in self.intervals)
        return excess if excess is not None and excess > 0 else None


@dataclass(frozen=True, slots=True)
class ReplayedMeasure:
    """What a measure would have done in the flagged intervals.

    Parameters
    ----------
    stops : share of the excess contacts that it stops, 0 to 1; None: the rows do not tell.
    cuts_per_hour : usual contacts that it cuts in an hour; None: the rows do not tell.
    cuts_more : whether it cuts more than that, in series that were not flagged and so are not replayed.
    """

    kind: MeasureKind
    scope: Scope
    stops: float | None
    cuts_per_hour: float | None
    cuts_more: bool = False

    @property
    def suffices(self) -> bool:
        """Whether it stops nearly all of the excess."""
        return self.stops is not None and self.stops >= SUFFICES

    @property
    def words(self) -> str:
        """A sentence without its subject: ``stops 97 % of the excess, cuts 3 usual contacts an hour``."""
        stops = "what it stops is not known"
        if self.stops is not None:
            stops = f"stops {self.stops:.0%} of the excess".replace("%", " %")
        if self.cuts_per_hour is None:
            return f"{stops}, what it cuts of the usual contacts is not known"
        more = " or more" if self.cuts_more else ""
        return f"{stops}, cuts {self.cuts_per_hour:,.0f}{more} usual contacts an hour"


def replayed(kind: MeasureKind, scope: Scope, replay: Replay) -> ReplayedMeasure:
    """Return what a measure would have done in the flagged intervals."""
    streams = frozenset(Stream(*pair) for pair in product(scope.channels, scope.directions))
    everything = kind is MeasureKind.SUSPEND_ALL_ACCESS
    met = [each for each in replay.intervals if everything or each.stream in streams]
    if scope.application_ids:
        met = [each for each in met if each.application_id in scope.application_ids]
    parts = _parts(kind, scope, met, streams, replay)
    excess, hours = replay.excess, replay.hours
    if parts is None or not hours:
        return ReplayedMeasure(kind, scope, None, None)
    stops = None
    if excess is not None and parts.excess is not None:
        stops = min(1.0, max(0.0, parts.excess / excess))
    cuts = None if parts.usual is None else max(0.0, parts.usual) / hours
    by_name = bool(scope.principal_ids or scope.application_ids)
    beside = everything or (not by_name and bool(streams & replay.beside))
    return ReplayedMeasure(kind, scope, stops, cuts, cuts_more=beside and cuts is not None)


class _Part(NamedTuple):
    """Excess and usual contacts that a measure meets; None: not known."""

    excess: float | None
    usual: float | None


def _parts(
    kind: MeasureKind, scope: Scope, met: Sequence[Interval], streams: Collection[Stream], replay: Replay
) -> _Part | None:
    """Return what a measure meets of the flagged traffic; None: the rows do not tell."""
    if kind is MeasureKind.SUSPEND_PRINCIPAL:
        return _of_principals(scope.principal_ids, streams, replay)
    if kind is MeasureKind.LIMIT_RATE:
        return _beyond_rate(scope.contacts_per_hour or 0, met)
    ranges = scope.destination_prefixes or scope.origins
    if ranges:
        return _of_countries(ranges, met, replay)
    return _Part(_sum(_less(each.observed, each.usual) for each in met), _sum(each.usual for each in met))


def _of_principals(names: Collection[str], streams: Collection[Stream], replay: Replay) -> _Part | None:
    if replay.principals is None:
        return None
    met = [each for each in replay.principals if each.name in names and each.stream in streams]
    return _Part(_sum(_less(each.observed, each.usual) for each in met), _sum(each.usual for each in met))


def _beyond_rate(rate: int, met: Sequence[Interval]) -> _Part:
    """What does not pass: the same part of usual and of excess contacts, since no row tells them apart."""
    at_once: dict[str, list[Interval]] = defaultdict(list)
    for each in met:
        at_once[each.start].append(each)
    excess, usual = [], []
    for together in at_once.values():
        observed = sum(each.observed for each in together)
        passes = rate * max(each.seconds for each in together) / 3600
        part = max(0.0, 1 - passes / observed) if observed else 0.0
        known = _sum(each.usual for each in together)
        excess.append(None if known is None else part * max(0.0, observed - known))
        usual.append(None if known is None else part * known)
    return _Part(_sum(excess), _sum(usual))


def _of_countries(ranges: Collection[str], met: Sequence[Interval], replay: Replay) -> _Part | None:
    """What goes to the countries that the ranges cover whole; None where a range covers only a part of one."""
    places = {place for each in met for place in each.countries or ()}
    whole = {place for place in places if set(codes_of(place)) <= set(ranges)}
    if any(not any(lies_within(each, [place]) for place in whole) for each in ranges):
        return None
    excess: list[float | None] = []
    usual: list[float | None] = []
    for each in met:
        shares = replay.shares.get(each.series_id, {} if each.usual == 0 else None)
        if each.countries is None or each.usual is None or shares is None:
            return None
        there = sum(contacts for place, contacts in each.countries.items() if place in whole)
        usually = each.usual * sum(share for place, share in shares.items() if place in whole)
        excess.append(there - usually)
        usual.append(usually)
    return _Part(_sum(excess), _sum(usual))


def _less(observed: float, usual: float | None) -> float | None:
    return None if usual is None else observed - usual


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum; None where one of the values is not known."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total
