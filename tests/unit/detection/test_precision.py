"""Precision and calibration: shares with their intervals, and what chance would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.detection.calibration_check import calibration_points
from cjp_fraud.detection.precision import precision_of
from cjp_fraud.review.model import Finding
from cjp_fraud.review.shares import share_of
from models.calibration import PooledCalibration, histogram


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81 of 263.
    share = share_of(81, 263)
    assert share is not None
    assert (share.low, share.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_lies_in_its_interval_and_never_outside_of_0_to_1(counts: tuple[int, int]) -> None:
    share = share_of(*counts)
    assert share is not None
    assert -1e-12 <= share.low <= share.share + 1e-12
    assert share.share - 1e-12 <= share.high <= 1 + 1e-12


def test_undetermined_and_unreviewed_cases_stand_beside_the_precision() -> None:
    found = [Finding.FRAUDULENT] * 3 + [Finding.NOT_FRAUDULENT] + [Finding.UNDETERMINED] * 5 + [None] * 7
    precision = precision_of(found, 28)
    assert precision.precision is not None
    assert (precision.precision.share, precision.precision.of) == (0.75, 4)
    assert (precision.undetermined, precision.unreviewed) == (5, 7)


def test_where_nothing_was_decided_there_is_no_precision() -> None:
    assert precision_of([None, Finding.UNDETERMINED], None).precision is None


def test_rows_like_those_of_the_pool_are_seen_about_as_often_as_expected() -> None:
    rng = np.random.default_rng(1)
    calibrated = PooledCalibration().fit(histogram(rng.exponential(size=500_000)))
    points = calibration_points(calibrated, histogram(rng.exponential(size=500_000)))
    assert [round(point.score) for point in points] == [1, 2, 3, 4]
    for point in points[:3]:
        assert abs(point.observed - point.expected) < 5 * point.expected**0.5


def test_rows_of_an_attack_are_seen_more_often_than_expected() -> None:
    rng = np.random.default_rng(1)
    calibrated = PooledCalibration().fit(histogram(rng.exponential(size=500_000)))
    attacked = histogram(np.concatenate([rng.exponential(size=10_000), np.full(200, 12.0)]))
    tail = calibration_points(calibrated, attacked)[2]
    assert tail.observed > 5 * tail.expected
