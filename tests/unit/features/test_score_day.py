"""Histories, snapshots, folding and scoring together: what a score may depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.fold import fold_day
from features.local_grid import local_grid
from features.profile import SLOT_MEMORY_DAYS, History
from features.score_day import Model, Rows, score_day
from features.snapshot import Snapshot, make_snapshot, usual_locations
from tests.traffic_builders import a_day_curve

DAY = 19_786
ONE = np.array([0])


def rows_on(day: int, series: NDArray[np.float64], *, first: int = DAY, peaks: bool = True) -> Rows:
    """Intervals of one UTC day of a series that begins on the day ``first``; before it nothing is known."""
    grid = local_grid("Etc/UTC", day, 300)
    padded = np.concatenate([np.full(15, np.nan), series])
    begin = (day - first) * 288
    counts = padded[None, begin : begin + 288 + 15].copy()
    return Rows(grid, counts, np.ceil(counts / 4) if peaks else None)


def folded(days: int, series: NDArray[np.float64], *, peaks: bool = True) -> History:
    history = History.empty(1, 96)
    for day in range(DAY, DAY + days):
        history.append(ONE, fold_day(make_snapshot(history, ONE, day), rows_on(day, series, peaks=peaks)))
    return history


def snapshot_after(days: int, series: NDArray[np.float64], *, peaks: bool = True) -> Snapshot:
    return make_snapshot(folded(days, series, peaks=peaks), ONE, DAY + days)


SERIES = a_day_curve(30 * 288)
TEN_DAYS = snapshot_after(10, SERIES)
"""For reading only."""


def test_a_burst_scores_far_above_everything_else() -> None:
    series = SERIES.copy()
    series[10 * 288 + 40 : 10 * 288 + 43] += 60
    scored = score_day(snapshot_after(10, series), rows_on(DAY + 10, series), Model())
    statistic = scored.statistic[0]
    assert 39 < int(np.nanargmax(statistic)) < 44
    assert np.nanmax(statistic) > 4 * np.nanmax(np.delete(statistic, np.s_[38:56]))


def test_the_first_snapshot_has_locations_only() -> None:
    snapshot = snapshot_after(1, SERIES)
    assert not np.isnan(snapshot.count.location).any()
    assert np.isnan(snapshot.count.season).all()
    assert snapshot.count.scale_days.tolist() == [0]


@pytest.mark.parametrize(("days", "scored"), [(0, False), (1, False), (2, True), (7, True)])
def test_a_series_is_scored_from_its_third_day_on(days: int, scored: bool) -> None:
    day = score_day(snapshot_after(days, SERIES), rows_on(DAY + days, SERIES), Model())
    assert bool((~np.isnan(day.statistic)).all()) is scored


def test_an_unknown_interval_has_no_score() -> None:
    series = SERIES.copy()
    series[10 * 288 + 7] = np.nan
    day = score_day(snapshot_after(10, series), rows_on(DAY + 10, series), Model())
    assert np.flatnonzero(np.isnan(day.statistic[0])).tolist() == [7]


def test_without_a_peak_the_count_decides_alone() -> None:
    with_peak = score_day(snapshot_after(10, SERIES), rows_on(DAY + 10, SERIES, peaks=False), Model())
    without = score_day(
        snapshot_after(10, SERIES, peaks=False), rows_on(DAY + 10, SERIES, peaks=False), Model()
    )
    np.testing.assert_array_equal(with_peak.strength, without.strength)
    np.testing.assert_array_equal(without.strength, without.count_strength)


def test_a_series_of_nothing_then_something_has_a_finite_score() -> None:
    series = np.zeros(30 * 288)
    series[10 * 288 + 5] = 4
    day = score_day(snapshot_after(10, series), rows_on(DAY + 10, series), Model())
    assert np.isfinite(day.statistic).all()
    assert np.nanargmax(day.statistic[0]) == 5


def test_a_constant_series_scores_nothing() -> None:
    day = score_day(
        snapshot_after(10, np.full(30 * 288, 7.0)), rows_on(DAY + 10, np.full(30 * 288, 7.0)), Model()
    )
    assert not day.statistic.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 287), st.floats(0, 1e6))
def test_changing_the_future_changes_no_past_score(at: int, count: float) -> None:
    changed = SERIES.copy()
    changed[10 * 288 + at] = count
    before = score_day(TEN_DAYS, rows_on(DAY + 10, SERIES), Model()).statistic
    after = score_day(TEN_DAYS, rows_on(DAY + 10, changed), Model()).statistic
    np.testing.assert_array_equal(before[:, :at], after[:, :at])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 287))
def test_a_score_needs_only_the_hour_and_a_quarter_before_it(at: int) -> None:
    whole = rows_on(DAY + 10, SERIES)
    cut = whole.counts.copy()
    cut[:, :at] = np.nan
    cut[:, at + 16 :] = np.nan
    part = Rows(whole.grid, cut, np.ceil(cut / 4))
    expected = score_day(TEN_DAYS, whole, Model()).statistic[:, at]
    assert score_day(TEN_DAYS, part, Model()).statistic[:, at].tobytes() == expected.tobytes()


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 28), st.integers(0, 5))
def test_a_snapshot_is_the_same_alone_and_among_others(days: int, others: int) -> None:
    crowd = np.vstack([SERIES, *(a_day_curve(len(SERIES), seed=1 + other) for other in range(others))])
    history = History.empty(len(crowd), 96)
    everyone = np.arange(len(crowd))
    for day in range(DAY, DAY + days):
        parts = [rows_on(day, one) for one in crowd]
        rows = Rows(
            parts[0].grid,
            np.vstack([part.counts for part in parts]),
            np.vstack([part.peaks for part in parts if part.peaks is not None]),
        )
        history.append(everyone, fold_day(make_snapshot(history, everyone, day), rows))
    among = make_snapshot(history, everyone, DAY + days).take(ONE)
    alone = snapshot_after(days, SERIES)
    for name in ("location", "season", "slot_error", "near", "floor", "error", "spread"):
        assert getattr(among.count, name).tobytes() == getattr(alone.count, name).tobytes(), name
    for part in ("rare", "habit", "noise", "recurring", "provisional"):
        assert getattr(among.own, part).tobytes() == getattr(alone.own, part).tobytes(), part


def test_a_snapshot_refuses_to_see_its_own_day() -> None:
    history = folded(3, SERIES)
    with pytest.raises(ValueError, match="may only see days before"):
        make_snapshot(history, ONE, DAY + 2)


def test_a_day_is_folded_once() -> None:
    history = folded(3, SERIES)
    profile = fold_day(make_snapshot(history, ONE, DAY + 3), rows_on(DAY + 3, SERIES))
    history.append(ONE, profile)
    with pytest.raises(ValueError, match="not newer"):
        history.append(ONE, profile)


def test_a_weekend_without_rows_is_remembered_over() -> None:
    history = folded(5, SERIES)
    assert not np.isnan(make_snapshot(history, ONE, DAY + 7).count.location).any()


def test_a_long_silence_is_forgotten() -> None:
    history = folded(5, SERIES)
    newest = DAY + 4
    assert not np.isnan(make_snapshot(history, ONE, newest + SLOT_MEMORY_DAYS).count.location).any()
    assert np.isnan(make_snapshot(history, ONE, newest + SLOT_MEMORY_DAYS + 1).count.location).all()


def test_locations_for_gaps_are_those_of_the_snapshot() -> None:
    history = folded(9, SERIES)
    np.testing.assert_array_equal(
        usual_locations(history, ONE, DAY + 9), make_snapshot(history, ONE, DAY + 9).count.location
    )


def test_a_day_is_folded_to_its_largest_and_its_upper_value_before_the_own_bar() -> None:
    snapshot, rows = snapshot_after(10, SERIES), rows_on(DAY + 10, SERIES)
    profile = fold_day(snapshot, rows)
    scored = score_day(snapshot, rows, Model())
    assert profile.maximum.tolist() == [scored.unbarred.max()]
    np.testing.assert_allclose(profile.upper, np.quantile(scored.unbarred, 0.95, axis=1))
    assert profile.folded.tolist() == [7]
    np.testing.assert_array_equal(profile.hours, scored.unbarred.reshape(1, 24, 12).max(axis=2))
    assert profile.count.n.tolist() == [288]
    assert profile.count.largest.tolist() == [SERIES[10 * 288 : 11 * 288].max()]


def test_the_cold_day_before_the_first_scores_counts_for_the_provisional_bar_alone() -> None:
    first, second = (fold_day(snapshot_after(days, SERIES), rows_on(DAY + days, SERIES)) for days in (0, 1))
    assert np.isnan([first.maximum[0], first.upper[0]]).all()
    assert second.maximum[0] > 0
    own = snapshot_after(2, SERIES).own
    for part in (own.rare, own.habit, own.noise, own.recurring):
        assert (part == 0).all()
    assert own.provisional[0] >= 1


def test_days_with_a_determined_event_are_left_out_of_the_own_bar() -> None:
    series = SERIES.copy()
    series[9 * 288 + 100 : 9 * 288 + 104] += 400
    history = folded(10, series)
    with_it = make_snapshot(history, ONE, DAY + 10).own
    without = make_snapshot(history, ONE, DAY + 10, (np.array([0]), np.array([DAY + 9]))).own
    quiet = make_snapshot(folded(10, SERIES), ONE, DAY + 10, (np.array([0]), np.array([DAY + 9]))).own
    assert (with_it.rare > 10 * without.rare).all()
    for part in ("rare", "habit", "noise", "recurring"):
        np.testing.assert_array_equal(getattr(without, part), getattr(quiet, part))


def test_the_fifteen_minutes_look_back_over_midnight() -> None:
    series = SERIES.copy()
    series[10 * 288 - 2 : 10 * 288] += 200
    snapshot = snapshot_after(10, SERIES)
    scored = score_day(snapshot, rows_on(DAY + 10, series), Model())
    assert scored.by_fifteen[0, 0]
    assert scored.measured.sum_of_three is not None
    assert scored.measured.sum_of_three[0, 0] == series[10 * 288 - 2 : 10 * 288 + 1].sum()


def test_only_five_minute_intervals_have_fifteen_minutes() -> None:
    grid = local_grid("Etc/UTC", DAY, 900)
    rows = Rows(grid, np.ones((1, len(grid.starts))), None)
    profile = fold_day(make_snapshot(History.empty(1, 96), ONE, DAY), rows)
    assert profile.fifteen is None
    assert fold_day(make_snapshot(History.empty(1, 96), ONE, DAY), rows_on(DAY, SERIES)).fifteen is not None


class Shouting:
    """A forest that finds everything utterly unusual."""

    def anomaly(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ones(len(features))


def test_what_a_forest_says_is_kept_and_changes_no_statistic() -> None:
    snapshot, rows = snapshot_after(10, SERIES), rows_on(DAY + 10, SERIES)
    plain, with_forest = (
        score_day(snapshot, rows, Model()),
        score_day(snapshot, rows, Model(Shouting(), None)),
    )
    np.testing.assert_array_equal(plain.statistic, with_forest.statistic)
    assert np.isnan(plain.anomaly).all()
    seen = ~np.isnan(with_forest.anomaly)
    np.testing.assert_array_equal(seen, with_forest.strength > 0.15)
    assert seen.any()
