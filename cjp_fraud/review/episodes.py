"""The rule of episodes and of the cases that take them: which flags belong together."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cjp_fraud.clock import aware
from cjp_fraud.review.model import CLOSED_STATES, CaseState
from features.constants import EPISODE_GAP_SECONDS
from features.reasons import HIGHER_LEVEL

GAP = timedelta(seconds=EPISODE_GAP_SECONDS)
"""Flags of a tenant at most this far apart (start to start) are one episode."""

ATTACHMENT = timedelta(hours=24)
"""An episode that begins this close to a closed case's flags joins it all the same."""

SHIFT = timedelta(days=4)
"""Until when, from a case's first flag on, flags at a level that lasts belong to it: then that level is the norm."""

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
    starts : starts of the flagged intervals of one tenant, ascending, aware, whole seconds.
    boundaries : moments that no episode crosses (a measure's end: what follows is a new matter).
    """
    import numpy as np  # inside: only grouping computes, and it is costly to load

    from features.episodes import episode_starts

    seconds = np.array([start.timestamp() for start in starts], dtype=np.int64)
    crossed = [math.ceil(boundary.timestamp()) for boundary in boundaries]
    begins = np.flatnonzero(episode_starts(np.zeros_like(seconds), seconds, crossed)).tolist()
    return [slice(first, last) for first, last in pairwise([*begins, len(starts)])]


def episode_id(tenant_id: str, first_flag_at: datetime) -> str:
    """Return an episode's id, as back-tests give it; ``first_flag_at`` aware."""
    from features import episodes

    return episodes.episode_id(tenant_id, int(aware(first_flag_at).timestamp()))


def continues_shift(first_flag_at: datetime, hour_before: float | None, case: CaseSpan) -> bool:
    """Whether an episode goes on with the shift of level that ``case``, of the same series, began with.

    A shift is flagged day after day, with nights and weekends between, until the new level is the norm: one matter.

    Parameters
    ----------
    hour_before : by how many times its usual the hour before the episode was above it; None: not known. A burst begins
        from the usual level, a shift goes on from a higher one.
    """
    if case.state in ENDED_FOR_GOOD or hour_before is None:
        return False
    return hour_before >= HIGHER_LEVEL and timedelta() <= first_flag_at - case.first_flag_at <= SHIFT


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
