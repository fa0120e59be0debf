"""Replay measures on frozen traffic: how much of the excess each would have stopped, and what usual traffic it cuts.

Pure. It says only what the rows say: where they do not name countries or principals, or only a part of a country is
restricted, the answer is that it is not known. Which of two contacts at the same moment is fraud no row says, so a
limit on the rate cuts usual and excess alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from typing import Final, NamedTuple

from cjp_fraud.contracts.numbering import codes_of, lies_within
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.measure_fit import (
    Flagged,
    Stream,
    lowest_rate,
    measure_misfits,
    narrower_kinds,
    planned_measure,
)
from cjp_fraud.review.model import MeasureWanted

SUFFICES: Final = 0.95
"""From this share of the excess on, a measure is enough, and whoever chooses a wider one says why."""

NARROWEST_FIRST: Final = (
    MeasureKind.SUSPEND_PRINCIPAL,
    MeasureKind.SUSPEND_APPLICATION,
    MeasureKind.LIMIT_RATE,
    MeasureKind.LIMIT_ORIGINS,
    MeasureKind.BLOCK_DESTINATIONS,
    MeasureKind.SUSPEND_CHANNEL,
    MeasureKind.SUSPEND_ALL_ACCESS,
)
"""The order in which measures are offered: by how much of a tenant's work they touch."""

_MOST_NAMES: Final = 10
"""How many principals, applications or countries one offered measure names at most, but for all that are abroad."""


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


def candidates(flagged: Flagged, *, home: str | None = None) -> tuple[ReplayedMeasure, ...]:
    """Return the measures that could meet the flagged traffic, replayed, the narrowest first.

    Parameters
    ----------
    home : country of the tenant (ISO 3166-1), so that all that is abroad can be told; None: not known.
    """
    replay = flagged.replay
    if replay is None:
        return ()
    wanted = [
        *_smallest(MeasureKind.SUSPEND_PRINCIPAL, _names_of_principals(replay), flagged),
        *_smallest(MeasureKind.SUSPEND_APPLICATION, _names_of_applications(replay), flagged),
        *_rates(flagged),
        *_smallest(MeasureKind.LIMIT_ORIGINS, _countries(replay, "inbound"), flagged),
        *_smallest(MeasureKind.BLOCK_DESTINATIONS, _countries(replay, "outbound"), flagged),
        *_abroad(flagged, home),
        *_channels(flagged),
        MeasureWanted(MeasureKind.SUSPEND_ALL_ACCESS),
    ]
    offered: dict[tuple[MeasureKind, Scope], ReplayedMeasure] = {}
    for each in wanted:
        planned = planned_measure(each, flagged, timedelta(hours=1))
        assert planned is not None, "its kind is named"
        if not measure_misfits(planned.kind, planned.scope, flagged):
            key = planned.kind, planned.scope
            offered.setdefault(key, replayed(*key, replay))
    return tuple(offered.values())


def narrower_that_suffices(
    kind: MeasureKind, scope: Scope, flagged: Flagged, *, home: str | None = None
) -> ReplayedMeasure | None:
    """Return the smallest measure that stops nearly all of the excess, where ``kind`` with ``scope`` is wider than it.

    None: there is none, or it would cut more of the usual contacts than the measure itself.

    Parameters
    ----------
    home : as for :func:`candidates`.
    """
    if flagged.replay is None:
        return None
    own = replayed(kind, scope, flagged.replay)
    for each in candidates(flagged, home=home):
        if not each.suffices or not _wider(own, each):
            continue
        costs_more = (
            own.cuts_per_hour is not None
            and each.cuts_per_hour is not None
            and each.cuts_per_hour > own.cuts_per_hour
        )
        if not costs_more:
            return each
    return None


def why_wider_fault(
    kind: MeasureKind, scope: Scope, flagged: Flagged, *, duty: bool, home: str | None = None
) -> str | None:
    """Return what must be explained of a measure that is wider than needed; None: nothing.

    One rule for whoever chooses, and for the gate.

    Parameters
    ----------
    duty : whether the contract asks for the narrowest measure: then any narrower kind that could meet what was seen
        counts, and not only one that is known to stop nearly all.
    home : as for :func:`candidates`: every measure that a page offers counts.
    """
    smallest = narrower_that_suffices(kind, scope, flagged, home=home)
    if smallest is not None:
        named = ", ".join(name for name in _named(smallest.scope)) or ", ".join(smallest.scope.channels)
        return f"{smallest.kind} ({named}) {smallest.words}, and {kind} is wider"
    narrower = narrower_kinds(kind, scope, flagged) if duty else ()
    if narrower:
        return (
            f"the contract asks for the narrowest measure, and {', '.join(narrower)} could meet what was seen"
        )
    return None


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


def _wider(own: ReplayedMeasure, other: ReplayedMeasure) -> bool:
    places = NARROWEST_FIRST.index(own.kind), NARROWEST_FIRST.index(other.kind)
    if places[0] != places[1]:
        return places[0] > places[1]
    mine, theirs = set(_named(own.scope)), set(_named(other.scope))
    if own.kind is MeasureKind.SUSPEND_CHANNEL:
        mine, theirs = set(own.scope.channels), set(other.scope.channels)
    return mine > theirs


def _named(scope: Scope) -> tuple[str, ...]:
    limit = (f"{scope.contacts_per_hour} contacts an hour",) if scope.contacts_per_hour is not None else ()
    return (
        *scope.principal_ids,
        *scope.application_ids,
        *limit,
        *scope.destination_prefixes,
        *scope.origins,
    )


def _smallest(kind: MeasureKind, names: Mapping[str, float], flagged: Flagged) -> Iterable[MeasureWanted]:
    """Yield measures of one name, two and so on, those with most contacts first, until one suffices."""
    ordered = sorted(names, key=lambda name: (-names[name], name))[:_MOST_NAMES]
    for count in range(1, len(ordered) + 1):
        wanted = MeasureWanted(kind, _scope_of(kind, ordered[:count]))
        planned = planned_measure(wanted, flagged, timedelta(hours=1))
        assert planned is not None, "its kind is named"
        assert flagged.replay is not None, "names come from it"
        enough = replayed(planned.kind, planned.scope, flagged.replay).suffices
        if count == 1 or enough or count == len(ordered):
            yield wanted
        if enough:
            return


def _scope_of(kind: MeasureKind, names: Sequence[str]) -> Scope:
    make: Callable[..., Scope] = Scope
    if kind is MeasureKind.SUSPEND_PRINCIPAL:
        return make(principal_ids=tuple(names))
    if kind is MeasureKind.SUSPEND_APPLICATION:
        return make(application_ids=tuple(names))
    codes = tuple(dict.fromkeys(code for name in names for code in codes_of(name)))
    if kind is MeasureKind.LIMIT_ORIGINS:
        return make(origins=codes, directions=("inbound",))
    return make(destination_prefixes=codes, directions=("outbound",))


def _names_of_principals(replay: Replay) -> dict[str, float]:
    names: dict[str, float] = defaultdict(float)
    for each in replay.principals or ():
        names[each.name] += each.observed - (each.usual or 0.0)
    return {name: excess for name, excess in names.items() if excess > 0}


def _names_of_applications(replay: Replay) -> dict[str, float]:
    names: dict[str, float] = defaultdict(float)
    for each in replay.intervals:
        if each.application_id is not None:
            names[each.application_id] += each.observed - (each.usual or 0.0)
    return {name: excess for name, excess in names.items() if excess > 0}


def _countries(replay: Replay, direction: str) -> dict[str, float]:
    """Return by country of the other end the contacts beyond its usual share; only countries with a code."""
    names: dict[str, float] = defaultdict(float)
    for each in replay.intervals:
        if each.stream.direction == direction:
            shares = replay.shares.get(each.series_id, {})
            for place, contacts in (each.countries or {}).items():
                names[place] += contacts - (each.usual or 0.0) * shares.get(place, 0.0)
    return {place: excess for place, excess in names.items() if excess > 0 and codes_of(place)}


def _rates(flagged: Flagged) -> Iterable[MeasureWanted]:
    """Yield the lowest limit on the rate that lets through what is usual in the busiest hour, where that is known."""
    planned = planned_measure(MeasureWanted(MeasureKind.LIMIT_RATE), flagged, timedelta(hours=1))
    assert planned is not None
    rate = lowest_rate(planned.scope, flagged)
    if rate is not None:
        yield MeasureWanted(MeasureKind.LIMIT_RATE, replace(planned.scope, contacts_per_hour=max(1, rate)))


def _abroad(flagged: Flagged, home: str | None) -> Iterable[MeasureWanted]:
    """Yield a block of every country abroad that was seen in the flagged intervals."""
    if home is None or flagged.replay is None:
        return
    seen = {
        place
        for each in flagged.replay.intervals
        if each.stream.direction == "outbound"
        for place in each.countries or ()
    }
    abroad = sorted(
        place for place in seen if place != home and not set(codes_of(place)) <= set(codes_of(home))
    )
    if abroad:
        yield MeasureWanted(MeasureKind.BLOCK_DESTINATIONS, _scope_of(MeasureKind.BLOCK_DESTINATIONS, abroad))


def _channels(flagged: Flagged) -> Iterable[MeasureWanted]:
    """Yield each flagged channel alone, and all of them that go out."""
    outbound = sorted({stream.channel for stream in flagged.streams if stream.direction == "outbound"})
    for channels in (*((channel,) for channel in outbound), tuple(outbound)):
        if channels:
            scope = Scope(channels=channels, directions=("outbound",))
            yield MeasureWanted(MeasureKind.SUSPEND_CHANNEL, scope)


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
