"""Each step of the recipe alone: location, level, scales, strength, swing, own bar, second stage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.constants import SHIPPED, KindConstants, RecipeConstants
from features.level import level_of_hour
from features.location import by_slot, fill_slots, interpolate, slot_medians
from features.own_bar import at_constants, bar, own_maxima, quantile_of_days
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
from features.second_stage import factor, feature
from features.spike import is_spike
from features.strength import both, swung, together

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


class TestOwnBar:
    def test_the_quantile_is_numpys_of_the_known_days(self) -> None:
        maxima = np.random.default_rng(0).exponential(size=(5, 60))
        maxima[:, :37] = NAN
        np.testing.assert_allclose(quantile_of_days(maxima, 0.95, 14), np.nanquantile(maxima, 0.95, axis=1))

    def test_the_bar_is_one_until_enough_maxima_are_known(self) -> None:
        few = np.full((1, 6), 100.0)
        assert bar(own_maxima(few, few * NAN), SHIPPED) == 1
        many = np.full((1, 14), 100.0)
        assert bar(own_maxima(many, many * NAN), SHIPPED) > 100

    def test_a_few_real_events_do_not_raise_the_bar(self) -> None:
        maxima = np.full((1, 40), 0.5)
        maxima[0, ::20] = 50.0
        assert bar(own_maxima(maxima, maxima * NAN), SHIPPED) == 1

    def test_what_happens_on_most_days_is_a_habit(self) -> None:
        maxima = np.full((1, 7), 0.9 * 4)
        assert bar(own_maxima(maxima, maxima * NAN), SHIPPED) == pytest.approx(8.0)

    def test_maxima_are_brought_to_a_models_constants(self) -> None:
        doubled = RecipeConstants(KindConstants(7.4, 3.4, 1.0), KindConstants(11.6, 4.8, 1.0), 0.9, 0.9)
        np.testing.assert_allclose(at_constants(np.array([4.0]), np.array([NAN]), doubled), [2.0])
        np.testing.assert_allclose(
            at_constants(np.array([4.0]), np.array([8.0]), doubled), [0.3 * 2 + 0.7 * 4]
        )


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


def test_the_second_stage_sees_only_what_is_upward() -> None:
    np.testing.assert_allclose(feature(np.array([-5.0, 0.0]), 2.0), np.log(0.05))
    np.testing.assert_allclose(feature(np.array([2.0]), 2.0), np.log(1.05))
    np.testing.assert_allclose(factor(np.array([0.65, 1.15])), [1.0, np.e])


@pytest.mark.parametrize(
    ("excess", "baseline", "spike"),
    [
        (5.0, 5.0, True),
        (4.9, 1.0, False),
        (9.0, 10.0, False),
        (-50.0, 1.0, False),
        (0.0, 0.0, False),
        (NAN, 1.0, False),
    ],
)
def test_a_spike_has_a_least_absolute_and_relative_excess(
    excess: float, baseline: float, spike: bool
) -> None:
    at = np.array([excess]), np.array([baseline])
    assert bool(is_spike(*at, np.array([5.0]), np.array([1.0]))[0]) is spike


def test_a_downward_interval_is_no_spike_even_without_a_minimum() -> None:
    zero = np.array([0.0])
    assert not is_spike(np.array([-1.0]), np.array([5.0]), zero - 99, zero - 99).any()
