"""The rule of episodes and of the cases that take them: which flags belong together."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cjp_fraud.clock import utc_text
from cjp_fraud.review.model import CLOSED_STATES, CaseState

GAP = timedelta(minutes=60)
"""Flags of a tenant at most this far apart (start to start) are one episode."""

ATTACHMENT = timedelta(hours=24)
"""An episode that begins this close to a closed case's flags joins it all the same."""

ENDED_FOR_GOOD = frozenset({CaseState.REINSTATED, CaseState.LAPSED})
"""States that nobody can reopen: what is flagged afterwards needs a case of its own."""


@dataclass(frozen=True, slots=True)
class CaseSpan:
    """A case as far as the rule of joining needs it."""

    id: str
    state: CaseState
    first_flag_at: datetime
    last_flag_at: datetime


def grouped(starts: Sequence[datetime], boundaries: Collection[datetime] = ()) -> list[slice]:
    """Return the episodes as slices of sorted flag starts.

    Parameters
    ----------
    starts : starts of the flagged intervals of one tenant, ascending, aware.
    boundaries : moments that no episode crosses (a measure's end: what follows is a new matter).
    """
    cuts = [0]
    for index in range(1, len(starts)):
        before, here = starts[index - 1], starts[index]
        if here - before > GAP or any(before < boundary <= here for boundary in boundaries):
            cuts.append(index)
    return [
        slice(first, last) for first, last in zip(cuts, [*cuts[1:], len(starts)], strict=True) if first < last
    ]


def episode_id(tenant_id: str, first_flag_at: datetime) -> str:
    """Return an episode's id: 32 hex digits of SHA-256 of the tenant and its first flag's start (UTC)."""
    return hashlib.sha256(f"{tenant_id}\n{utc_text(first_flag_at)}".encode()).hexdigest()[:32]


def joins(first_flag_at: datetime, case: CaseSpan) -> bool:
    """Whether an episode that begins at ``first_flag_at`` joins ``case`` of the same tenant.

    An open case takes every episode; a closed one those that begin within 24 hours of its flags, so
    that a rerun or a late row never opens a second case about the same thing; one that ended for good
    takes none.
    """
    if case.state in ENDED_FOR_GOOD:
        return False
    if case.state not in CLOSED_STATES:
        return True
    return case.first_flag_at - ATTACHMENT <= first_flag_at <= case.last_flag_at + ATTACHMENT
