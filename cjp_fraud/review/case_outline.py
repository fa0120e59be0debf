"""A case in one line: what happened, what it costs, and its course (a pure rule over its flags)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from cjp_fraud.review.expected_loss import FlaggedSpan, expected_loss
from cjp_fraud.review.model import CaseReason
from features.counting_clocks import Clock

COURSE_POINTS: Final = 24
"""Points of the course, each of the same length, from the first flag to the end of the last one."""

_LAST: Final = timedelta(hours=1)


HARDLY_ANYTHING: Final = 0.1
"""Contacts: where less is usual, one comes in ten spans like the flagged one at most."""


@dataclass(frozen=True, slots=True)
class OutlinedFlag:
    """What of a flag its case's line is made of; ``span`` in contacts and cents, ``start`` aware."""

    channel: str
    direction: str
    application_id: str | None
    start: datetime
    score: float
    observed: float
    baseline: float
    reasons: Mapping[str, Any]
    span: FlaggedSpan
    clock: Clock


@dataclass(frozen=True, slots=True)
class CaseOutline:
    """A case in one line.

    Parameters
    ----------
    channel, direction, application_id, observed, baseline, reason : of the flag with the highest score.
    since : start of the first flag of that channel, direction and application.
    country : ISO code of where it leads or comes from; None: no flag names one.
    exposure_cents : what the excess was charged so far; contacts where ``charge_known`` is not.
    exposure_per_hour : the same of the hour that ends with the last flag.
    course : ``COURSE_POINTS`` values, excess contacts an hour by time; few where the case is short.
    """

    channel: str
    direction: str
    application_id: str | None
    observed: float
    baseline: float
    since: datetime
    country: str | None
    exposure_cents: int
    exposure_per_hour: int
    charge_known: bool
    reason: CaseReason
    course: tuple[float, ...]

    @property
    def times_usual(self) -> float | None:
        """How many times the usual was seen; None where hardly anything is usual: it would be thousands."""
        return self.observed / self.baseline if self.baseline >= HARDLY_ANYTHING else None


def exposure_until(case: CaseOutline, now: datetime, until: datetime) -> int:
    """Return the charge from ``now`` until ``until`` (aware), cents, if it goes on as in the hour of the last flag."""
    return round(case.exposure_per_hour * max(until - now, timedelta()) / _LAST)


def outline(flags: Sequence[OutlinedFlag]) -> CaseOutline:
    """Return the line of a case with these flags in force, at least one."""
    lead = max(flags, key=lambda flag: (flag.score, flag.start))
    alike = [flag for flag in flags if _stream(flag) == _stream(lead)]
    end = max(flag.span.end for flag in flags)
    loss = expected_loss(flag.span for flag in flags)
    lately = expected_loss(_since(end - _LAST, flag.span) for flag in flags if flag.span.end > end - _LAST)
    countries = [str(country) for flag in flags if (country := flag.reasons.get("country"))]
    return CaseOutline(
        channel=lead.channel,
        direction=lead.direction,
        application_id=lead.application_id,
        observed=lead.observed,
        baseline=lead.baseline,
        since=min(flag.start for flag in alike),
        country=countries[0] if countries else None,
        exposure_cents=round(loss.amount),
        exposure_per_hour=round(lately.amount),
        charge_known=loss.charge_known,
        reason=_reason(lead),
        course=_course(flags, end),
    )


def _since(begin: datetime, span: FlaggedSpan) -> FlaggedSpan:
    """Return of a span what lies after ``begin``, of its excess in proportion; it ends after that."""
    if span.start >= begin:
        return span
    part = (span.end - begin) / (span.end - span.start)
    return replace(span, start=begin, excess=span.excess * part)


def _reason(flag: OutlinedFlag) -> CaseReason:
    """A burst of minutes, too much over hours, or over weeks: contacts that go elsewhere, or more and more of them."""
    if flag.clock is Clock.MINUTE:
        return CaseReason.BURST
    if flag.clock is not Clock.WEEK:
        return CaseReason.HOURS
    return CaseReason.DESTINATIONS if flag.reasons.get("moved") else CaseReason.GROWTH


def _stream(flag: OutlinedFlag) -> tuple[str, str, str | None]:
    return flag.channel, flag.direction, flag.application_id


def _course(flags: Sequence[OutlinedFlag], end: datetime) -> tuple[float, ...]:
    """Return the excess an hour by time, so that flags of minutes and of days can stand beside each other.

    A flag counts where its interval begins, so overlapping spans are not spread out.
    """
    begin = min(flag.start for flag in flags)
    shortest = min(flag.span.end - flag.start for flag in flags)
    points = max(1, min(COURSE_POINTS, round((end - begin) / shortest)))
    course = [0.0] * points
    for flag in flags:
        place = min(points - 1, int((flag.start - begin) / (end - begin) * points))
        course[place] = max(course[place], flag.span.excess / ((flag.span.end - flag.span.start) / _LAST))
    return tuple(round(value, 1) for value in course)
