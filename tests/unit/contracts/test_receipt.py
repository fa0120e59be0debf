"""Deemed receipt: the moments, and how they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt import Receipt, after_wait, deemed_receipt, earliest_measure
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms, plain_terms
from cjp_fraud.errors import NaiveTimeError

NOON = datetime(2015, 4, 2, 12, tzinfo=UTC)
RULE = MethodRule(EMAIL, Basis.SENT, ("notice",))


def waited(start: datetime, amount: int, unit: WaitUnit, zone: str = "America/New_York") -> datetime:
    return after_wait(
        Receipt(start, ()), Wait(amount, unit), Calendars(zone), what="the measure may follow"
    ).at


def test_a_notice_that_counts_when_sent_is_received_when_it_was_sent() -> None:
    receipt = deemed_receipt(NOON, RULE, Calendars("America/New_York"))
    assert receipt.at == NOON
    assert receipt.steps == (
        "by email a notice counts when our server or carrier took it over (sent): "
        "2015-04-02 12:00:00 UTC (2015-04-02 08:00:00 America/New_York)",
    )


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        deemed_receipt(datetime(2015, 4, 2, 12), RULE, Calendars("UTC"))  # noqa: DTZ001 -- the point of the test


def test_hours_are_elapsed_hours_across_a_change_of_the_clock() -> None:
    start = datetime(2015, 3, 8, 5, tzinfo=UTC)  # New York loses an hour at 07:00 UTC
    assert waited(start, 24, WaitUnit.HOURS) == start + timedelta(hours=24)


def test_a_calendar_day_over_a_short_night_still_lasts_24_hours() -> None:
    start = datetime(2015, 3, 7, 17, tzinfo=UTC)
    assert waited(start, 1, WaitUnit.CALENDAR_DAYS) == start + timedelta(hours=24)


def test_a_calendar_day_over_a_long_night_lasts_until_the_same_time_on_the_clock() -> None:
    start = datetime(2015, 10, 31, 16, tzinfo=UTC)  # noon in New York, the night gains an hour
    assert waited(start, 1, WaitUnit.CALENDAR_DAYS) == start + timedelta(hours=25)


def test_of_a_time_that_comes_twice_the_later_one_counts() -> None:
    start = datetime(2015, 10, 31, 5, 30, tzinfo=UTC)  # 01:30 in New York; 01:30 comes twice on 1 November
    assert waited(start, 1, WaitUnit.CALENDAR_DAYS) == datetime(2015, 11, 1, 6, 30, tzinfo=UTC)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 60),
    st.sampled_from([WaitUnit.HOURS, WaitUnit.CALENDAR_DAYS]),
    st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_a_wait_is_never_shorter_than_its_hours_and_grows_with_its_amount(
    start: datetime, amount: int, unit: WaitUnit, zone: str
) -> None:
    hour = timedelta(hours=1 if unit is WaitUnit.HOURS else 24)
    at = waited(start, amount, unit, zone)
    assert at >= start + amount * hour
    assert waited(start, amount + 1, unit, zone) > at


def test_a_letter_may_promise_no_measure_before_all_steps_are_over() -> None:
    steps = (
        NoticeStep(1, Combine.ALL_OF, (RULE,), Wait(14, WaitUnit.CALENDAR_DAYS)),
        NoticeStep(2, Combine.ALL_OF, (RULE,), Wait(24, WaitUnit.HOURS)),
    )
    receipt = earliest_measure(NOON, NoticeTerms(steps), Calendars("UTC"))
    assert receipt.at == NOON + timedelta(days=15)
    assert len(receipt.steps) == 3
    assert earliest_measure(NOON, NoticeTerms(steps), Calendars("UTC"), from_step=2).at == NOON + timedelta(
        days=1
    )
    assert earliest_measure(NOON, plain_terms(), Calendars("UTC")).at == NOON
