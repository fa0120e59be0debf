"""False-discovery rate: the q-value of each row within its hour, from logarithms of p."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_q_values(families: NDArray[np.int64], log_p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The q-value of each hypothesis: the smallest false-discovery rate at which its family would reject it.

    Parameters
    ----------
    families : int64 [rows]; the family (a UTC hour) of each row.
    log_p : float64 [rows]; natural logarithm of p, NaN is no hypothesis. Logarithms, because p may underflow.

    Returns
    -------
    float64 [rows]; natural logarithm of q, at most 0, NaN where there is no p. Of the n hypotheses of a family, q of
    the k-th smallest p is the least of p₍j₎ n / j over all j ≥ k (Benjamini and Hochberg 1995; Yekutieli and
    Benjamini 1999).
    """
    result = np.full(len(log_p), np.nan)
    known = np.flatnonzero(~np.isnan(log_p))
    if not len(known):
        return result
    order = known[np.lexsort((log_p[known], families[known]))]
    _, first, size = np.unique(families[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, size) + 1
    scaled = np.minimum(log_p[order] + np.log(np.repeat(size, size) / rank), 0.0)
    for begin, end in zip(first.tolist(), (first + size).tolist(), strict=True):
        scaled[begin:end] = np.minimum.accumulate(scaled[begin:end][::-1])[::-1]
    result[order] = scaled
    return result
