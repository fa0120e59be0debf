"""The moments that a letter states and only its dispatch knows: a pure rule; they are told to the minute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.receipt import Receipt, earliest_measure, in_window
from cjp_fraud.contracts.terms import NoticeTerms

LEFT_FOR_POST: Final = timedelta(days=7)
"""For each step still to come that a carrier must confirm, so much later lies the end that a letter states."""


@dataclass(frozen=True, slots=True)
class LetterDates:
    """What a letter that leaves at ``dispatched_at`` states; aware, in UTC.

    Parameters
    ----------
    effective_from : the restriction does not begin before it.
    ends_at : the restriction ends then at the latest; None: the letter announces none.
    dispute_until : until when the letter may be disputed.
    """

    dispatched_at: datetime
    effective_from: datetime
    ends_at: datetime | None
    dispute_until: datetime


def letter_dates(
    dispatched_at: datetime,
    *,
    terms: NoticeTerms,
    calendars: Calendars,
    step: int,
    lasts_hours: int | None,
    term_to: datetime | None,
    dispute_days: int,
    waits: bool = True,
    not_before: datetime | None = None,
) -> LetterDates:
    """Return the moments that a letter states, to the minute, so that what is read is what binds.

    The end is that of a measure which begins as early as it may; a week more for each step that waits for the post,
    since nobody knows how long that takes. The measure lasts no longer for it: these letters say how long it lasts.

    Parameters
    ----------
    dispatched_at : aware.
    calendars : of the places whose days the contract counts.
    step : which the letter belongs to; the waits are counted from there.
    lasts_hours : longest duration of the measure that the letter announces; None: it announces none.
    term_to : end of the term, which no measure outlives; None: it has none.
    waits : whether the measure waits for the periods of the terms; else for an enforcement window alone.
    not_before : aware; the measure does not begin before it in any case. None: nothing says so.
    """
    at = aware(dispatched_at)
    permitted = earliest_measure(at, terms, calendars, from_step=step) if waits else Receipt(at, ())
    first = max(permitted.at, not_before or permitted.at)
    effective_from = _to_the_minute(in_window(replace(permitted, at=first), terms, calendars).at)
    ends_at = effective_from + timedelta(hours=lasts_hours) if lasts_hours is not None else None
    if ends_at is not None:
        ends_at += LEFT_FOR_POST * sum(number >= step for number in terms.steps_by_post)
    if ends_at is not None and term_to is not None:
        ends_at = min(ends_at, _to_the_minute(term_to))
    return LetterDates(at, effective_from, ends_at, _to_the_minute(at + timedelta(days=dispute_days)))


def _to_the_minute(at: datetime) -> datetime:
    """Return the beginning of the minute that ``at`` lies in."""
    return aware(at).replace(second=0, microsecond=0)
