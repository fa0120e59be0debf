"""Local days, slots and interpolation weights, where clocks change and where they do not."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.local_grid import context_intervals, local_days, local_grid, midnights, slots_a_day

ZONES = (
    "Etc/UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
)


def day_number(year: int, month: int, day: int) -> int:
    return (datetime(year, month, day) - datetime(1970, 1, 1)).days  # noqa: DTZ001  (calendar dates have no zone)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(day_number(2024, 3, 31), 23), (day_number(2024, 7, 1), 24), (day_number(2024, 10, 27), 25)],
)
def test_a_local_day_has_as_many_hours_as_its_clock(day: int, hours: int) -> None:
    grid = local_grid("Europe/Berlin", day, 300)
    assert len(grid.starts) - grid.context == hours * 12


def test_the_hour_that_comes_twice_fills_its_slots_twice() -> None:
    grid = local_grid("Europe/Berlin", day_number(2024, 10, 27), 300)
    slots = np.bincount(grid.slot[grid.context :], minlength=96)
    assert slots[8:12].tolist() == [6, 6, 6, 6]
    assert slots[12:].tolist() == [3] * 84


def test_the_hour_that_is_skipped_leaves_its_slots_empty() -> None:
    grid = local_grid("Europe/Berlin", day_number(2024, 3, 31), 300)
    assert np.bincount(grid.slot[grid.context :], minlength=96)[8:12].tolist() == [0, 0, 0, 0]


def test_a_day_whose_midnight_is_skipped_begins_after_the_gap() -> None:
    begin = int(midnights("America/Sao_Paulo", np.array([day_number(2018, 11, 4)]))[0])
    local = datetime.fromtimestamp(begin, UTC).astimezone(ZoneInfo("America/Sao_Paulo"))
    assert (local.day, local.hour) == (4, 1)


def test_the_day_that_samoa_left_out_is_empty() -> None:
    begin, end = midnights("Pacific/Apia", np.array([day_number(2011, 12, 30), day_number(2011, 12, 31)]))
    assert begin == end


@given(
    st.sampled_from(ZONES),
    st.integers(day_number(2000, 1, 1), day_number(2030, 1, 1)),
    st.sampled_from((300, 900)),
)
def test_every_interval_belongs_to_exactly_one_local_day(zone: str, day: int, seconds: int) -> None:
    today, tomorrow = local_grid(zone, day, seconds), local_grid(zone, day + 1, seconds)
    assert today.starts[-1] + seconds == tomorrow.starts[tomorrow.context]
    assert set(local_days(zone, today.starts[today.context :]).tolist()) == {day}


@given(st.sampled_from(ZONES), st.integers(day_number(2000, 1, 1), day_number(2030, 1, 1)))
def test_interpolation_never_reaches_beyond_the_neighbouring_quarter_hour(zone: str, day: int) -> None:
    grid = local_grid(zone, day, 300)
    assert ((grid.weight >= 0) & (grid.weight < 1)).all()
    nearest = np.where(grid.weight < 0.5, grid.left, grid.right)
    assert (nearest == grid.slot).all()


def test_an_hour_that_starts_at_half_past_local_is_its_own_slot() -> None:
    grid = local_grid("Asia/Kolkata", day_number(2024, 5, 1), 3600)
    assert (grid.left == grid.slot).all()
    assert not grid.weight.any()
    assert sorted(grid.slot[grid.context :].tolist()) == list(range(24))


@pytest.mark.parametrize(
    ("seconds", "slots"), [(60, 96), (300, 96), (900, 96), (1200, 72), (1800, 48), (3600, 24)]
)
def test_a_slot_is_a_quarter_hour_or_the_interval_where_that_is_longer(seconds: int, slots: int) -> None:
    assert slots_a_day(seconds) == slots


@pytest.mark.parametrize(("seconds", "context"), [(300, 15), (60, 61), (900, 5), (1800, 1), (3600, 1)])
def test_context_is_level_swing_and_fifteen_minutes(seconds: int, context: int) -> None:
    assert context_intervals(seconds) == context
