"""What a shift lists: the next 12 hours and what is late, the earliest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.review.shift_rules import AHEAD, ShiftItem, ShiftKind, within

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
HOURS = st.lists(st.integers(-48, 48), max_size=20)


@given(HOURS)
def test_a_shift_lists_what_is_late_and_the_next_twelve_hours_in_time(hours: list[int]) -> None:
    items = [
        ShiftItem(NOW + timedelta(hours=each), ShiftKind.MEASURE_ENDS, number, "acme")
        for number, each in enumerate(hours)
    ]
    listed = within(items, NOW)
    assert {item.case for item in listed} == {item.case for item in items if item.at - NOW <= AHEAD}
    assert [item.at for item in listed] == sorted(item.at for item in listed)
