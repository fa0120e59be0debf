"""The rule of what a measure may restrict: no more than what spiked and was determined."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from cjp_fraud.contracts.numbering import PREFIX, lies_within
from cjp_fraud.contracts.restriction import MeasureKind, Scope, scope_faults
from cjp_fraud.review.model import Quantity
from cjp_fraud.review.requests import MeasureWanted

if TYPE_CHECKING:
    from cjp_fraud.review.measure_replay import Replay
    from cjp_fraud.review.tables import Flag

LONGEST_ASKED: Final = timedelta(days=366)
"""A measure is temporary: no proposal asks for more than a year."""

_BY_RANGE: Final = (MeasureKind.BLOCK_DESTINATIONS, MeasureKind.LIMIT_ORIGINS)
"""Kinds that meet inbound fraud without cutting off its victim."""

_OWN_NUMBER: Final = 7
"""How many digits a blocked inbound destination has at least: a few of the tenant's own numbers, never all of them."""

_ROUNDING: Final = 1e-6
"""Sums of levels are of floating point; by so little no rate is too low."""


class Stream(NamedTuple):
    """Traffic of one channel in one direction."""

    channel: str
    direction: str

    def __str__(self) -> str:
        return f"{self.channel} {self.direction}"


class Carried(NamedTuple):
    """Flagged traffic that one principal or one application carried, or that went to one country.

    ``name`` is the id of the principal or the application, or the country.
    """

    stream: Stream
    name: str


class Usual(NamedTuple):
    """What one series usually carries; ``application_id`` None: no application.

    ``contacts_per_hour`` is None where it is not known.
    """

    stream: Stream
    application_id: str | None
    contacts_per_hour: float | None


@dataclass(frozen=True, slots=True)
class Flagged:
    """What is known of the traffic that the flags of a determination name.

    Parameters
    ----------
    usual : one for each flagged series: its usual level in its busiest flagged interval.
    principals : which principals were seen in the flagged intervals, by the rows that were frozen when the case was
        opened; None: no such rows were frozen.
    destinations : countries of the other end in the flagged intervals, by the rows that were frozen with the
        determination; None: no row names any.
    levels : of every series of the flagged streams, flagged or not, the highest usual level of its day, by the rows
        that were frozen with the determination; None: no row says any.
    replay : the rows in the flagged intervals, on which measures are replayed; None: none were frozen.
    """

    usual: frozenset[Usual] = frozenset()
    principals: frozenset[Carried] | None = None
    destinations: frozenset[Carried] | None = None
    levels: frozenset[Usual] | None = None
    replay: Replay | None = None

    @classmethod
    def by(
        cls,
        flags: Collection[Flag],
        *,
        principals: frozenset[Carried] | None = None,
        destinations: frozenset[Carried] | None = None,
        levels: frozenset[Usual] | None = None,
        replay: Replay | None = None,
    ) -> Self:
        """Return what these flags say, and the rows that were frozen of their streams."""
        usual: dict[tuple[Stream, str | None], float | None] = {}
        for flag in flags:
            key = (Stream(flag.channel, flag.direction), flag.application_id)
            known = usual.setdefault(key, None)
            if flag.quantity is Quantity.CONTACTS:
                level = flag.baseline * 3600 / flag.interval_seconds
                usual[key] = level if known is None else max(known, level)
        return cls(
            frozenset(Usual(stream, application, level) for (stream, application), level in usual.items()),
            principals,
            destinations,
            levels,
            replay,
        )

    @property
    def streams(self) -> frozenset[Stream]:
        """Channels with their directions."""
        return frozenset(series.stream for series in self.usual)

    @property
    def directions(self) -> frozenset[str]:
        """All directions."""
        return frozenset(stream.direction for stream in self.streams)

    @property
    def applications(self) -> frozenset[Carried]:
        """Applications with the streams that they were flagged in."""
        return frozenset(
            Carried(series.stream, series.application_id)
            for series in self.usual
            if series.application_id is not None
        )


@dataclass(frozen=True, slots=True)
class PlannedMeasure:
    """What is to be restricted, and for how long."""

    kind: MeasureKind
    scope: Scope
    duration: timedelta


def planned_measure(
    asked: MeasureWanted, flagged: Flagged, review_period: timedelta
) -> PlannedMeasure | None:
    """Return the measure with what the reviewer left open; None where a person must choose its kind.

    Outbound fraud: the flagged channels, outbound. Inbound fraud: none, since only a person knows which
    origins are to be limited. Where a measure does not say channels or directions, they are those that were flagged,
    unless the flags are of several channels in different directions: then a person must say which.
    """
    duration = asked.duration if asked.duration is not None else review_period
    if asked.kind is not None:
        return PlannedMeasure(asked.kind, _with_streams(asked.kind, asked.scope, flagged), duration)
    if flagged.directions != {"outbound"}:
        return None
    scope = _with_streams(MeasureKind.SUSPEND_CHANNEL, asked.scope, flagged)
    return PlannedMeasure(MeasureKind.SUSPEND_CHANNEL, scope, duration)


def measure_faults(measure: PlannedMeasure | None, flagged: Flagged) -> tuple[str, ...]:
    """Return what is wrong with a measure that a reviewer wants, one sentence each.

    Where nothing was flagged, only its duration is looked at. Counsel's consent is asked of the approval,
    not of the reviewer.
    """
    if measure is None:
        return (
            ("name the measure: for traffic that is not outbound only, none is proposed by itself",)
            if flagged.directions
            else ()
        )
    faults = []
    hours = measure.duration / timedelta(hours=1)
    if not 1 <= hours <= LONGEST_ASKED / timedelta(hours=1) or hours != int(hours):
        faults.append(f"a measure of {hours:g} hours: it is temporary, of whole hours, from 1 to 366 days")
    if flagged.directions:
        faults += measure_misfits(measure.kind, measure.scope, flagged)
    return tuple(faults)


def measure_misfits(kind: MeasureKind, scope: Scope, flagged: Flagged) -> tuple[str, ...]:
    """Return why a measure does not fit the fraud that was determined (gate, point 9); none: it fits.

    Clause 2.4 says "such traffic": nothing is restricted that did not spike. Who must consent to a measure that fits
    is another question (:func:`cjp_fraud.contracts.restriction.consent_reasons`).
    """
    faults = list(scope_faults(kind, scope))
    streams = _streams(scope)
    if kind is not MeasureKind.SUSPEND_ALL_ACCESS:
        faults += _stream_faults(kind, scope, streams, flagged)
    faults += _inbound_faults(kind, scope, flagged)
    faults += _unseen_faults("application", scope.application_ids, streams, flagged.applications)
    if scope.principal_ids and flagged.principals is None:
        faults.append(
            "no traffic by principal was frozen when the case was opened, so nothing shows that "
            f"principal {', '.join(scope.principal_ids)} carried what was flagged"
        )
    else:
        faults += _unseen_faults("principal", scope.principal_ids, streams, flagged.principals or frozenset())
    faults += _range_faults("destination prefix", scope.destination_prefixes, "outbound", streams, flagged)
    faults += _range_faults("origin", scope.origins, "inbound", streams, flagged)
    if "outbound" in scope.directions:
        faults += _range_faults("calls to", scope.cut_calls_to, "outbound", streams, flagged)
    faults += _rate_faults(scope, streams, flagged)
    return tuple(dict.fromkeys(faults))


def narrower_kinds(kind: MeasureKind, scope: Scope, flagged: Flagged) -> tuple[MeasureKind, ...]:
    """Return the kinds narrower than ``kind`` that could meet the flagged traffic, by what was seen in it.

    Destinations, principals or applications that were seen in the restricted streams can be restricted alone; any
    channel alone is narrower than all access.
    """
    streams = _streams(scope) or flagged.streams
    outbound = {stream for stream in streams if stream.direction == "outbound"}
    seen = (
        (MeasureKind.BLOCK_DESTINATIONS, flagged.destinations, outbound),
        (MeasureKind.SUSPEND_PRINCIPAL, flagged.principals, streams),
        (MeasureKind.SUSPEND_APPLICATION, flagged.applications, streams),
    )
    at_hand = [
        narrower for narrower, carried, where in seen if any(each.stream in where for each in carried or ())
    ]
    if kind is MeasureKind.SUSPEND_ALL_ACCESS and flagged.streams:
        at_hand.append(MeasureKind.SUSPEND_CHANNEL)
    return tuple(narrower for narrower in at_hand if kind.broader_than(narrower))


def _with_streams(kind: MeasureKind, scope: Scope, flagged: Flagged) -> Scope:
    """Return the scope with the flagged channels and directions in the place of those that it does not say."""
    fitting = [
        stream
        for stream in sorted(flagged.streams)
        if (not scope.channels or stream.channel in scope.channels)
        and (not scope.directions or stream.direction in scope.directions)
    ]
    channels = scope.channels or tuple(dict.fromkeys(stream.channel for stream in fitting))
    directions = scope.directions or tuple(dict.fromkeys(stream.direction for stream in fitting))
    whole = len(fitting) == len(channels) * len(directions)
    if kind is MeasureKind.SUSPEND_ALL_ACCESS or not fitting or not whole:
        return scope
    return replace(scope, channels=channels, directions=directions)


def _streams(scope: Scope) -> frozenset[Stream]:
    return frozenset(Stream(*pair) for pair in product(scope.channels, scope.directions))


def _stream_faults(
    kind: MeasureKind, scope: Scope, streams: Collection[Stream], flagged: Flagged
) -> list[str]:
    named = " and ".join(str(stream) for stream in sorted(flagged.streams))
    if not scope.channels or not scope.directions:
        return [f"{kind} must say its channels and directions; the flags are of {named}"]
    beyond = sorted(set(streams) - flagged.streams)
    return [
        f"{stream} is restricted and no named flag is of it; the flags are of {named}" for stream in beyond
    ]


def _inbound_faults(kind: MeasureKind, scope: Scope, flagged: Flagged) -> list[str]:
    cuts_inbound = "inbound" in scope.directions or not scope.directions
    if kind is MeasureKind.LIMIT_ORIGINS and "outbound" in (scope.directions or flagged.directions):
        return ["limits on origins are for inbound floods; outbound traffic has no origin outside"]
    if "inbound" in flagged.directions and kind not in _BY_RANGE and cuts_inbound:
        return [
            f"{kind} would cut off the victim of inbound fraud; limit origins or block destinations, "
            "or restrict outbound alone"
        ]
    if kind is MeasureKind.BLOCK_DESTINATIONS and "inbound" in scope.directions:
        return [
            f"{prefix} inbound would cut off the victim of inbound fraud; name the tenant's own number that was "
            f"flooded, or its first {_OWN_NUMBER} digits at least"
            for prefix in scope.destination_prefixes
            if len(prefix.removeprefix("+")) < _OWN_NUMBER
        ]
    return []


def _unseen_faults(
    what: str, restricted: Collection[str], streams: Collection[Stream], seen: Collection[Carried]
) -> list[str]:
    names = {each.name for each in seen if each.stream in streams}
    return [
        f"{what} {name} is restricted and was not seen in the flagged intervals"
        for name in sorted(set(restricted) - names)
    ]


def _range_faults(
    what: str, ranges: Collection[str], direction: str, streams: Collection[Stream], flagged: Flagged
) -> list[str]:
    """Return which ranges of numbers were not seen in the flagged intervals, where these name countries."""
    concerned = {stream for stream in streams if stream.direction == direction}
    numbers = [each for each in ranges if PREFIX.fullmatch(each)]
    if flagged.destinations is None or not concerned:
        return []
    seen = sorted({each.name for each in flagged.destinations if each.stream in concerned})
    return [
        f"{what} {each} is restricted, and lies in no country that was seen in the flagged intervals: "
        f"{', '.join(seen) or 'none'}"
        for each in numbers
        if not lies_within(each, seen)
    ]


def _rate_faults(scope: Scope, streams: Collection[Stream], flagged: Flagged) -> list[str]:
    """Return why a rate is no limit on what spiked alone: it is under what the streams usually carry, or may be."""
    rate = scope.contacts_per_hour
    if rate is None:
        return []
    if flagged.levels is None:
        return [
            "what is usual at the hours that the measure lasts was not frozen, so nothing shows that "
            f"{rate} contacts an hour let it through; refresh the baseline, or choose another kind"
        ]
    levels = _limited_levels(scope, streams, flagged)
    unknown = sorted(
        f"{stream}{f', application {application}' if application else ''}"
        for (stream, application), known in levels.items()
        if not known
    )
    if unknown:
        return [
            f"the usual level of {each} is not known, so nothing shows that {rate} contacts an hour let it through"
            for each in unknown
        ]
    usual = _busiest_hour(levels)
    if rate >= usual:
        return []
    return [f"{rate} contacts an hour is under the usual level of {usual:,}; let at least that through"]


def lowest_rate(scope: Scope, flagged: Flagged) -> int | None:
    """Return the lowest rate of a scope, in contacts an hour, that lets through what is usual; None: not known."""
    if flagged.levels is None:
        return None
    levels = _limited_levels(scope, _streams(scope), flagged)
    return _busiest_hour(levels) if levels and all(levels.values()) else None


def _limited_levels(
    scope: Scope, streams: Collection[Stream], flagged: Flagged
) -> dict[tuple[Stream, str | None], list[float]]:
    """Return the known usual levels of each series that a rate limits."""
    levels: dict[tuple[Stream, str | None], list[float]] = {}
    for series in (*(flagged.levels or ()), *flagged.usual):
        if series.stream in streams and _is_limited(series, scope):
            known = levels.setdefault((series.stream, series.application_id), [])
            known += [series.contacts_per_hour] if series.contacts_per_hour is not None else []
    return levels


def _busiest_hour(levels: Mapping[tuple[Stream, str | None], Collection[float]]) -> int:
    return ceil(sum(max(known) for known in levels.values()) - _ROUNDING)


def _is_limited(series: Usual, scope: Scope) -> bool:
    return not scope.application_ids or series.application_id in scope.application_ids
