"""Intervals of shares, points of a calibration, and frames in their documented form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cjp_fraud.analysis.columns import FRAMES, describe, framed
from cjp_fraud.analysis.statistics import calibration_points, wilson


def test_the_interval_of_a_share_is_that_of_wilson() -> None:
    low, high = wilson(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert all(np.isnan(wilson(0, 0)))
    assert wilson(1, 1)[0] < 0.3, "one case says little"


def test_scores_that_keep_their_promise_lie_on_the_diagonal() -> None:
    kept = -np.log10((np.arange(100_000) + 0.5) / 100_000)
    points = calibration_points(np.append(kept, np.nan))
    assert points["seen"].to_numpy() == pytest.approx(points["promised"].to_numpy(), rel=0.02)
    assert (points["low"] <= points["promised"]).all()
    assert (points["promised"] <= points["high"]).all()
    assert points["intervals"].min() >= 10
    assert points["score"].max() == 4.0


def test_a_frame_has_its_columns_in_their_dtypes_whatever_the_rows_have() -> None:
    rows = [{"at": pd.Timestamp("2026-03-01T00:00Z"), "sequence": 3, "other": "x"}, {"actor": "rosa"}]
    frame = framed("case_events", rows)
    assert {str(name): str(dtype) for name, dtype in frame.dtypes.items()} == {
        column.name: column.dtype for column in FRAMES["case_events"]
    }
    assert frame["sequence"].isna().tolist() == [False, True]
    assert len(framed("case_events", [])) == 0


def test_every_column_says_what_it_means() -> None:
    for name, columns in FRAMES.items():
        assert describe(name)["meaning"].str.len().min() > 0, name
        assert len({column.name for column in columns}) == len(columns), name
