"""How far two readers agree: the share, and Cohen's kappa, which takes off what they would agree by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from cjp_fraud.review.model import Finding
from cjp_fraud.review.shares import Share, share_of


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two readers agree.

    Parameters
    ----------
    alike : the share of things that both found alike.
    kappa : Cohen's kappa, 1: always alike, 0: as by chance; None: both always said one and the same.
    """

    alike: Share
    kappa: float | None


def agreement_of(pairs: Sequence[tuple[Finding, Finding]]) -> Agreement | None:
    """Return how far two readers agree on the same things; None: there are none."""
    alike = share_of(sum(first is second for first, second in pairs), len(pairs))
    if alike is None:
        return None
    if len({finding for pair in pairs for finding in pair}) == 1:
        return Agreement(alike, None)
    from sklearn.metrics import cohen_kappa_score

    kappa = float(cohen_kappa_score([str(first) for first, _ in pairs], [str(second) for _, second in pairs]))
    return Agreement(alike, None if isnan(kappa) else kappa)
