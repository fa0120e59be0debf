"""A new level that lasts is the norm from the fourth midnight on; what is no shift changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from features.fold import fold_day
from features.level_shift import level_change
from features.profile import History
from features.snapshot import Snapshot, make_snapshot, usual_locations
from tests.traffic_builders import a_day_curve
from tests.unit.features.test_score_day import DAY, ONE, folded, rows_on

SHIFT_DAY = 16
NOON = SHIFT_DAY * 288 + 144
Counts = NDArray[np.float64]


def a_week_long_curve(days: int, weekend: float = 0.2) -> Counts:
    """A daily curve that is low on two days of seven; day 0 is a Monday."""
    share = np.where(np.arange(days) % 7 >= 5, weekend, 1.0)
    return np.rint(a_day_curve(days * 288) * np.repeat(share, 288))


def shifted(series: Counts, times: float = 3.0, *, start: int = NOON, days: int = 10) -> Counts:
    """The same at another level from ``start`` on, for some days."""
    result = series.copy()
    result[start : start + days * 288] *= times
    return result


def by_midnight(series: Counts, first: int, last: int) -> Iterator[tuple[int, History]]:
    """Days from ``first`` to ``last``, each with the history as of its midnight."""
    history = folded(first, series)
    for day in range(first, last + 1):
        yield day, history
        rows = rows_on(DAY + day, series)
        history.append(ONE, fold_day(make_snapshot(history, ONE, DAY + day), rows))


def snapshot(history: History, day: int, determined: list[int] | None = None) -> Snapshot:
    days = np.array(determined or [], dtype=np.int64) + DAY
    return make_snapshot(history, ONE, DAY + day, (np.zeros(len(days), dtype=np.int64), days))


def times_usual(history: History, series: Counts, day: int, determined: list[int] | None = None) -> Counts:
    """By hour, the location of ``day`` over what the unshifted series usually has; float64 [24]."""
    usual = np.median(series[: 14 * 288].reshape(14, 24, 12).sum(axis=2) / 12, axis=0)
    location = snapshot(history, day, determined).count.location[0].reshape(24, 4).mean(axis=1)
    return location / usual


def is_a_shift(history: History, day: int) -> bool:
    return level_change(history.level_days, history.levels, history.days, DAY + day) is not None


def test_a_shift_is_the_norm_from_the_fourth_midnight_on_and_not_before() -> None:
    series = a_day_curve(30 * 288)
    for day, history in by_midnight(shifted(series), SHIFT_DAY + 1, SHIFT_DAY + 8):
        times = times_usual(history, series, day)
        if day < SHIFT_DAY + 4:
            assert times.max() < 1.6, (day, times)
        else:
            assert np.allclose(times, 3.0, rtol=0.25), (day, times)


def test_scales_of_a_shifted_series_are_those_of_a_series_always_at_that_level() -> None:
    series = a_day_curve(30 * 288)
    day = SHIFT_DAY + 4
    after = snapshot(folded(day, shifted(series)), day)
    always = snapshot(folded(day, 3 * series), day)
    for kind, other in (
        (after.count, always.count),
        (after.peak, always.peak),
        (after.fifteen, always.fifteen),
    ):
        assert kind is not None
        assert other is not None
        for name in ("floor", "spread", "error"):
            assert np.allclose(getattr(kind, name), getattr(other, name), rtol=0.2), name
        assert np.allclose(kind.location, other.location, rtol=0.3, atol=3)
        assert np.nanmedian(kind.season) < 2 * np.nanmedian(other.season)
        assert np.nanmedian(kind.near) < 2 * np.nanmedian(other.near)


def test_a_shift_before_a_weekend_scales_the_weekdays_too() -> None:
    series = a_week_long_curve(30)
    friday = 18
    history = folded(friday + 4, shifted(series, start=friday * 288 + 100))
    times = times_usual(history, np.delete(series.reshape(30, 288), np.s_[5::7], axis=0).ravel(), friday + 4)
    assert np.median(times) > 2.5, times


@pytest.mark.parametrize("weekend", [0.0, 0.1, 0.5, 2.5])
def test_a_week_with_other_days_in_it_is_no_shift(weekend: float) -> None:
    series = a_week_long_curve(25, weekend)
    assert not [day for day, history in by_midnight(series, 3, 24) if is_a_shift(history, day)]


def test_the_days_after_an_outage_or_a_holiday_are_no_shift() -> None:
    series = shifted(a_day_curve(30 * 288), 0.05, start=14 * 288, days=3)
    assert not [day for day, history in by_midnight(series, 15, 26) if is_a_shift(history, day)]


def test_a_burst_on_each_of_three_days_is_no_shift() -> None:
    series = a_day_curve(30 * 288)
    for day in (15, 16, 17):
        series[day * 288 + 40 : day * 288 + 58] += 300
    assert not is_a_shift(folded(18, series), 18)


def test_a_fall_is_followed_by_the_median_alone() -> None:
    series = shifted(a_day_curve(30 * 288), 0.3)
    assert not [day for day, history in by_midnight(series, 17, 24) if is_a_shift(history, day)]


def test_a_part_of_the_day_that_had_nothing_takes_the_level_of_the_new_days_alone() -> None:
    series = a_day_curve(30 * 288)
    by_day = series.reshape(30, 288)
    by_day[:, :144] = 0
    by_day[SHIFT_DAY:, :144] = 50
    location = snapshot(folded(SHIFT_DAY + 3, series), SHIFT_DAY + 3).count.location[0]
    assert np.allclose(location[:48], 50)
    assert np.allclose(location[52:].mean(), by_day[:, 156:].mean(), rtol=0.1)


def test_a_determined_attack_never_becomes_the_norm() -> None:
    series = a_day_curve(40 * 288)
    attacked = shifted(series, days=12)
    for day, history in by_midnight(attacked, SHIFT_DAY + 1, SHIFT_DAY + 10):
        determined = list(range(SHIFT_DAY, day))
        assert np.allclose(times_usual(history, series, day, determined), 1.0, rtol=0.25), day


def test_a_determined_burst_leaves_location_and_scales_as_they_are() -> None:
    series = a_day_curve(30 * 288)
    series[SHIFT_DAY * 288 + 40 : SHIFT_DAY * 288 + 46] += 300
    history = folded(SHIFT_DAY + 1, series)
    with_it, without = snapshot(history, SHIFT_DAY + 1, [SHIFT_DAY]), snapshot(history, SHIFT_DAY + 1)
    for name in ("location", "season", "slot_error", "near", "floor", "error"):
        assert getattr(with_it.count, name).tobytes() == getattr(without.count, name).tobytes(), name


def test_locations_alone_are_those_of_the_snapshot_after_a_shift_too() -> None:
    history = folded(SHIFT_DAY + 4, shifted(a_day_curve(30 * 288)))
    np.testing.assert_array_equal(
        usual_locations(history, ONE, DAY + SHIFT_DAY + 4),
        make_snapshot(history, ONE, DAY + SHIFT_DAY + 4).count.location,
    )
