"""The population stability index."""

from __future__ import annotations

import numpy as np
import pytest

from models.stability import fine_counts, stability_index

RANDOM = np.random.default_rng(3)


def test_it_is_the_sum_of_the_book() -> None:
    """Two values: 60 and 40 percent before, 40 and 60 now: 2 × .2 × ln(1.5)."""
    before = fine_counts(np.repeat([0.0, 1.0], [60_000, 40_000]))
    now = fine_counts(np.repeat([0.0, 1.0], [40_000, 60_000]))
    assert stability_index(before, now) == pytest.approx(2 * 0.2 * np.log(1.5), rel=1e-3)
    assert stability_index(now, now) == 0.0


def test_the_same_distribution_is_stable_and_a_shift_of_a_half_is_not() -> None:
    before, same, shifted = (fine_counts(RANDOM.normal(mean, 1.0, 20_000)) for mean in (1.0, 1.0, 1.5))
    assert 0 <= stability_index(before, same) < 0.01
    assert stability_index(before, shifted) > 0.2


def test_values_that_never_came_before_do_not_make_it_infinite() -> None:
    before, now = fine_counts(np.zeros(5000)), fine_counts(np.full(5000, 5.0))
    assert np.isfinite(stability_index(before, now))


def test_few_rows_say_nothing() -> None:
    many, few = fine_counts(np.zeros(5000)), fine_counts(np.zeros(999))
    assert np.isnan(stability_index(many, few))
    assert np.isnan(stability_index(few, many))


def test_counts_of_parts_add_up_and_unknown_values_are_in_no_bin() -> None:
    values = np.append(RANDOM.exponential(1.0, 1000), [np.nan, -99.0, 99.0])
    np.testing.assert_array_equal(fine_counts(values), fine_counts(values[:400]) + fine_counts(values[400:]))
    assert fine_counts(values).sum() == 1002
