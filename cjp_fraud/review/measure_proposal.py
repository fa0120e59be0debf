"""The measure that a proposal names: what a reviewer left open is filled in from the frozen traffic; a pure rule.

Calls in progress are cut only to the destinations that carried the excess, unless a person says otherwise. Against an
inbound flood limits on its origins are proposed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from cjp_fraud.contracts.restriction import CallsInProgress, MeasureKind, Scope
from cjp_fraud.review.measure_candidates import candidates
from cjp_fraud.review.measure_fit import Flagged, PlannedMeasure, planned_measure
from cjp_fraud.review.requests import MeasureWanted

_ENDS_NO_CALL: Final = (MeasureKind.LIMIT_RATE, MeasureKind.LIMIT_ORIGINS)
"""Limits on what begins; what they meet cannot be told among the calls in progress."""


def proposed_measure(
    asked: MeasureWanted, flagged: Flagged, review_period: timedelta
) -> PlannedMeasure | None:
    """Return the measure with what the reviewer left open; None where a person must choose its kind.

    Parameters
    ----------
    review_period : how long it lasts where nobody says.
    """
    planned = planned_measure(asked, flagged, review_period)
    if planned is None:
        origins = _sufficing(MeasureKind.LIMIT_ORIGINS, flagged)
        if origins is None:
            return None
        duration = asked.duration if asked.duration is not None else review_period
        origins = replace(origins, calls_in_progress=asked.scope.calls_in_progress)
        planned = PlannedMeasure(MeasureKind.LIMIT_ORIGINS, origins, duration)
    return replace(planned, scope=_with_calls(planned.kind, planned.scope, flagged))


def _with_calls(kind: MeasureKind, scope: Scope, flagged: Flagged) -> Scope:
    """Return the scope with what becomes of calls in progress, where it restricts voice."""
    said = scope.calls_in_progress
    voice = "voice" in scope.channels or kind is MeasureKind.SUSPEND_ALL_ACCESS
    if not voice or said in (CallsInProgress.KEEP, CallsInProgress.CUT) or scope.cut_calls_to:
        return scope
    if said is None and kind in _ENDS_NO_CALL:
        return replace(scope, calls_in_progress=CallsInProgress.KEEP)
    if kind is MeasureKind.BLOCK_DESTINATIONS:
        ranges = scope.destination_prefixes
    else:
        blocked = _sufficing(MeasureKind.BLOCK_DESTINATIONS, flagged)
        ranges = blocked.destination_prefixes if blocked is not None else ()
    if said is None and not ranges:
        return replace(scope, calls_in_progress=CallsInProgress.KEEP)
    return replace(scope, calls_in_progress=CallsInProgress.CUT_FLAGGED, cut_calls_to=ranges)


def _sufficing(kind: MeasureKind, flagged: Flagged) -> Scope | None:
    """Return the scope of the smallest measure of a kind that stops nearly all of the excess; None: none does."""
    of_kind: Mapping[MeasureKind, Scope] = {
        each.kind: each.scope for each in reversed(candidates(flagged)) if each.suffices
    }
    return of_kind.get(kind)
