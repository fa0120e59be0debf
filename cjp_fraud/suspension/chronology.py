"""What must follow what on the way to a measure: one rule, asked by the gate and by the verification of the log.

The tables hold the same rule as check constraints where one row says both moments, so that no bug above them can
store another order; what stands in rows of two tables, the verification compares. A measure stands on an
approval or, in an emergency, on an order of which the approval follows; the step that there is not binds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """A step on the way to a measure; its value is how a sentence names it."""

    DETERMINED = "the determination"
    DRAWN_UP = "the proposal"
    APPROVED = "the approval"
    EMERGENCY = "the emergency order"
    PLANNED = "the plan of the notice"
    DISPATCHED = "the dispatch of the notice"
    PERMITTED = "the moment from which the contract's notice lets the measure follow"
    ORDERED = "the measure's order"
    IN_FORCE = "the read-back that shows the measure in force"
    ENDED = "the read-back that shows nothing in force any more"


FOLLOWS: Final = (
    (Step.DRAWN_UP, Step.DETERMINED),
    (Step.APPROVED, Step.DRAWN_UP),
    (Step.EMERGENCY, Step.DRAWN_UP),
    (Step.PLANNED, Step.APPROVED),
    (Step.PLANNED, Step.EMERGENCY),
    (Step.DISPATCHED, Step.PLANNED),
    (Step.PERMITTED, Step.DISPATCHED),
    (Step.ORDERED, Step.APPROVED),
    (Step.ORDERED, Step.EMERGENCY),
    (Step.ORDERED, Step.PERMITTED),
    (Step.IN_FORCE, Step.ORDERED),
    (Step.ENDED, Step.IN_FORCE),
)
"""Pairs (later, earlier): the first does not come before the second; at the same moment is no fault."""


def chronology_faults(moments: Mapping[Step, datetime | None]) -> tuple[str, ...]:
    """Return a sentence for each step that comes before what it must follow.

    Parameters
    ----------
    moments : when each step was, aware; one that is left out or None has not been, or is not known.
    """
    return tuple(
        f"{later} ({at:%Y-%m-%d %H:%M:%SZ}) comes before {earlier} ({before:%Y-%m-%d %H:%M:%SZ})"
        for later, earlier in FOLLOWS
        if (at := moments.get(later)) is not None
        and (before := moments.get(earlier)) is not None
        and at < before
    )
