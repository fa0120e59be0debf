"""Intervals of which only a part was covered: in proportion, from half on, and only once they are closed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.detection.coverage import PartlyCovered, in_proportion, is_known
from cjp_fraud.detection.series import arrange
from tests.traffic_builders import MONDAY, in_zone, rows_of

FIVE = np.array([300, 300, 300, 300])
PLACES = np.zeros(4, dtype=np.int64), np.arange(4) * 300


def test_counts_are_brought_to_the_whole_interval() -> None:
    counts, partly = in_proportion(
        np.array([10.0, 10.0, 10.0, 10.0]), np.array([300.0, 240.0, 150.0, 149.0]), FIVE, *PLACES, None
    )
    np.testing.assert_allclose(counts, [10.0, 12.5, 20.0, np.nan])
    assert partly.start.tolist() == [300, 600]
    np.testing.assert_array_equal(partly.seconds_of(*PLACES), [np.nan, 240.0, 150.0, np.nan])


def test_an_open_interval_that_is_covered_in_part_is_unknown() -> None:
    counts, partly = in_proportion(
        np.full(4, 10.0), np.array([240.0, 240.0, 240.0, 300.0]), FIVE, *PLACES, open_from=600
    )
    np.testing.assert_allclose(counts, [12.5, 12.5, np.nan, 10.0])
    assert partly.start.tolist() == [0, 300]


def test_without_a_coverage_every_interval_is_whole() -> None:
    counts, partly = in_proportion(np.array([1.0, np.nan, 3.0, 4.0]), None, FIVE, *PLACES, None)
    np.testing.assert_array_equal(counts, [1.0, np.nan, 3.0, 4.0])
    assert not len(partly.series)


@pytest.mark.parametrize(
    ("covered", "known"), [(0, False), (149, False), (150, True), (300, True), (301, True)]
)
def test_half_of_an_interval_is_enough(covered: float, known: bool) -> None:
    assert bool(is_known(np.array([float(covered)]), np.array([300]))[0]) is known


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(-5, 5), st.integers(150, 299)), unique_by=lambda row: row[:2]
    ),
    st.lists(st.tuples(st.integers(0, 4), st.integers(-6, 6))),
)
def test_each_row_finds_its_own_coverage(
    known: list[tuple[int, int, int]], asked: list[tuple[int, int]]
) -> None:
    ordered = sorted(known)
    columns = [np.array([row[i] for row in ordered], dtype=np.int64) for i in range(3)]
    partly = PartlyCovered(columns[0], columns[1] * 300, columns[2].astype(float))
    series, start = (np.array([row[i] for row in asked], dtype=np.int64) for i in range(2))
    expected = [{row[:2]: row[2] for row in known}.get(row, np.nan) for row in asked]
    np.testing.assert_array_equal(partly.seconds_of(series, start * 300), expected)


def test_traffic_is_arranged_with_peaks_as_they_are() -> None:
    rows = rows_of("a", np.array([8.0, 8.0]), peaks=np.array([5.0, 5.0])).assign(seconds_covered=[300, 240])
    arranged = arrange(pa.Table.from_pandas(rows), in_zone(rows, "Etc/UTC"))
    (group,) = arranged.groups
    np.testing.assert_allclose(group.counts, [8.0, 10.0])
    assert group.peaks is not None
    assert group.peaks.tolist() == [5.0, 5.0]
    assert arranged.partly.start.tolist() == [int(MONDAY.timestamp()) + 300]
