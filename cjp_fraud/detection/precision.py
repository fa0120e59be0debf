"""Decided cases, and how often a case was fraud, with an interval, beside what was not decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cjp_fraud.review.model import Finding
from cjp_fraud.review.shares import Share, share_of


@dataclass(frozen=True, slots=True)
class DecidedCase:
    """A case with a finding; ``first`` and ``last`` are the starts of its first and last flag, UTC seconds."""

    tenant_id: str
    first: int
    last: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Precision:
    """Cases by what people found.

    Parameters
    ----------
    days : opened within so many days; None: all.
    unreviewed : without a finding yet.
    precision : fraudulent / (fraudulent + not fraudulent); None: none was decided one way or the other.
    """

    days: int | None
    fraudulent: int
    not_fraudulent: int
    undetermined: int
    unreviewed: int
    precision: Share | None


def precision_of(findings: Iterable[Finding | None], days: int | None) -> Precision:
    """Return the precision of cases; None is the finding of a case that nobody decided."""
    counts = Counter(findings)
    fraud, benign = counts[Finding.FRAUDULENT], counts[Finding.NOT_FRAUDULENT]
    return Precision(
        days=days,
        fraudulent=fraud,
        not_fraudulent=benign,
        undetermined=counts[Finding.UNDETERMINED],
        unreviewed=counts[None],
        precision=share_of(fraud, fraud + benign),
    )
