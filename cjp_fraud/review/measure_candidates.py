"""Measures that could meet flagged traffic, from the narrowest up, and what must be explained of a wider one; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from cjp_fraud.contracts.numbering import codes_of
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.measure_fit import (
    Flagged,
    lowest_rate,
    measure_misfits,
    narrower_kinds,
    planned_measure,
)
from cjp_fraud.review.measure_replay import Replay, ReplayedMeasure, replayed
from cjp_fraud.review.requests import MeasureWanted

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
