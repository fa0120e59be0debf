"""Moments as people type them, in their zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cjp_fraud.errors import BadInputError
from cjp_fraud.web.typed_values import moment_typed

PARIS = "Europe/Paris"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-03-29T01:59", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("2026-03-29T03:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_of_the_readers_zone_and_the_first_of_an_hour_shown_twice(
    typed: str, meant: datetime
) -> None:
    assert moment_typed(typed, PARIS) == meant


def test_an_hour_that_the_clock_skips_is_refused_and_named() -> None:
    with pytest.raises(BadInputError, match="there is no 2026-03-29T02:30 in Europe/Paris"):
        moment_typed("2026-03-29T02:30", PARIS)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("0001-01-01T00:00", "Asia/Tokyo"), ("9999-12-31T23:59", "America/Los_Angeles"), ("soon", "UTC")],
)
def test_what_no_calendar_holds_is_refused(typed: str, zone: str) -> None:
    with pytest.raises(BadInputError, match="is no moment"):
        moment_typed(typed, zone)
