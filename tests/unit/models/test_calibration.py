"""Pooled calibration: honest in the bulk, never zero, strictly falling, and not blinded by one attack."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import BINS, EDGES, PooledCalibration, bin_of, histogram, p_of, score_of
from models.shipped import shipped_calibration

RNG = np.random.default_rng(5)
POOL = np.where(RNG.random(40_000) < 0.6, 0.0, RNG.exponential(0.3, size=40_000))
FITTED = PooledCalibration().fit(histogram(POOL))


@pytest.mark.parametrize("level", [1e-1, 1e-2, 1e-3, 1e-4])
def test_p_is_what_fresh_data_show(level: float) -> None:
    fresh = np.where(RNG.random(400_000) < 0.6, 0.0, RNG.exponential(0.3, size=400_000))
    share = float((FITTED.log_survival(fresh) <= np.log(level)).mean())
    assert 0.6 * level < share < 1.6 * level


@settings(max_examples=300, deadline=None)
@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_the_score_rises_strictly_with_the_statistic(one: float, other: float) -> None:
    low, high = sorted((one, other))
    scores = score_of(FITTED.log_survival(np.array([low, high])))
    if high - low > 1e-9 * max(high, 1e-6):
        assert scores[0] < scores[1]
    else:
        assert scores[0] <= scores[1]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40), st.integers(1, 30))
def test_the_score_rises_strictly_in_any_pool(bins: list[int], times: int) -> None:
    counts = np.bincount(np.array(bins) % BINS, minlength=BINS) * times
    scores = score_of(PooledCalibration().fit(counts).log_survival(EDGES))
    assert (np.diff(scores) > 0).all()


def test_a_row_of_nothing_has_p_one() -> None:
    assert FITTED.log_survival(np.array([0.0, -3.0])).tolist() == [0.0, 0.0]
    assert score_of(np.array([0.0]))[0] == 0.0


def test_an_unknown_row_has_no_p() -> None:
    assert np.isnan(p_of(FITTED.log_survival(np.array([np.nan])))).all()


def test_p_is_never_zero_and_the_score_never_capped() -> None:
    log_p = FITTED.log_survival(np.array([1e3, 1e6]))
    assert (p_of(log_p) > 0).all()
    assert score_of(log_p)[1] > score_of(log_p)[0] > 1000


def test_the_order_of_the_pool_does_not_matter_and_bins_add_up() -> None:
    parts = histogram(POOL[:100]) + histogram(POOL[100:])
    np.testing.assert_array_equal(parts, histogram(POOL[::-1]))


def test_bins_hold_their_upper_edge() -> None:
    assert bin_of(np.array([-1.0, 0.0, EDGES[1], EDGES[2], 1e9])).tolist() == [0, 0, 1, 2, BINS - 1]


def test_one_attack_does_not_blind_the_pool() -> None:
    attacked = np.concatenate([POOL, np.full(12, 1000.0)])
    before = score_of(FITTED.log_survival(np.array([5.0])))[0]
    after = score_of(PooledCalibration().fit(histogram(attacked)).log_survival(np.array([5.0])))[0]
    assert after > 0.7 * before


def test_an_empty_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="shipped"):
        PooledCalibration().fit(np.zeros(BINS, dtype=np.int64))


def test_other_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="bins"):
        PooledCalibration().fit(np.ones(7, dtype=np.int64))


def test_the_shipped_calibration_rises_strictly_too() -> None:
    scores = score_of(shipped_calibration().log_survival(EDGES))
    assert (np.diff(scores) > 0).all()
