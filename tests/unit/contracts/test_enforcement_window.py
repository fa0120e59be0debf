"""When a measure may begin on the customer's clock, up to the end of the day."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.enforcement_window import EnforcementWindows, Window, next_in_window
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError

HALIFAX = Calendars("America/Halifax")
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def begins(at: datetime, *windows: Window) -> datetime:
    return next_in_window(at, EnforcementWindows(windows, on_holidays=True), HALIFAX)[0]


@pytest.mark.parametrize("closes", ["24:00", "24:00:00", "00:00:00"])
def test_a_window_lasts_to_the_end_of_the_day_where_it_closes_at_midnight(closes: str) -> None:
    window = from_document(Window, {"days": EVERY_DAY, "opens": "08:00:00", "closes": closes})
    last_minute = datetime(2026, 3, 3, 3, 59, 59, tzinfo=UTC)  # 23:59:59 in Halifax
    assert begins(last_minute, window) == last_minute
    assert begins(datetime(2026, 3, 3, 4, tzinfo=UTC), window) == datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert from_document(Window, to_document(window)) == window


def test_a_window_around_the_clock_is_never_shut_also_on_the_day_without_an_hour() -> None:
    window = Window(tuple(EVERY_DAY), time(0), time(0))
    for hour in range(24):
        moment = datetime(2026, 3, 8, hour, 30, tzinfo=UTC)  # clocks go forward at 02:00
        assert begins(moment, window) == moment


def test_a_window_that_ends_before_it_begins_says_how_to_write_one_past_midnight() -> None:
    with pytest.raises(BadInputError, match="one past midnight is two, one of which ends at 24:00"):
        Window((1,), time(22), time(2))
