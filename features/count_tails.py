"""How unlikely so many contacts are, or more: the upper tail of the negative binomial distribution."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln

Floats = NDArray[np.float64]

SMALLEST: Final = 1e-280
"""Below it the tail is taken by logarithms, because the incomplete beta function loses its digits and then is 0."""


def log_upper_tail(contacts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Natural log of P(X ≥ x) for contacts X with variance mean + dispersion · mean².

    X is negative binomial: Poisson contacts whose rate is gamma-distributed with shape r = 1 / dispersion (the
    predictive distribution of a gamma prior; Gelman et al., *Bayesian Data Analysis*, 2013, section 2.6). The tail is
    the regularised incomplete beta function I(x, r) at q = mean / (mean + r), which is also defined between whole
    numbers: contacts may have been brought to a whole interval.

    Parameters
    ----------
    contacts : float64, any shape; x ≥ 0. NaN stays NaN.
    mean : float64, of the same shape; above 0.
    dispersion : float64, of the same shape; above 0.

    Returns
    -------
    float64, at most 0; 0 for x ≤ 0; finite however large x is.
    """
    x, mean, dispersion = np.broadcast_arrays(contacts, mean, dispersion)
    shape = 1.0 / dispersion
    share = mean / (mean + shape)
    known = ~np.isnan(x + mean + dispersion)
    positive = known & (x > 0)
    result = np.where(known, 0.0, np.nan)
    tail = betainc(x[positive], shape[positive], share[positive])
    far = tail < SMALLEST
    with np.errstate(divide="ignore"):
        logs = np.log(tail)
    if far.any():
        logs[far] = _far_out(x[positive][far], shape[positive][far], share[positive][far])
    result[positive] = logs
    return result


def _far_out(x: Floats, shape: Floats, share: Floats) -> Floats:
    """The log of the first term of the tail, times a geometric series of the ratio of its next two terms."""
    first = (
        gammaln(x + shape) - gammaln(shape) - gammaln(x + 1.0) + shape * np.log1p(-share) + x * np.log(share)
    )
    ratio = np.minimum(share * (x + shape) / (x + 1.0), 1.0 - 1e-9)
    return np.asarray(first - np.log1p(-ratio), dtype=np.float64)
