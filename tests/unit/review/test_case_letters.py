"""What a letter tells of flags: the span that their numbers count."""

from __future__ import annotations

from datetime import UTC, datetime

from cjp_fraud.review.case_letters import seen
from cjp_fraud.review.tables import Flag

AT = datetime(2026, 3, 3, 2, 10, tzinfo=UTC)


def a_flag(span_seconds: int, **reasons: object) -> Flag:
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
        reasons=reasons,
    )


def test_a_flag_of_an_interval_is_told_as_that_interval() -> None:
    (told,) = seen([a_flag(300)])
    assert (told.interval_start, told.interval_seconds) == (AT, 300)


def test_a_flag_of_fifteen_minutes_is_told_with_all_of_them() -> None:
    (told,) = seen([a_flag(900)])
    assert (told.interval_start, told.interval_seconds) == (datetime(2026, 3, 3, 2, 0, tzinfo=UTC), 900)
    assert (told.observed, told.usual) == (120.0, 9.0)


def test_a_flag_of_the_weekly_clock_is_told_with_its_country() -> None:
    abroad, growth = seen([a_flag(7 * 24 * 3600, country="LV"), a_flag(7 * 24 * 3600, country=None)])
    assert (abroad.country, growth.country) == ("LV", None)
    assert seen([a_flag(300)])[0].country is None
