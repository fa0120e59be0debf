"""The search for the threshold, against a plain re-statement."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.threshold import Limit, count_groups, smallest_threshold

HOUR, DAY = 3600, 86_400
Flags = list[tuple[int, int, float]]
FLAGS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 150).map(lambda half: half * 1800), st.integers(1, 12).map(float)
    ),
    max_size=30,
    unique_by=lambda flag: flag[:2],
)


def groups(flags: Flags, threshold: float, gap: int) -> int:
    kept = sorted((tenant, start) for tenant, start, score in flags if score >= threshold)
    return sum(
        not (i and kept[i - 1][0] == tenant and start - kept[i - 1][1] <= gap)
        for i, (tenant, start) in enumerate(kept)
    )


def searched(flags: Flags, *within: Limit, floor: float = 0.5) -> float:
    tenants, starts, scores = (np.array([flag[i] for flag in flags]) for i in range(3))
    return smallest_threshold(
        tenants.astype(np.int64), starts.astype(np.int64), scores.astype(float), within=within, floor=floor
    )


@given(FLAGS, st.floats(0, 8), st.floats(0, 4))
def test_the_threshold_is_the_smallest_before_a_budget_is_first_exceeded(
    flags: Flags, most_episodes: float, most_cases: float
) -> None:
    expected = 0.5
    for level in sorted({score for _, _, score in flags}, reverse=True):
        if groups(flags, level, HOUR) > most_episodes or groups(flags, level, DAY) > most_cases:
            expected = float(np.nextafter(level, np.inf))
            break
    assert searched(flags, Limit(HOUR, most_episodes), Limit(DAY, most_cases)) == expected


@given(FLAGS, st.floats(0, 8), st.randoms())
def test_the_order_of_the_flags_makes_no_difference(flags: Flags, most: float, random: Random) -> None:
    mixed = list(flags)
    random.shuffle(mixed)
    assert searched(flags, Limit(HOUR, most)) == searched(mixed, Limit(HOUR, most))


@pytest.mark.parametrize(
    ("most_episodes", "most_cases", "expected"),
    [(3, 2, 0.5), (2, 2, 4.0), (3, 1, 5.0), (0, 9, 6.0)],
    ids=["both hold", "episodes bind", "cases bind", "not even the highest"],
)
def test_the_tighter_budget_decides(most_episodes: int, most_cases: int, expected: float) -> None:
    """Two hours apart are two episodes and one case; two days apart are two cases."""
    flags = [(0, 0, 6.0), (0, 2 * DAY, 5.0), (0, 2 * HOUR, 4.0)]
    found = searched(flags, Limit(HOUR, most_episodes), Limit(DAY, most_cases))
    assert found == (expected if expected == 0.5 else np.nextafter(expected, np.inf))


def test_a_quiet_window_gives_the_floor() -> None:
    assert searched([], Limit(HOUR, 1), floor=1.5) == 1.5


@given(FLAGS)
def test_groups_are_counted_in_any_order(flags: Flags) -> None:
    tenants = np.array([flag[0] for flag in flags], dtype=np.int64)
    starts = np.array([flag[1] for flag in flags], dtype=np.int64)
    expected = groups(flags, 0.0, HOUR)
    assert count_groups(tenants, starts, HOUR) == count_groups(tenants[::-1], starts[::-1], HOUR) == expected
