"""The simpler detectors of the benchmark: each on series whose score follows by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.detectors import (
    DAY,
    DETECTORS,
    Counts,
    adaptive_floor,
    ecod,
    fixed_limits,
    rolling_z,
    seasonal_mad,
)


def counts(offered: np.ndarray, **others: np.ndarray) -> Counts:
    """One series; the others are 0 unless said."""
    nothing = np.zeros_like(offered)
    names = ("peak", "concurrent", "connected")
    return Counts(offered[None], *(others.get(name, nothing)[None] for name in names))


def test_rolling_z_is_the_distance_from_the_day_before_in_its_deviations() -> None:
    x = np.tile([8.0, 12.0], DAY)  # mean 10, deviation 2
    x[DAY + 100] = 20.0
    assert rolling_z(counts(x))[0, DAY + 100] == pytest.approx(5.0)


def test_a_flat_series_has_a_scale_of_one_contact() -> None:
    x = np.zeros(2 * DAY)
    x[DAY + 5] = 3.0
    assert rolling_z(counts(x))[0, DAY + 5] == 3.0
    days = np.zeros(8 * DAY)
    days[7 * DAY + 5] = 3.0
    assert seasonal_mad(counts(days))[0, 7 * DAY + 5] == 3.0


def test_fixed_limits_are_multiples_of_the_critical_ones() -> None:
    x = np.zeros(DAY)
    x[:10] = 7.0
    score = fixed_limits(counts(x, peak=np.full(DAY, 2.0), concurrent=np.full(DAY, 1.0)))[0]
    assert score[[0, 9, 20]].tolist() == [0.4, 2.0, 2.0]  # peak 2 of 5; then 70 calls of 35


def test_the_adaptive_floor_forgives_failures_in_proportion_to_what_was_connected() -> None:
    x = np.zeros(2 * DAY)
    x[DAY : DAY + 12] = 5.0  # 60 in an hour, none connected: 60 / 3.33 in the hour, 60 / 20 in the day
    assert adaptive_floor(counts(x))[0, DAY + 11] == pytest.approx(60 / (20 / 6))
    busy = np.full(2 * DAY, 100.0)
    busy[DAY : DAY + 12] += 5.0
    connected = np.full(2 * DAY, 100.0)
    assert adaptive_floor(counts(busy, connected=connected))[0, DAY + 11] < 1.0


def test_ecod_sums_the_tails_of_both_features_and_scores_nothing_while_it_learns() -> None:
    x = np.tile([1.0, 1.0, 1.0, 5.0], 4 * DAY)
    x[-1] = 9.0
    score = ecod(counts(x))[0]
    assert np.isnan(score[: 14 * DAY + 1]).all()
    n = 14 * DAY + 1  # rows learned on, and the one that is scored
    # Both features lean to the right: no row is as large as 9, all are as large as 1.
    assert score[-1] == pytest.approx(np.log(n))


@pytest.mark.parametrize("name", DETECTORS)
def test_no_detector_sees_the_future(name: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.poisson(30.0, size=16 * DAY).astype(float)
    other = x.copy()
    other[15 * DAY :] = 500.0
    before, after = (
        DETECTORS[name](counts(series, peak=series / 3, concurrent=series / 2, connected=series * 0.9))[0]
        for series in (x, other)
    )
    assert np.array_equal(before[: 15 * DAY], after[: 15 * DAY], equal_nan=True)
    assert not np.isnan(before[14 * DAY + 1 :]).any()
