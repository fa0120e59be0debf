"""A case in one line: what it costs an hour, until when, and its course."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.review.case_outline import CaseOutline, OutlinedFlag, exposure_until, outline
from cjp_fraud.review.expected_loss import FlaggedSpan
from features.counting_clocks import Clock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def a_flag(end: datetime, span: timedelta, excess: float, clock: Clock = Clock.MINUTE) -> OutlinedFlag:
    """Return a flag of a span that ends at ``end``, in an interval of five minutes; a contact costs 10 cents."""
    return OutlinedFlag(
        channel="voice",
        direction="outbound",
        application_id=None,
        start=end - 5 * MINUTE,
        score=5.0,
        observed=excess,
        baseline=0.0,
        reasons={},
        span=FlaggedSpan("s1", end - span, end, excess, 10.0),
        clock=clock,
    )


def line(*flags: OutlinedFlag) -> CaseOutline:
    return outline(flags)


@pytest.mark.parametrize("hours", [1, 24, 168])
def test_an_hour_of_a_longer_span_costs_an_hours_part_of_it(hours: int) -> None:
    made = line(a_flag(NOW, hours * HOUR, 60.0 * hours, Clock.DAY))
    assert (made.exposure_cents, made.exposure_per_hour) == (600 * hours, 600)


def test_what_was_flagged_by_the_minute_too_counts_once() -> None:
    minutes = [a_flag(NOW - after * MINUTE, 5 * MINUTE, 5.0) for after in range(0, 60, 5)]
    day = a_flag(NOW, 24 * HOUR, 24 * 60.0, Clock.DAY)
    assert line(*minutes).exposure_per_hour == 600
    assert line(*minutes, day).exposure_per_hour == 600


def test_no_case_costs_less_than_its_last_hour_or_one_of_its_flags() -> None:
    minutes = [a_flag(NOW - 4 * HOUR + after * MINUTE, 15 * MINUTE, 90.0) for after in (0, 5, 10)]
    days = [a_flag(NOW - after * HOUR, 24 * HOUR, 1200.0 - 300 * after, Clock.DAY) for after in (2, 1, 0)]
    made = line(*minutes, *days)
    assert made.exposure_cents == 12_000
    assert made.exposure_per_hour == 500


def test_the_course_is_of_contacts_an_hour_whatever_the_clock() -> None:
    flags = [a_flag(NOW + after * HOUR, 5 * MINUTE, 5.0) for after in range(4)]
    flags.append(a_flag(NOW + 4 * HOUR, 24 * HOUR, 24 * 60.0, Clock.DAY))
    assert set(line(*flags).course) == {0.0, 60.0}


def test_exposure_runs_on_as_in_the_last_hour_and_never_back() -> None:
    made = line(a_flag(NOW, HOUR, 60.0))
    assert exposure_until(made, NOW, NOW + 90 * MINUTE) == 900
    assert exposure_until(made, NOW, NOW - HOUR) == 0


@pytest.mark.parametrize(("usual", "times"), [(0.0, None), (0.004, None), (0.1, 600.0), (2.0, 30.0)])
def test_how_many_times_the_usual_is_said_where_something_is_usual(usual: float, times: float | None) -> None:
    flag = replace(a_flag(NOW, 5 * MINUTE, 60.0), baseline=usual)
    assert line(flag).times_usual == (None if times is None else pytest.approx(times))
