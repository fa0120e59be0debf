"""What a shift leaves to the next one: which kinds of things are listed, and for how long ahead; a pure rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

AHEAD: Final = timedelta(hours=12)
"""How far ahead a shift looks: the longest one, so that nothing of the next is missed."""


class ShiftKind(StrEnum):
    """What comes to pass at a moment if nobody does anything."""

    LEASE_ENDS = "lease_ends"
    CASE_IS_BACK = "case_is_back"
    NOTICE_IS_DUE = "notice_is_due"
    REPORT_IS_DUE = "report_is_due"
    PROPOSAL_EXPIRES = "proposal_expires"
    APPROVAL_LAPSES = "approval_lapses"
    MEASURE_REVIEW = "measure_review"
    MEASURE_ENDS = "measure_ends"
    CAP_ENDS = "cap_ends"
    STAGE_IS_DUE = "stage_is_due"
    STAGES_ARE_HELD = "stages_are_held"
    DISPUTE_IS_DUE = "dispute_is_due"


@dataclass(frozen=True, slots=True)
class ShiftItem:
    """One thing that is held, promised, due or lapsing.

    Parameters
    ----------
    at : when; aware.
    case : the case's number.
    who : user who holds or promised it; None: nobody.
    """

    at: datetime
    kind: ShiftKind
    case: int
    tenant_id: str
    who: str | None = None


def within(items: Iterable[ShiftItem], now: datetime) -> tuple[ShiftItem, ...]:
    """Return what comes to pass until :data:`AHEAD` from ``now``, and what is late, the earliest first."""
    return tuple(
        sorted(
            (item for item in items if item.at <= now + AHEAD),
            key=lambda item: (item.at, item.case, item.kind),
        )
    )
