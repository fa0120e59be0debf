"""Who is on call, in their own zone, and whom to page next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.errors import BadInputError
from cjp_fraud.people.oncall_rules import DAYS, STEPS, Hours, Turn, next_on_call, steps_due

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)
ALWAYS = Hours.parse(DAYS, "00:00", "00:00", "UTC")


def turn(user: str, place: int, hours: Hours = ALWAYS) -> Turn:
    return Turn(f"turn of {user}", user, place, hours)


@pytest.mark.parametrize(
    ("waited", "due"), [(0, 0), (4.99, 0), (5, 1), (9.99, 1), (10, 2), (15, 3), (1000, 3)]
)
def test_the_steps_come_after_five_ten_and_fifteen_minutes(waited: float, due: int) -> None:
    assert steps_due(NOW, NOW + waited * MINUTE) == due
    assert len(STEPS) == 3


def test_the_hours_are_those_of_the_zone_and_its_summer_time() -> None:
    hours = Hours.parse(["mon"], "08:00", "20:00", "Europe/Paris")
    assert hours.cover(datetime(2026, 3, 2, 7, 0, tzinfo=UTC))
    assert not hours.cover(datetime(2026, 3, 2, 6, 59, tzinfo=UTC))
    assert hours.cover(datetime(2026, 6, 1, 6, 0, tzinfo=UTC)), "two hours before UTC in summer"
    assert not hours.cover(datetime(2026, 3, 2, 19, 0, tzinfo=UTC))
    assert not hours.cover(datetime(2026, 3, 3, 9, 0, tzinfo=UTC)), "a Tuesday"


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = Hours.parse(["sun"], "22:00", "06:00", "UTC")
    assert night.cover(datetime(2026, 3, 1, 22, 0, tzinfo=UTC))
    assert night.cover(datetime(2026, 3, 2, 5, 59, tzinfo=UTC))
    assert not night.cover(datetime(2026, 3, 2, 6, 0, tzinfo=UTC))
    assert not night.cover(datetime(2026, 3, 1, 5, 0, tzinfo=UTC)), "that night began on a Saturday"


@given(st.integers(0, 366 * 24 * 60))
def test_equal_beginning_and_end_are_all_day(minutes: int) -> None:
    assert ALWAYS.cover(NOW + minutes * MINUTE)


@pytest.mark.parametrize(
    ("days", "begins", "zone"),
    [
        ([], "08:00", "UTC"),
        (["monday"], "08:00", "UTC"),
        (["mon"], "8:00", "UTC"),
        (["mon"], "08:00", "Mars/X"),
    ],
)
def test_hours_that_are_none_are_refused(days: list[str], begins: str, zone: str) -> None:
    with pytest.raises(BadInputError):
        Hours.parse(days, begins, "20:00", zone)


def test_the_next_one_in_order_is_paged_who_may_approve_and_was_not_paged() -> None:
    later = Hours.parse(["tue"], "08:00", "20:00", "UTC")
    turns = [turn("adam", 2), turn("bella", 1), turn("carol", 3), turn("dora", 1, later)]
    able = {"adam", "carol", "dora"}

    def chosen(*paged: str) -> str | None:
        found = next_on_call(turns, NOW, able, paged)
        return found.user_id if found is not None else None

    assert chosen() == "adam", "bella took part, dora is not on call"
    assert chosen("adam") == "carol"
    assert chosen("adam", "carol") == "adam", "from the beginning once all were paged"
    assert next_on_call(turns, NOW, {"dora"}, ()) is None
