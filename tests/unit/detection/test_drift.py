"""Drift of scores and features between a window's last week and the three before it."""

from __future__ import annotations

import numpy as np
import pytest

from cjp_fraud.detection.drift import Distributions, drift_of, warnings_of

MONDAY = 704
ROWS = 500


def a_window(shift: float, *, rows: int = ROWS, seed: int = 1) -> Distributions:
    """Four weeks of scores and features; those of the last week are moved by ``shift``."""
    random = np.random.default_rng(seed)
    gathered = Distributions()
    for day in range(MONDAY - 28, MONDAY):
        moved = shift if day >= MONDAY - 7 else 0.0
        gathered.add_scores(day, np.append(random.exponential(0.4, rows), np.nan))
        gathered.add_features(day, random.normal(moved, 1.0, (rows, 3)))
    return gathered


def test_a_steady_window_has_no_drift() -> None:
    drift = drift_of(a_window(0.0).indices(MONDAY))
    assert set(drift) == {"score", "count_against_hour", "count_against_season", "count_relative"}
    assert max(drift.values()) < 0.05
    assert warnings_of(drift) == ()


def test_what_has_shifted_is_warned_of_by_its_name() -> None:
    drift = drift_of(a_window(1.0).indices(MONDAY))
    warnings = warnings_of(drift)
    assert [warning.split()[0] for warning in warnings] == [
        "count_against_hour",
        "count_against_season",
        "count_relative",
    ]
    assert drift["score"] < 0.05


def test_days_from_the_monday_on_do_not_count() -> None:
    gathered = a_window(0.0)
    before = gathered.indices(MONDAY)
    gathered.add_scores(MONDAY, np.full(100_000, 9.0))
    assert gathered.indices(MONDAY) == before


def test_too_few_rows_have_no_index() -> None:
    assert a_window(0.0, rows=20).indices(MONDAY) == {}


@pytest.mark.parametrize("cut", [1, 250])
def test_the_rows_may_come_in_pieces(cut: int) -> None:
    scores = np.random.default_rng(2).exponential(0.4, (28, ROWS))
    whole, pieces = Distributions(), Distributions()
    for number, of_day in enumerate(scores):
        whole.add_scores(MONDAY - 28 + number, of_day)
        pieces.add_scores(MONDAY - 28 + number, of_day[cut:])
        pieces.add_scores(MONDAY - 28 + number, of_day[:cut])
    assert whole.indices(MONDAY) == pieces.indices(MONDAY)
