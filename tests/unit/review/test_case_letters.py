"""What a letter tells of flags: the span that their numbers count."""

from __future__ import annotations

from datetime import UTC, datetime

from cjp_fraud.review.case_letters import seen
from cjp_fraud.review.tables import Flag

AT = datetime(2026, 3, 3, 2, 10, tzinfo=UTC)


def a_flag(span_seconds: int) -> Flag:
    return Flag(
        id="a",
        channel="voice",
        direction="outbound",
        application_id=None,
        interval_start=AT,
        interval_seconds=300,
        span_seconds=span_seconds,
        observed=120.0,
        baseline=9.0,
        p_value=1e-5,
    )


def test_a_flag_of_an_interval_is_told_as_that_interval() -> None:
    (told,) = seen([a_flag(300)])
    assert (told.interval_start, told.interval_seconds) == (AT, 300)


def test_a_flag_of_fifteen_minutes_is_told_with_all_of_them() -> None:
    (told,) = seen([a_flag(900)])
    assert (told.interval_start, told.interval_seconds) == (datetime(2026, 3, 3, 2, 0, tzinfo=UTC), 900)
    assert (told.observed, told.usual) == (120.0, 9.0)
