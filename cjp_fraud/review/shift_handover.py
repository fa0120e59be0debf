"""A shift handed over on record: what was open then, and who of the next shift took it over."""

from __future__ import annotations

from collections.abc import Sequence

from cjp_fraud.audit.log import append
from cjp_fraud.clock import utc_text
from cjp_fraud.digests import digest
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.tables import User
from cjp_fraud.review.queue_tables import ShiftHandover
from cjp_fraud.review.shift_rules import ShiftItem

LEADS = (Role.REVIEWER, Role.APPROVER)
"""Who hands a shift over and takes it over."""


def hand_over_shift(decision: Decision, items: Sequence[ShiftItem]) -> ShiftHandover:
    """Put on record what a lead leaves to the next one.

    Raises
    ------
    Refused
        If whoever asks is neither reviewer nor approver.
    """
    session, by = decision.session, decision.by
    refuse_unless(
        (by.may(*LEADS), f"{by} is neither a reviewer nor an approver"), action="hand the shift over"
    )
    assert by.user_id is not None, "only persons have roles"
    listed = [
        {"at": utc_text(item.at), "kind": str(item.kind), "case": str(item.case), "who": item.who or ""}
        for item in items
    ]
    handover = ShiftHandover(by_user_id=by.user_id, at=decision.at, items=listed)
    session.add(handover)
    session.flush()
    content = {"items": len(listed), "items_sha256": digest(listed)}
    append(decision, "shift.handed_over", "shift_handovers", handover.id, content)
    return handover


def acknowledge_shift(decision: Decision, handover_id: str) -> ShiftHandover:
    """Put on record that another lead took a shift over; the same person once more changes nothing.

    Raises
    ------
    NotFoundError
        If no such handover is on record.
    Refused
        Names everything in the way: a missing role, their own handover, that somebody else took it over.
    """
    session, by = decision.session, decision.by
    handover = session.get(ShiftHandover, handover_id, with_for_update=True, populate_existing=True)
    if handover is None:
        raise NotFoundError(f"no handover {handover_id!r} is on record; cjp-fraud shift handovers lists them")
    if by.user_id is not None and handover.acknowledged_by == by.user_id:
        return handover
    taken = session.get(User, handover.acknowledged_by) if handover.acknowledged_by else None
    refuse_unless(
        (by.may(*LEADS), f"{by} is neither a reviewer nor an approver"),
        (handover.by_user_id != by.user_id, f"{by} handed it over; the next lead takes it over"),
        (taken is None, f"{taken.name if taken else ''} took it over already"),
        action="take the shift over",
    )
    handover.acknowledged_by, handover.acknowledged_at = by.user_id, decision.at
    session.flush()
    append(decision, "shift.acknowledged", "shift_handovers", handover.id, {"handed_by": handover.by_user_id})
    return handover
