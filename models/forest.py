"""Step 9: one pooled isolation forest whose scores are the same however the rows are cut."""

from __future__ import annotations

from typing import Final, Self

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]

EULER: Final = float(np.euler_gamma)
CHUNK: Final = 20_000


class PooledForest(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Isolation forest (Liu, Ting and Zhou 2008) of upward features, scored tree by tree in a fixed order.

    ``IsolationForest.score_samples`` adds its trees' depths in the order in which threads finish, so the last
    bit of a score depends on luck. Here each row's depths are added in the trees' order, on one thread or
    many.

    Parameters
    ----------
    trees : number of trees; with 500 two seeds share 71 % of their top half per cent, with 100 only 51 %.
    samples : rows a tree.
    seed : of the trees.
    n_jobs : threads for scoring (joblib's threading backend; processes would copy the trees).

    Attributes
    ----------
    forest_ : the fitted :class:`sklearn.ensemble.IsolationForest`.
    leaf_depths_ : list of float64 [nodes] a tree; path length of each leaf with the expected rest of its
        branch.
    n_features_in_ : int.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(500, 3))
    >>> forest = PooledForest(trees=50).fit(rows)
    >>> bool(forest.anomaly(np.full((1, 3), 9.0))[0] > forest.anomaly(np.zeros((1, 3)))[0])
    True
    """

    def __init__(self, trees: int = 500, samples: int = 256, seed: int = 0, n_jobs: int = 1) -> None:
        self.trees = trees
        self.samples = samples
        self.seed = seed
        self.n_jobs = n_jobs

    def fit(self, X: Floats, y: None = None) -> Self:
        """Fit on candidates.

        Parameters
        ----------
        X : float64 [rows, features], all finite; their order matters, so give them a fixed one.
        y : ignored.

        Raises
        ------
        ValueError
            If there are fewer rows than one tree takes.
        """
        if len(X) < self.samples:
            raise ValueError(f"a forest needs at least {self.samples} rows, there are {len(X)}")
        forest = IsolationForest(
            n_estimators=self.trees, max_samples=self.samples, random_state=self.seed, contamination="auto"
        )
        return self.adopt(forest.fit(X))

    def adopt(self, forest: IsolationForest) -> Self:
        """Take over a fitted forest, as :meth:`fit` does; for a stored one."""
        self.forest_ = forest
        self.n_features_in_ = int(forest.n_features_in_)
        self.leaf_depths_ = [_leaf_depths(tree.tree_) for tree in forest.estimators_]
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Minus the anomaly score, as scikit-learn has it: the lower, the more unusual; float64 [rows]."""
        return -self.anomaly(X)

    def anomaly(self, X: Floats) -> Floats:
        """Anomaly score f = 2^(−mean depth / c): .5 is ordinary, near 1 is far out.

        Parameters
        ----------
        X : float64 [rows, features].

        Returns
        -------
        float64 [rows], between 0 and 1; saturates beyond the largest value fitted.

        Raises
        ------
        ValueError
            If X does not have the features that were fitted.
        """
        check_is_fitted(self, "leaf_depths_")
        if X.ndim != 2 or X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"the forest was fitted on {self.n_features_in_} features, got an array of {X.shape}"
            )
        rows = np.ascontiguousarray(X, dtype=np.float32)
        chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
        if len(chunks) <= 1 or self.n_jobs == 1:
            depths = [self._depths(chunk) for chunk in chunks]
        else:
            with joblib.parallel_config(backend="threading", n_jobs=self.n_jobs):
                depths = joblib.Parallel()(joblib.delayed(self._depths)(chunk) for chunk in chunks)
        total = np.concatenate(depths) if depths else np.empty(0)
        return np.exp2(-total / (self.trees * float(average_path_length(np.array([self.samples]))[0])))

    def _depths(self, rows: NDArray[np.float32]) -> Floats:
        total = np.zeros(len(rows))
        for tree, depths in zip(self.forest_.estimators_, self.leaf_depths_, strict=True):
            total += depths[tree.tree_.apply(rows)]
        return total


def average_path_length(samples: NDArray[np.int64]) -> Floats:
    """Expected path length of an unsuccessful search among ``samples`` (equation 1 of Liu et al. 2008)."""
    n = np.maximum(samples, 3).astype(np.float64)
    length = 2.0 * (np.log(n - 1.0) + EULER) - 2.0 * (n - 1.0) / n
    return np.select([samples <= 1, samples == 2], [0.0, 1.0], length)


def _leaf_depths(tree: object) -> Floats:
    left: NDArray[np.int64] = tree.children_left  # type: ignore[attr-defined]  # Cython class without stubs
    right: NDArray[np.int64] = tree.children_right  # type: ignore[attr-defined]
    depth = np.zeros(len(left))
    # A node's children come after it, so one pass in order reaches every node after its parent.
    for node in np.flatnonzero(left >= 0):
        depth[left[node]] = depth[right[node]] = depth[node] + 1.0
    rest: Floats = depth + average_path_length(tree.n_node_samples)  # type: ignore[attr-defined]
    return rest
