"""The pooled forest: scikit-learn's scores, and the same bits however the rows are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from models.forest import PooledForest, average_path_length

ROWS = np.random.default_rng(0).normal(size=(3000, 6))
FOREST = PooledForest(trees=60, seed=3).fit(ROWS)


def test_the_scores_are_scikit_learns() -> None:
    np.testing.assert_allclose(
        FOREST.score_samples(ROWS), FOREST.forest_.score_samples(ROWS), rtol=0, atol=1e-12
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2999), st.integers(1, 300))
def test_a_cut_changes_no_bit(start: int, length: int) -> None:
    part = ROWS[start : start + length]
    assert FOREST.anomaly(part).tobytes() == FOREST.anomaly(ROWS)[start : start + length].tobytes()


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.forest.CHUNK", 500)
    threaded = clone(FOREST).set_params(n_jobs=2).fit(ROWS)
    assert threaded.anomaly(ROWS).tobytes() == FOREST.anomaly(ROWS).tobytes()


def test_the_same_seed_gives_the_same_forest() -> None:
    again = PooledForest(trees=60, seed=3).fit(ROWS)
    assert again.anomaly(ROWS).tobytes() == FOREST.anomaly(ROWS).tobytes()


def test_parameters_are_stored_untouched() -> None:
    assert clone(PooledForest(trees=7, samples=9, seed=1, n_jobs=2)).get_params() == {
        "trees": 7,
        "samples": 9,
        "seed": 1,
        "n_jobs": 2,
    }


def test_no_rows_have_no_scores() -> None:
    assert FOREST.anomaly(np.empty((0, 6))).shape == (0,)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 256 rows, there are 10"):
        PooledForest().fit(ROWS[:10])


def test_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match="fitted on 6 features"):
        FOREST.anomaly(ROWS[:, :3])


def test_the_path_length_of_small_leaves_is_that_of_the_paper() -> None:
    expected = 2 * (np.log(255) + np.euler_gamma) - 2 * 255 / 256
    np.testing.assert_allclose(average_path_length(np.array([1, 2, 256])), [0, 1, expected])
