"""Each step of the recipe alone: location, level, scales, strength, swing, 15 minutes, own bar, forest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.fifteen import mean_of_three, sums_of_three
from features.hours_of_day import hour_maxima
from features.level import level_of_hour
from features.local_grid import NO_DAY
from features.location import by_slot, days_unlike, fill_slots, interpolate, slot_medians
from features.own_bar import OwnBar, bar, own_bar
from features.quantiles import quantile_of_known
from features.regimes import Regime, regime_of
from features.scales import (
    day_floor,
    hours_around,
    prior_scale,
    scale_of_hour,
    scale_of_season,
    shrunk,
    smallest_change,
    spread_of_hour,
)
from features.second_stage import feature
from features.spike import is_spike
from features.strength import beside_fifteen, both, fifteen_decides, swung, together

NAN = np.nan


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


class TestLocation:
    def test_a_slot_has_the_median_of_its_known_intervals(self) -> None:
        medians = slot_medians(row(1, 9, 2, 7, NAN, NAN), np.array([0, 0, 0, 1, 1, 2]), 4)
        np.testing.assert_array_equal(medians, row(2, 7, NAN, NAN))

    def test_a_slot_that_comes_twice_keeps_all_its_members(self) -> None:
        cube = by_slot(row(1, 2, 3, 4), np.array([0, 1, 0, 0]), 2)
        np.testing.assert_array_equal(cube, [[[1, 3, 4], [2, NAN, NAN]]])

    def test_unknown_slots_are_filled_along_the_circle_of_the_day(self) -> None:
        np.testing.assert_allclose(fill_slots(row(NAN, 4, NAN, 8, NAN, NAN)), row(5, 4, 6, 8, 7, 6))
        np.testing.assert_allclose(fill_slots(row(NAN, 4, NAN, 8)), row(6, 4, 6, 8))

    def test_one_known_slot_fills_the_day_and_none_leaves_it_unknown(self) -> None:
        np.testing.assert_array_equal(
            fill_slots(np.array([[NAN, 3, NAN], [NAN, NAN, NAN]])), [[3, 3, 3], [NAN] * 3]
        )

    def test_interpolation_gives_the_right_slot_its_weight(self) -> None:
        np.testing.assert_allclose(
            interpolate(row(10, 10), row(20, 20), np.array([0.0, 0.25])), row(10, 12.5)
        )


class TestComparableDays:
    SATURDAY = 19_784

    def unlike(self, days: list[int], day: int, *, late: bool = False) -> list[bool]:
        remembered = np.array([[NO_DAY] * (7 - len(days)) + days])
        usual = np.ones((1, 7, 8))
        if days:
            usual[0, 7 - len(days), : 2 if late else 1] = NAN
        return days_unlike(remembered, usual, day)[0, 7 - len(days) :].tolist()

    def test_weekends_say_nothing_of_a_young_series_working_day(self) -> None:
        began = self.SATURDAY
        assert self.unlike([began, began + 1], began + 2) == [True, True]
        assert self.unlike([began - 1, began, began + 1], began + 2) == [False, True, True]

    def test_all_days_say_something_of_a_weekend(self) -> None:
        assert self.unlike([self.SATURDAY - 1, self.SATURDAY], self.SATURDAY + 1) == [False, False]

    def test_all_days_of_a_whole_week_count(self) -> None:
        week = [self.SATURDAY + day for day in range(7)]
        assert not any(self.unlike(week, self.SATURDAY + 9))

    def test_a_first_day_that_began_late_does_not_count(self) -> None:
        tuesday = self.SATURDAY + 3
        assert self.unlike([tuesday, tuesday + 1], tuesday + 2, late=True) == [True, False]

    def test_no_days_are_no_days(self) -> None:
        assert self.unlike([], self.SATURDAY) == []


class TestLevel:
    def test_the_level_is_the_median_of_the_hour_before_without_the_interval_itself(self) -> None:
        residual = row(*range(12), 1000)
        assert level_of_hour(residual, 300)[0, 12] == 5.5

    def test_fewer_than_half_of_the_hour_known_gives_no_level(self) -> None:
        residual = row(*([NAN] * 7 + [8.0] * 5), 1000)
        assert level_of_hour(residual, 300)[0, 12] == 0
        residual[0, 6] = 8.0
        assert level_of_hour(residual, 300)[0, 12] == 8

    def test_intervals_over_a_quarter_hour_have_no_level(self) -> None:
        assert not level_of_hour(row(*[5.0] * 10), 1800).any()

    @given(st.lists(st.floats(-1e6, 1e6), min_size=30, max_size=60), st.integers(1, 16))
    def test_a_cut_of_the_window_changes_no_bit(self, values: list[float], cut: int) -> None:
        whole = level_of_hour(row(*values), 300)
        part = level_of_hour(row(*values[cut:]), 300)
        np.testing.assert_array_equal(whole[:, cut + 12 :], part[:, 12:])


class TestScales:
    def test_the_floor_is_the_geometric_mean_of_mean_error_and_deviation(self) -> None:
        x = np.array([1.0, 2.0, 3.0, 10.0])
        floor, spread = day_floor(row(4), row(x.sum()), row((x * x).sum()), row(np.abs(x - 2.5).mean()))
        np.testing.assert_allclose(spread, x.std())
        np.testing.assert_allclose(floor, np.sqrt(np.abs(x - 2.5).mean() * x.std()))

    def test_the_smallest_change_is_a_share_of_the_maximum_but_never_nothing(self) -> None:
        np.testing.assert_allclose(smallest_change(np.array([[1000.0, 5.0], [0.0, NAN]])), [2.0, 0.1])

    def test_the_hours_around_reach_two_hours_over_midnight(self) -> None:
        n = np.zeros((1, 1, 96))
        n[0, 0, 0] = 2
        near = hours_around(n, n * 3, n * 9, 8)
        known = ~np.isnan(near[0])
        assert np.flatnonzero(known).tolist() == [*range(9), *range(88, 96)]
        np.testing.assert_allclose(near[0, known], 3.0)

    def test_a_scale_of_few_days_leans_on_the_prior(self) -> None:
        np.testing.assert_allclose(shrunk(row(2.0), np.array([3]), row(9.0)), row((3 * 2 + 4 * 9) / 7))
        np.testing.assert_allclose(shrunk(row(2.0), np.array([7]), row(9.0)), row(2.0))
        np.testing.assert_allclose(shrunk(row(2.0), np.array([20]), row(9.0)), row(2.0))

    def test_without_days_of_its_own_a_scale_is_the_prior(self) -> None:
        np.testing.assert_allclose(shrunk(row(NAN, 5.0), np.array([0]), row(9.0, 8.0)), row(9.0, 8.0))

    def test_the_prior_is_poisson_or_a_share_of_the_floor(self) -> None:
        np.testing.assert_allclose(prior_scale(row(16.0, 16.0), row(1.0, 100.0)), row(4.0, 30.0))

    def test_a_quiet_night_has_a_lower_floor_than_the_day(self) -> None:
        one, five = np.array(1.0), np.array(0.0)
        day = scale_of_hour(five, five, one * 10, one * 10, five)
        night = scale_of_hour(five, five, one * 10, one * 0.1, five)
        assert day == pytest.approx(3.0)
        assert night == pytest.approx(0.6)
        assert scale_of_season(five, five, one * 10, one * 0.1, five) == pytest.approx(1.2)

    def test_the_spread_never_falls_under_a_quarter_of_the_days(self) -> None:
        assert spread_of_hour(np.array(4.0), np.array(0.0)) == pytest.approx(1.4826 * 2.0)
        assert spread_of_hour(np.array(4.0), np.array(-2.0)) == pytest.approx(1.4826)


class TestStrength:
    def test_unusual_against_one_alone_is_not_unusual(self) -> None:
        assert both(np.array(37.0), np.array(-1.0), 3.7, 1.7) == 0
        assert both(np.array(-1.0), np.array(17.0), 3.7, 1.7) == 0
        assert both(np.array(3.7), np.array(1.7 * 4), 3.7, 1.7) == pytest.approx(2.0)

    def test_a_dip_after_a_spike_is_a_stronger_sign(self) -> None:
        np.testing.assert_allclose(swung(row(1.0, 0.0), row(3.7, -3.7), 3.7), row(1.5))

    def test_the_swing_counts_no_more_than_half_the_spike(self) -> None:
        np.testing.assert_allclose(swung(row(1.0, 0.0), row(3.7, -370.0), 3.7), row(1.5))

    def test_a_dip_after_little_is_nothing(self) -> None:
        np.testing.assert_allclose(swung(row(0.3, 0.0), row(1.0, -37.0), 3.7), row(0.0))

    def test_an_unknown_interval_before_gives_no_swing(self) -> None:
        np.testing.assert_allclose(swung(row(NAN, 0.2), row(NAN, 1.0), 3.7), row(0.2))

    def test_count_and_peak_are_mixed_where_the_peak_is_known(self) -> None:
        np.testing.assert_allclose(together(row(1.0, 1.0), row(2.0, NAN)), row(1.7, 1.0))
        np.testing.assert_allclose(together(row(1.0), None), row(1.0))


def plain_mean_of_three(counts: list[float]) -> list[float]:
    """x₁₅ of one series, as the recipe says it."""
    means = []
    for at, own in enumerate(counts):
        known = [x for x in counts[max(at - 2, 0) : at + 1] if not math.isnan(x)]
        means.append(NAN if math.isnan(own) else sum(known) / len(known))
    return means


MAYBE = st.one_of(st.integers(0, 1000).map(float), st.just(NAN))


class TestFifteenMinutes:
    @given(st.lists(MAYBE, min_size=1, max_size=20))
    def test_the_mean_is_that_of_the_known_intervals_of_three(self, counts: list[float]) -> None:
        np.testing.assert_allclose(mean_of_three(row(*counts))[0], plain_mean_of_three(counts))

    @given(st.lists(st.tuples(MAYBE, MAYBE), min_size=1, max_size=20))
    def test_sums_count_the_intervals_of_which_seen_and_usual_are_known(
        self, pairs: list[tuple[float, float]]
    ) -> None:
        seen, usual = sums_of_three(row(*(x for x, _ in pairs)), row(*(m for _, m in pairs)))
        for at in range(len(pairs)):
            near = [pair for pair in pairs[max(at - 2, 0) : at + 1] if not math.isnan(sum(pair))]
            expected = (
                [sum(part) for part in zip(*near, strict=True)]
                if not math.isnan(sum(pairs[at]))
                else [NAN] * 2
            )
            np.testing.assert_allclose([seen[0, at], usual[0, at]], expected)

    @given(st.lists(MAYBE, min_size=20, max_size=30), st.integers(1, 15))
    def test_a_cut_of_the_window_changes_no_bit(self, counts: list[float], cut: int) -> None:
        whole, part = mean_of_three(row(*counts)), mean_of_three(row(*counts[cut:]))
        np.testing.assert_array_equal(whole[:, cut + 2 :], part[:, 2:])

    def test_the_stronger_of_both_counts(self) -> None:
        strength, fifteen = row(0.9, 0.9, 0.9, NAN), row(0.843, 8.43, NAN, 8.43)
        np.testing.assert_allclose(beside_fifteen(strength, fifteen), row(1.0, 8.0, 1.0, NAN))
        assert fifteen_decides(strength, fifteen).tolist() == [[False, True, False, False]]

    def test_without_the_fifteen_minutes_count_and_peak_stand_alone(self) -> None:
        np.testing.assert_allclose(beside_fifteen(row(1.8), None), row(2.0))


TODAY = 20_000


def a_past(*days: tuple[int, float, float, int], hours: NDArray[np.float64] | None = None) -> OwnBar:
    """Own bar of one series from days of (days ago, maximum, 95 % quantile, folded days of its snapshot).

    ``hours`` [days, 24] are their maxima by hour, not known if left out.
    """
    ago, maxima, upper, folded = (np.array([values], dtype=float) for values in zip(*days, strict=True))
    by_hour = np.full((1, len(days), 24), NAN) if hours is None else hours[None]
    return own_bar(TODAY - ago.astype(np.int64), maxima, upper, folded, by_hour, TODAY)


def days_by_hour(hours: NDArray[np.float64]) -> OwnBar:
    """Own bar of one series from the maxima by hour of its last days; float64 [days, 24], the last is yesterday's."""
    days = [(len(hours) - row, float(of.max()), float(np.sort(of)[-2]), 7) for row, of in enumerate(hours)]
    return a_past(*days, hours=hours)


class TestOwnBar:
    @given(st.floats(0, 1), st.integers(1, 4))
    def test_the_quantile_is_numpys_of_the_known_days(self, share: float, least: int) -> None:
        values = np.random.default_rng(0).exponential(size=(5, 60))
        values[:, :37] = NAN
        np.testing.assert_allclose(
            quantile_of_known(values, share, least=least), np.nanquantile(values, share, axis=1)
        )

    def test_fewer_values_than_needed_have_no_quantile(self) -> None:
        assert np.isnan(quantile_of_known(row(1, 2, NAN), 0.5, least=3))

    def test_the_bar_is_the_largest_of_four_parts_with_slack(self) -> None:
        zero = np.array([0.0])
        for parts, height in (
            ((0, 0, 0, 0), 1),
            ((20, 0, 0, 0), 8),
            ((0, 6, 0, 0), 8),
            ((0, 0, 1.12, 0), 8),
            ((0, 0, 0, 3), 4),
            ((5, 3, 0.28, 1.5), 1),
        ):
            assert bar(OwnBar(*(zero + part for part in parts), zero + 99)) == pytest.approx(height)

    def test_rare_maxima_count_at_once_but_only_of_days_with_a_whole_week_before_them(self) -> None:
        assert a_past((1, 50.0, 0.1, 7)).rare[0, 0] == 50
        assert a_past((2, 50.0, 0.1, 6), (1, 8.0, 0.1, 7)).rare[0, 0] == 8
        assert a_past((1, 50.0, 0.1, 6)).rare[0, 0] == 0

    def test_habit_and_noise_are_medians_from_three_days_on(self) -> None:
        two = a_past((2, 5.0, 0.5, 2), (1, 9.0, 0.9, 3))
        assert (two.habit[0, 0], two.noise[0, 0]) == (0, 0)
        three = a_past((3, 7.0, 0.7, 2), (2, 5.0, 0.5, 3), (1, 9.0, 0.9, 4))
        assert (three.habit[0, 0], three.noise[0, 0]) == (7, pytest.approx(0.7))

    def test_a_provisional_bar_from_few_days_fades_as_scored_days_come(self) -> None:
        assert a_past((1, 20.0, 0.1, 1)).provisional == pytest.approx(2 * (20 / 3) ** 3)
        assert a_past((2, 20.0, 0.1, 1), (1, 1.0, 0.1, 2)).provisional == pytest.approx(
            (10.5 / 3) ** (3 * 2 / 3)
        )
        days = [(3, 20.0, 0.1, 1), (2, 1.0, 0.1, 2), (1, 1.0, 0.1, 3)]
        assert a_past(*days).provisional == pytest.approx(8 ** (1 / 3))
        three = a_past((4, 99.0, 9.0, 1), *((ago, 1.0, 0.1, 5 - ago) for ago in (3, 2, 1)))
        assert three.provisional == 1  # its habit and its noise are known by now

    def test_noise_is_remembered_for_four_weeks_and_maxima_for_sixty_days(self) -> None:
        days = [(ago, 10.0 + ago, 1.0 + ago, 7) for ago in (61, 60, 59, 29, 28, 27, 26)]
        own = a_past(*days)
        assert own.habit[0, 0] == np.median([10 + ago for ago in (60, 59, 29, 28, 27, 26)])
        assert own.noise[0, 0] == np.median([1 + ago for ago in (28, 27, 26)])
        assert own.rare[0, 0] == pytest.approx(
            np.quantile([10 + ago for ago in (60, 59, 29, 28, 27, 26)], 0.95)
        )

    def test_a_few_real_events_do_not_raise_the_bar(self) -> None:
        days = [(ago, 50.0 if ago % 20 == 0 else 0.5, 0.1, 7) for ago in range(40, 0, -1)]
        assert (bar(a_past(*days)) < 3).all()

    def test_the_noise_of_a_busy_day_does_not_raise_the_bar_of_the_night(self) -> None:
        hours = np.tile(np.where((np.arange(24) >= 8) & (np.arange(24) < 18), 1.0, 0.1), (10, 1))
        own = days_by_hour(hours)
        assert own.noise[0, 12] == 1.0
        assert own.noise[0, 2] == pytest.approx(0.1)
        assert (bar(own)[0, 2], bar(own)[0, 12] > 6) == (1, True)

    def test_what_is_as_noisy_all_day_long_keeps_the_bar_of_the_day(self) -> None:
        noise = np.random.default_rng(3).exponential(0.3, size=(28, 288))
        upper = np.quantile(noise, 0.95, axis=1)
        days = [(28 - row, float(noise[row].max()), float(upper[row]), 7) for row in range(28)]
        own = a_past(*days, hours=noise.reshape(28, 24, 12).max(axis=2))
        assert (own.noise == np.median(upper)).all()

    def test_a_job_that_recurs_at_an_hour_raises_the_bar_there_and_nowhere_else(self) -> None:
        hours = np.full((20, 24), 0.3)
        hours[np.arange(20), np.where(np.arange(20) % 2, 2, 3)] = 9.0  # now at two, now at three
        own = days_by_hour(hours)
        assert (own.recurring[0, 2], own.recurring[0, 3]) == (9, 9)
        assert (own.habit[0, 2], own.rare[0, 2]) == (9, 9)
        assert (own.habit[0, 14], own.rare[0, 14], own.recurring[0, 14]) == pytest.approx((0.3, 0.3, 0.3))
        assert bar(own)[0, 14] < 1.2
        assert bar(own)[0, 2] > 25

    def test_events_at_other_hours_every_day_do_not_recur(self) -> None:
        hours = np.full((24, 24), 0.2)
        hours[np.arange(24), np.arange(24) * 7 % 24] = 4.0
        own = days_by_hour(hours)
        assert (own.recurring == 0.2).all()
        assert (own.habit == 4.0).all()

    def test_hours_count_from_three_days_on(self) -> None:
        hours = np.full((3, 24), 0.2)
        assert (days_by_hour(hours[:2]).recurring == 0).all()
        assert (days_by_hour(hours).recurring == 0.2).all()


def test_an_hour_has_a_maximum_from_six_known_intervals_on() -> None:
    values = np.arange(288.0)[None].copy()
    values[0, 12:19], values[0, 24:30] = NAN, NAN
    maxima = hour_maxima(values, np.arange(288) // 3, 96)
    assert np.isnan(maxima[0, 1])
    assert maxima[0, [0, 2, 23]].tolist() == [11, 35, 287]
    assert np.isnan(hour_maxima(np.ones((1, 24)), np.arange(24), 24)).all()


def test_regimes_are_told_by_folded_days_and_known_peaks() -> None:
    peaks = np.array([[False, True]] * 5)
    regimes = regime_of(np.array([0, 1, 2, 6, 7]), peaks)
    assert regimes.tolist() == [
        [Regime.COLD, Regime.COLD],
        [Regime.COLD, Regime.COLD],
        [Regime.YOUNG, Regime.YOUNG_PEAK],
        [Regime.YOUNG, Regime.YOUNG_PEAK],
        [Regime.SETTLED, Regime.SETTLED_PEAK],
    ]


def test_the_forest_sees_only_what_is_upward() -> None:
    np.testing.assert_allclose(feature(np.array([-5.0, 0.0]), 2.0), np.log(0.05))
    np.testing.assert_allclose(feature(np.array([2.0]), 2.0), np.log(1.05))


@pytest.mark.parametrize(
    ("excess", "baseline", "spike"),
    [
        (5.0, 50.0, True),
        (4.9, 1.0, False),
        (9.0, 91.0, False),
        (-50.0, 1.0, False),
        (0.0, 0.0, False),
        (NAN, 1.0, False),
    ],
)
def test_a_spike_has_a_least_absolute_and_relative_excess(
    excess: float, baseline: float, spike: bool
) -> None:
    at = np.array([excess]), np.array([baseline])
    assert bool(is_spike(*at, np.array([5.0]), np.array([0.1]))[0]) is spike


def test_a_downward_interval_is_no_spike_even_without_a_minimum() -> None:
    zero = np.array([0.0])
    assert not is_spike(np.array([-1.0]), np.array([5.0]), zero - 99, zero - 99).any()
