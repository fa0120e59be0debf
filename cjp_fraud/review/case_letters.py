"""The facts of a case's letters: what was seen and found, and what is restricted because of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.letter_facts import Announced, Letter, Seen, Sender
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.review.measure_fit import PlannedMeasure

if TYPE_CHECKING:
    from cjp_fraud.review.decision_tables import Determination
    from cjp_fraud.review.tables import Case, Flag


def suspension_letter(
    case: Case,
    determination: Determination,
    flags: Iterable[Flag],
    measure: PlannedMeasure,
    lasts: timedelta,
    sender: Sender,
) -> Letter:
    """Return the facts of the letter that announces a measure.

    Parameters
    ----------
    flags : those that the determination names.
    lasts : longest duration of the measure, whole hours.
    """
    return Letter(
        kind=NoticeKind.SUSPENSION,
        case_reference=str(case.number),
        sender=sender,
        measure=measure.kind,
        scope=measure.scope,
        seen=seen(flags),
        grounds=tuple(determination.grounds),
        determined_at=determination.at,
        lasts=lasts,
    )


def continuation_letter(
    case: Case,
    determination: Determination,
    flags_since: Iterable[Flag],
    measure: MeasureKind,
    scope: Scope,
    until: datetime,
    sender: Sender,
    *,
    announced: tuple[Announced, ...] = (),
    began: datetime | None = None,
) -> Letter:
    """Return the facts of the letter which says that a measure is kept.

    Parameters
    ----------
    flags_since : flags in force of the case since the measure began; none: none was seen, and the letter says so.
    until : when the measure ends at the latest then; aware.
    announced : the notice or notices that announced it.
    began : since when it is in force; aware.
    """
    return Letter(
        kind=NoticeKind.REAFFIRMATION,
        case_reference=str(case.number),
        sender=sender,
        measure=measure,
        scope=scope,
        seen=seen(flags_since),
        grounds=tuple(determination.grounds),
        determined_at=determination.at,
        until=until,
        announced=announced,
        began=began,
    )


def seen(flags: Iterable[Flag]) -> tuple[Seen, ...]:
    """Return flags as a letter tells them, in the order of time: each with the span that its numbers count."""
    return tuple(
        Seen(
            channel=flag.channel,
            direction=flag.direction,
            application_id=flag.application_id,
            interval_start=flag.span_start,
            interval_seconds=flag.span_seconds,
            observed=flag.observed,
            usual=flag.baseline,
            p_value=flag.p_value,
            country=flag.reasons.get("country"),
        )
        for flag in sorted(flags, key=lambda flag: (flag.interval_start, flag.id))
    )
