"""The moments that a letter states and only its dispatch knows: a pure rule; they are told to the minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.receipt import earliest_measure
from cjp_fraud.contracts.terms import NoticeTerms


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
) -> LetterDates:
    """Return the moments that a letter states, to the minute, so that what is read is what binds.

    Parameters
    ----------
    dispatched_at : aware.
    calendars : of the places whose days the contract counts.
    step : which the letter belongs to; the waits are counted from there.
    lasts_hours : longest duration of the measure that the letter announces; None: it announces none.
    term_to : end of the term, which no measure outlives; None: it has none.
    """
    at = aware(dispatched_at)
    effective_from = _to_the_minute(earliest_measure(at, terms, calendars, from_step=step).at)
    ends_at = effective_from + timedelta(hours=lasts_hours) if lasts_hours is not None else None
    if ends_at is not None and term_to is not None:
        ends_at = min(ends_at, _to_the_minute(term_to))
    return LetterDates(at, effective_from, ends_at, _to_the_minute(at + timedelta(days=dispute_days)))


def _to_the_minute(at: datetime) -> datetime:
    """Return the beginning of the minute that ``at`` lies in."""
    return aware(at).replace(second=0, microsecond=0)
