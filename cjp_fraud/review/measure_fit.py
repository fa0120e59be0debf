"""The rule of what a measure may restrict: no more than what spiked and was determined."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cjp_fraud.contracts.restriction import MeasureKind, Scope, misfits


@dataclass(frozen=True, slots=True)
class Flagged:
    """What the flags of a determination say about where the traffic ran."""

    channels: frozenset[str]
    directions: frozenset[str]
    application_ids: frozenset[str]


def measure_misfits(
    kind: MeasureKind, scope: Scope, flagged: Flagged, *, critical: bool, counsel_consents: bool
) -> tuple[str, ...]:
    """Return why a measure does not fit the fraud that was determined; none: it fits.

    The rules of :func:`cjp_fraud.contracts.restriction.misfits`, and clause 2.4's "such traffic": nothing
    is restricted that did not spike.
    """
    found = list(
        misfits(
            kind,
            scope,
            flagged_directions=flagged.directions,
            critical=critical,
            counsel_consents=counsel_consents,
        )
    )
    found += _beyond("channel", scope.channels, flagged.channels)
    found += _beyond("direction", scope.directions, flagged.directions)
    if kind is MeasureKind.SUSPEND_APPLICATION:
        found += _beyond("application", scope.application_ids, flagged.application_ids)
    return tuple(dict.fromkeys(found))


def _beyond(what: str, restricted: Collection[str], flagged: frozenset[str]) -> list[str]:
    beyond = sorted(set(restricted) - flagged)
    return [f"{what} {', '.join(beyond)} is restricted and no named flag is of it"] if beyond else []
