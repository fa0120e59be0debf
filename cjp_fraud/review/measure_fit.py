"""The rule of what a measure may restrict: no more than what spiked and was determined."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from cjp_fraud.contracts.restriction import MeasureKind, Scope, misfits
from cjp_fraud.review.model import MeasureWanted

if TYPE_CHECKING:
    from cjp_fraud.review.tables import Flag

LONGEST_ASKED: Final = timedelta(days=366)
"""A measure is temporary: no proposal asks for more than a year."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """What the flags of a determination say about where the traffic ran."""

    channels: frozenset[str]
    directions: frozenset[str]
    application_ids: frozenset[str]

    @classmethod
    def by(cls, flags: Collection[Flag]) -> Self:
        """Return where the flagged traffic ran."""
        return cls(
            channels=frozenset(flag.channel for flag in flags),
            directions=frozenset(flag.direction for flag in flags),
            application_ids=frozenset(
                flag.application_id for flag in flags if flag.application_id is not None
            ),
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
    origins are to be limited.
    """
    duration = wanted.duration if wanted.duration is not None else review_period
    if wanted.kind is not None:
        return PlannedMeasure(wanted.kind, wanted.scope, duration)
    if flagged.directions != {"outbound"}:
        return None
    scope = Scope(channels=tuple(sorted(flagged.channels)), directions=("outbound",))
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
        faults += measure_misfits(measure.kind, measure.scope, flagged, critical=False, counsel_consents=True)
    return tuple(faults)


def measure_misfits(
    kind: MeasureKind, scope: Scope, flagged: Flagged, *, critical: bool, counsel_consents: bool
) -> tuple[str, ...]:
    """Return why a measure does not fit the fraud that was determined; none: it fits.

    The rules of :func:`cjp_fraud.contracts.restriction.misfits`, and clause 2.4's "such traffic": nothing
    is restricted that did not spike.
    """
    sentences = list(
        misfits(
            kind,
            scope,
            flagged_directions=flagged.directions,
            critical=critical,
            counsel_consents=counsel_consents,
        )
    )
    sentences += _beyond("channel", scope.channels, flagged.channels)
    sentences += _beyond("direction", scope.directions, flagged.directions)
    if kind is MeasureKind.SUSPEND_APPLICATION:
        sentences += _beyond("application", scope.application_ids, flagged.application_ids)
    return tuple(dict.fromkeys(sentences))


def _beyond(what: str, restricted: Collection[str], flagged: frozenset[str]) -> list[str]:
    beyond = sorted(set(restricted) - flagged)
    return [f"{what} {', '.join(beyond)} is restricted and no named flag is of it"] if beyond else []
