"""By when a dispute is answered: the provider's own target, and what the letter promised; a pure rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import RECIPIENT, BusinessCalendar, Calendars
from cjp_fraud.contracts.periods import Period, WaitUnit, after
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.model import BEFORE_THE_MEASURE, LONGEST_WORDS, MAY_BE_RESTRICTED, CaseState

FIRST_ANSWER_WITHIN: Final = timedelta(minutes=60)
"""Of the first dispute of a measure, around the clock (clause 2.2, severity 1-2)."""

OTHERS_WITHIN: Final = Period(1, WaitUnit.BUSINESS_DAYS)
"""Of every other dispute (clause 2.2), on the customer's business days."""


def answer_due(
    opened_at: datetime,
    state: CaseState,
    earlier: int,
    calendars: Calendars,
    promised: datetime | None = None,
) -> datetime:
    """Return by when a dispute should be answered: never later than a letter says.

    Parameters
    ----------
    opened_at : when it was received; aware.
    state : of the case then: whether a measure is in force, or on its way.
    earlier : how many disputes of the same finding there were before.
    calendars : of the customer's contract.
    promised : by when the letter says that it is decided, aware; None: no letter says so.
    """
    target = _target(opened_at, state, earlier, calendars)
    return target if promised is None else min(target, aware(promised))


def _target(opened_at: datetime, state: CaseState, earlier: int, calendars: Calendars) -> datetime:
    if earlier == 0 and state in MAY_BE_RESTRICTED | BEFORE_THE_MEASURE:
        return aware(opened_at) + FIRST_ANSWER_WITHIN
    try:
        return after(opened_at, (OTHERS_WITHIN,), RECIPIENT, calendars).at
    except BadInputError:  # nobody knows the place's holidays; without any it is answered all the sooner
        return after(
            opened_at, (OTHERS_WITHIN,), RECIPIENT, _weekdays(calendars.recipient_zone, opened_at)
        ).at


def _weekdays(time_zone: str, opened_at: datetime) -> Calendars:
    """Return a calendar in which every weekday of the next two weeks is a business day."""
    today = opened_at.date()
    first, last = today - timedelta(days=2), today + timedelta(days=14)
    calendar = BusinessCalendar(RECIPIENT, time_zone, time_zone, first=first, last=last)
    return Calendars(time_zone, (calendar,))


def dispute_faults(text: str, now: datetime, until: datetime | None) -> tuple[str, ...]:
    """Return why a customer's words on a letter's page are no dispute of it.

    Parameters
    ----------
    until : first moment at which it is too late: what the letter itself states; None: there is nothing to dispute.
    """
    faults = []
    if until is None:
        faults.append("nothing in it can be disputed")
    elif now >= until:
        faults.append("the time in which it could be disputed is over")
    if not text.strip():
        faults.append("no words")
    if len(text) > LONGEST_WORDS:
        faults.append(f"more than {LONGEST_WORDS} characters")
    return tuple(faults)
