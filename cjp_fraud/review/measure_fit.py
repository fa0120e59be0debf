"""The rule of what a measure may restrict: no more than what spiked and was determined."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from cjp_fraud.contracts.restriction import MeasureKind, Scope, scope_faults
from cjp_fraud.review.model import MeasureWanted, Quantity

if TYPE_CHECKING:
    from cjp_fraud.review.tables import Flag

LONGEST_ASKED: Final = timedelta(days=366)
"""A measure is temporary: no proposal asks for more than a year."""

_BY_RANGE: Final = (MeasureKind.BLOCK_DESTINATIONS, MeasureKind.LIMIT_ORIGINS)
"""Kinds that meet inbound fraud without cutting off its victim."""


class Stream(NamedTuple):
    """Traffic of one channel in one direction."""

    channel: str
    direction: str

    def __str__(self) -> str:
        return f"{self.channel} {self.direction}"


class Carried(NamedTuple):
    """Flagged traffic that one principal or one application carried; ``carrier`` is its id."""

    stream: Stream
    carrier: str


class Usual(NamedTuple):
    """What one flagged series usually carries, in contacts an hour; ``application_id`` None: no application."""

    stream: Stream
    application_id: str | None
    contacts_per_hour: float


@dataclass(frozen=True, slots=True)
class Flagged:
    """What is known of the traffic that the flags of a determination name.

    Parameters
    ----------
    usual : one for each flagged series: its usual level in its busiest flagged interval.
    principals : which principals were seen in the flagged intervals, by the rows that were frozen when the case was
        opened; None: no such rows were frozen.
    """

    usual: frozenset[Usual] = frozenset()
    principals: frozenset[Carried] | None = None

    @classmethod
    def by(cls, flags: Collection[Flag], principals: frozenset[Carried] | None = None) -> Self:
        """Return what these flags, and the principals seen in their intervals, say."""
        levels: dict[tuple[Stream, str | None, int], float] = {}
        for flag in flags:
            key = (Stream(flag.channel, flag.direction), flag.application_id, flag.interval_seconds)
            level = flag.baseline if flag.quantity is Quantity.CONTACTS else 0.0
            levels[key] = max(levels.get(key, 0.0), level * 3600 / flag.interval_seconds)
        return cls(
            frozenset(
                Usual(stream, application, level) for (stream, application, _), level in levels.items()
            ),
            principals,
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
    wanted: MeasureWanted, flagged: Flagged, review_period: timedelta
) -> PlannedMeasure | None:
    """Return the measure with what the reviewer left open; None where a person must choose its kind.

    Outbound fraud: the flagged channels, outbound. Inbound fraud: none, since only a person knows which
    origins are to be limited. Where a measure does not say channels or directions, they are those that were flagged,
    unless the flags are of several channels in different directions: then a person must say which.
    """
    duration = wanted.duration if wanted.duration is not None else review_period
    if wanted.kind is not None:
        return PlannedMeasure(wanted.kind, _with_streams(wanted.kind, wanted.scope, flagged), duration)
    if flagged.directions != {"outbound"}:
        return None
    scope = _with_streams(MeasureKind.SUSPEND_CHANNEL, Scope(), flagged)
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
    is another question (:func:`cjp_fraud.contracts.restriction.consent_faults`).
    """
    faults = list(scope_faults(kind, scope))
    streams = _streams(scope)
    if kind is not MeasureKind.SUSPEND_ALL_ACCESS:
        faults += _stream_faults(kind, scope, streams, flagged)
    faults += _inbound_faults(kind, scope, flagged)
    faults += _carrier_faults("application", scope.application_ids, streams, flagged.applications)
    if scope.principal_ids and flagged.principals is None:
        faults.append(
            "no traffic by principal was frozen when the case was opened, so nothing shows that "
            f"principal {', '.join(scope.principal_ids)} carried what was flagged"
        )
    else:
        faults += _carrier_faults(
            "principal", scope.principal_ids, streams, flagged.principals or frozenset()
        )
    if kind is MeasureKind.LIMIT_RATE:
        faults += _rate_faults(scope, streams, flagged)
    return tuple(dict.fromkeys(faults))


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
    return []


def _carrier_faults(
    what: str, restricted: Collection[str], streams: Collection[Stream], seen: Collection[Carried]
) -> list[str]:
    carriers = {each.carrier for each in seen if each.stream in streams}
    return [
        f"{what} {carrier} is restricted and was not seen in the flagged intervals"
        for carrier in sorted(set(restricted) - carriers)
    ]


def _rate_faults(scope: Scope, streams: Collection[Stream], flagged: Flagged) -> list[str]:
    usual = sum(
        series.contacts_per_hour
        for series in flagged.usual
        if series.stream in streams
        and (not scope.application_ids or series.application_id in scope.application_ids)
    )
    rate = scope.contacts_per_hour
    if rate is None or rate >= usual:
        return []
    return [f"{rate} contacts an hour is under the usual level of {usual:,.0f}; let at least that through"]
