"""By when a dispute is answered, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.business_calendar import RECIPIENT, BusinessCalendar, Calendars, Holiday
from cjp_fraud.review.dispute_deadlines import answer_due, dispute_faults
from cjp_fraud.review.model import LONGEST_WORDS, CaseState

FRIDAY_NIGHT = datetime(2026, 7, 3, 23, 30, tzinfo=UTC)
NOWHERE = Calendars("Europe/Berlin")
UNTIL = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("state", [CaseState.NOTICED, CaseState.SUSPENDED, CaseState.LIFTING])
def test_the_first_dispute_of_a_measure_is_answered_within_an_hour_at_night_too(state: CaseState) -> None:
    assert answer_due(FRIDAY_NIGHT, state, 0, NOWHERE) == FRIDAY_NIGHT + timedelta(minutes=60)


@pytest.mark.parametrize(("state", "earlier"), [(CaseState.SUSPENDED, 1), (CaseState.LAPSED, 0)])
def test_every_other_one_is_answered_by_the_end_of_the_customers_next_business_day(
    state: CaseState, earlier: int
) -> None:
    # In Berlin it is Saturday already; Monday ends at 22:00 UTC.
    assert answer_due(FRIDAY_NIGHT, state, earlier, NOWHERE) == datetime(2026, 7, 6, 22, tzinfo=UTC)


def test_a_holiday_that_the_contract_knows_is_no_business_day() -> None:
    monday = FRIDAY_NIGHT.date() + timedelta(days=3)
    first, last = monday.replace(month=1, day=1), monday.replace(month=12, day=31)
    place = BusinessCalendar(
        RECIPIENT,
        "Berlin",
        "Europe/Berlin",
        holidays=(Holiday(monday, "Day of Disputes"),),
        first=first,
        last=last,
    )
    due = answer_due(FRIDAY_NIGHT, CaseState.LAPSED, 0, Calendars("Europe/Berlin", (place,)))
    assert due == datetime(2026, 7, 7, 22, tzinfo=UTC)


@pytest.mark.parametrize("hours", [1, 24, 72])
def test_none_is_answered_later_than_the_letter_says(hours: int) -> None:
    promised = FRIDAY_NIGHT + timedelta(hours=hours)
    due = answer_due(FRIDAY_NIGHT, CaseState.SUSPENDED, 1, NOWHERE, promised)
    assert due == min(promised, datetime(2026, 7, 6, 22, tzinfo=UTC))


@given(before=st.timedeltas(timedelta(days=-30), timedelta(days=30)))
def test_words_are_a_dispute_exactly_until_the_moment_that_the_letter_states(before: timedelta) -> None:
    now = UNTIL - before
    assert (dispute_faults("we did not", now, UNTIL) == ()) == (now < UNTIL)


def test_no_words_too_many_and_nothing_to_dispute_are_named_together() -> None:
    assert len(dispute_faults(" " * (LONGEST_WORDS + 1), UNTIL, None)) == 3
