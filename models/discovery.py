"""Benjamini–Hochberg, one family an hour, on log p-values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rejected(
    families: NDArray[np.int64],
    log_p: NDArray[np.float64],
    q: float,
    *,
    sizes: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Which hypotheses are rejected at false-discovery rate ``q`` within each family.

    Parameters
    ----------
    families : int64 [rows]; the family (a UTC hour) of each row.
    log_p : float64 [rows]; natural logarithm of p, NaN is no hypothesis. Logarithms, because p may underflow.
    q : between 0 and 1.
    sizes : int64 [rows]; hypotheses in each row's family, where rows with p over q (which are never rejected) have
        been left out; None: all are there.

    Returns
    -------
    bool [rows]. Benjamini and Hochberg (1995): the k smallest p of n, k the largest with p₍k₎ ≤ q k / n.

    Raises
    ------
    ValueError
        If q is not between 0 and 1.
    """
    if not 0 < q < 1:
        raise ValueError(f"q is {q}; a false-discovery rate lies between 0 and 1")
    result = np.zeros(len(log_p), dtype=bool)
    known = np.flatnonzero(~np.isnan(log_p))
    if not len(known):
        return result
    order = known[np.lexsort((log_p[known], families[known]))]
    _, first, size = np.unique(families[order], return_index=True, return_counts=True)
    n = np.repeat(size, size) if sizes is None else sizes[order]
    rank = np.arange(len(order)) - np.repeat(first, size) + 1
    passes = log_p[order] <= np.log(q * rank / n)
    largest = np.maximum.reduceat(np.where(passes, rank, 0), first)
    result[order] = rank <= np.repeat(largest, size)
    return result
