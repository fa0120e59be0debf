"""Benjamini–Hochberg by families, the threshold search, and pooled constants, against plain re-statements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.discovery import rejected
from models.pooled import geometric_mean, pooled_upper
from models.threshold import smallest_threshold

P_VALUES = st.lists(st.floats(1e-300, 1.0), min_size=1, max_size=25)


def by_the_book(p: list[float], q: float) -> list[bool]:
    ordered = sorted(p)
    passing = [k for k, value in enumerate(ordered, 1) if np.log(value) <= np.log(q * k / len(p))]
    limit = ordered[passing[-1] - 1] if passing else -1.0
    return [value <= limit for value in p]


@given(st.lists(P_VALUES, min_size=1, max_size=4), st.floats(0.01, 0.5))
def test_each_family_is_judged_as_in_the_paper(families: list[list[float]], q: float) -> None:
    codes = np.repeat(np.arange(len(families)), [len(family) for family in families])
    found = rejected(codes, np.log(np.concatenate([np.array(family) for family in families])), q)
    expected = [flag for family in families for flag in by_the_book(family, q)]
    for flag, value, own in zip(expected, np.concatenate(families), found, strict=True):
        # Of ties at the limit the paper rejects all; ours does too, up to the ties' order.
        assert bool(own) == flag or np.count_nonzero(np.concatenate(families) == value) > 1


def test_rows_without_p_are_in_no_family() -> None:
    log_p = np.log(np.array([1e-3, np.nan, np.nan]))
    assert rejected(np.zeros(3, dtype=np.int64), log_p, 0.1).tolist() == [True, False, False]


def test_p_that_underflows_is_still_rejected() -> None:
    assert rejected(np.zeros(2, dtype=np.int64), np.array([-5000.0, -0.1]), 0.1).tolist() == [True, False]


def test_no_rows_reject_nothing() -> None:
    assert rejected(np.empty(0, dtype=np.int64), np.empty(0), 0.1).shape == (0,)


def test_a_rate_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="false-discovery rate"):
        rejected(np.zeros(1, dtype=np.int64), np.zeros(1), 1.5)


def episodes(flags: list[tuple[int, int, float]], threshold: float) -> int:
    kept = sorted((tenant, start) for tenant, start, score in flags if score >= threshold)
    return sum(
        not (i and kept[i - 1][0] == tenant and start - kept[i - 1][1] <= 3600)
        for i, (tenant, start) in enumerate(kept)
    )


FLAGS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 30).map(lambda half: half * 1800), st.integers(1, 12).map(float)
    ),
    max_size=30,
    unique_by=lambda flag: flag[:2],
)


@given(FLAGS, st.floats(0, 8))
def test_the_threshold_is_the_smallest_before_the_budget_is_first_exceeded(
    flags: list[tuple[int, int, float]], budget: float
) -> None:
    tenants, starts, scores = (np.array([flag[i] for flag in flags]) for i in range(3))
    found = smallest_threshold(
        tenants.astype(np.int64),
        starts.astype(np.int64),
        scores.astype(float),
        budget=budget,
        gap_seconds=3600,
        floor=0.5,
    )
    levels = sorted({score for _, _, score in flags}, reverse=True)
    expected = 0.5
    for level in levels:
        if episodes(flags, level) > budget:
            expected = float(np.nextafter(level, np.inf))
            break
    assert found == expected


def test_a_quiet_window_gives_the_floor() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert smallest_threshold(nothing, nothing, np.empty(0), budget=1, gap_seconds=3600, floor=3.0) == 3.0


def test_pooled_constants_are_geometric_means_of_upper_quantiles() -> None:
    maxima = np.full((4, 28), np.nan)
    maxima[0, :10], maxima[1, :10] = 2.0, 8.0
    maxima[2, :3] = 1000.0
    maxima[3, :10] = 0.0
    mean, series = pooled_upper(maxima)
    assert mean == pytest.approx(4.0)
    assert series == 2


def test_nothing_has_no_mean() -> None:
    assert np.isnan(pooled_upper(np.empty((0, 28)))[0])
    assert np.isnan(geometric_mean(np.array([np.nan, 0.0]))[0])


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30), st.randoms())
def test_the_order_of_the_series_changes_no_bit(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert geometric_mean(np.array(values)) == geometric_mean(np.array(shuffled))
