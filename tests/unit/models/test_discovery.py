"""q-values by families, against a plain re-statement."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.discovery import log_q_values

P_VALUES = st.lists(st.floats(1e-300, 1.0), min_size=1, max_size=25)


def by_the_book(p: list[float]) -> list[float]:
    """Adjusted p-values of one family: the least of p₍j₎ n / j over the ranks j from each one's own on."""
    ordered = sorted(p)
    return [
        min(1.0, *(ordered[j] * len(p) / (j + 1) for j in range(ordered.index(value), len(p)))) for value in p
    ]


@given(st.lists(P_VALUES, min_size=1, max_size=4))
def test_each_family_has_the_q_values_of_the_paper(families: list[list[float]]) -> None:
    codes = np.repeat(np.arange(len(families)), [len(family) for family in families])
    found = np.exp(log_q_values(codes, np.log(np.concatenate([np.array(family) for family in families]))))
    np.testing.assert_allclose(found, [q for family in families for q in by_the_book(family)], rtol=1e-9)


@given(P_VALUES, st.floats(0.01, 0.5))
def test_what_has_a_q_value_under_the_rate_is_what_the_procedure_rejects(p: list[float], rate: float) -> None:
    q = np.exp(log_q_values(np.zeros(len(p), dtype=np.int64), np.log(np.array(p))))
    ordered = sorted(p)
    passing = [k for k, value in enumerate(ordered, 1) if value <= rate * k / len(p) * (1 - 1e-12)]
    limit = ordered[passing[-1] - 1] if passing else -1.0
    assert all(own <= rate for own, value in zip(q, p, strict=True) if value <= limit)


def test_rows_without_p_are_in_no_family() -> None:
    q = np.exp(log_q_values(np.zeros(3, dtype=np.int64), np.log(np.array([1e-3, np.nan, np.nan]))))
    np.testing.assert_allclose(q, [1e-3, np.nan, np.nan])


def test_a_p_that_underflows_has_a_q_value_too() -> None:
    log_q = log_q_values(np.zeros(2, dtype=np.int64), np.array([-5000.0, -0.1]))
    np.testing.assert_allclose(log_q, [-5000.0 + np.log(2), -0.1])


def test_no_rows_have_no_q_values() -> None:
    assert log_q_values(np.empty(0, dtype=np.int64), np.empty(0)).shape == (0,)
