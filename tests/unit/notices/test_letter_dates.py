"""The moments that a letter states: counted from its dispatch, cut at the term's end, told to the minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.methods import EMAIL, LETTER
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms, plain_terms
from cjp_fraud.notices.letter_dates import LetterDates, letter_dates

LEFT = datetime(2015, 4, 2, 12, 0, 31, 5, tzinfo=UTC)
MINUTE = datetime(2015, 4, 2, 12, tzinfo=UTC)


def waits(*hours: int) -> NoticeTerms:
    rule = MethodRule(EMAIL, Basis.SENT, ("notice",))
    steps = (
        NoticeStep(number, Combine.ANY_OF, (rule,), Wait(amount, WaitUnit.HOURS))
        for number, amount in enumerate(hours, 1)
    )
    return NoticeTerms(tuple(steps))


def dates(
    terms: NoticeTerms | None = None,
    *,
    at: datetime = LEFT,
    step: int = 1,
    lasts_hours: int | None = 72,
    term_to: datetime | None = None,
) -> LetterDates:
    return letter_dates(
        at,
        terms=terms or plain_terms(),
        calendars=Calendars("Europe/Berlin"),
        step=step,
        lasts_hours=lasts_hours,
        term_to=term_to,
        dispute_days=30,
    )


def test_they_are_told_to_the_minute() -> None:
    told = dates()
    assert told.effective_from == MINUTE
    assert told.ends_at == MINUTE + timedelta(hours=72)
    assert told.dispute_until == MINUTE + timedelta(days=30)


def test_the_end_is_counted_from_the_earliest_moment_that_the_steps_still_to_come_allow() -> None:
    assert dates(waits(24, 48)).ends_at == MINUTE + timedelta(hours=24 + 48 + 72)
    assert dates(waits(24, 48), step=2).ends_at == MINUTE + timedelta(hours=48 + 72)


def test_the_end_leaves_a_week_for_each_step_still_to_come_that_waits_for_a_carrier() -> None:
    email, mailed = MethodRule(EMAIL, Basis.SENT, ("notice",)), MethodRule(LETTER, Basis.MAILED, ("notice",))
    by_post = NoticeTerms(
        (NoticeStep(1, Combine.ANY_OF, (email,)), NoticeStep(2, Combine.ALL_OF, (email, mailed)))
    )
    either = NoticeTerms((NoticeStep(1, Combine.ANY_OF, (email, mailed)),))
    for step in (1, 2):
        assert dates(by_post, step=step).ends_at == MINUTE + timedelta(hours=72, days=7)
    assert dates(by_post).effective_from == MINUTE, "nothing else waits for it"
    assert dates(either).ends_at == MINUTE + timedelta(hours=72), "the email is enough"
    term_to = MINUTE + timedelta(days=4)
    assert dates(by_post, term_to=term_to).ends_at == term_to


def test_no_restriction_is_announced_beyond_the_end_of_the_term() -> None:
    ends = MINUTE + timedelta(hours=5, seconds=40)
    assert dates(term_to=ends).ends_at == MINUTE + timedelta(hours=5)


def test_a_letter_that_announces_no_restriction_states_no_end() -> None:
    assert dates(lasts_hours=None, term_to=MINUTE + timedelta(hours=1)).ends_at is None


@given(st.timedeltas(timedelta(0), timedelta(days=365)), st.integers(0, 2000), st.integers(1, 2000))
def test_a_stated_end_is_never_later_than_the_one_counted_from_the_real_beginning(
    later: timedelta, wait: int, lasts: int
) -> None:
    at = LEFT + later
    told = dates(waits(wait), at=at, lasts_hours=lasts)
    begins = at + timedelta(hours=wait)
    assert told.ends_at is not None
    assert begins - timedelta(minutes=1) < told.effective_from <= begins
    assert told.ends_at <= begins + timedelta(hours=lasts)
