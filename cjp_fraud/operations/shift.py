"""The shift: what is held, promised, due and lapsing in the next 12 hours; handed over, taken over by the next lead.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware), and returns a frozen
view.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.reach import reached_by
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people.tables import User
from cjp_fraud.review import shift_handover
from cjp_fraud.review.mentions import WaitingMention, mentions_waiting
from cjp_fraud.review.queue_tables import ShiftHandover
from cjp_fraud.review.shift_rules import AHEAD, ShiftItem
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.shift_items import shift_items


@dataclass(frozen=True, slots=True)
class HandoverView:
    """A shift that was handed over.

    Parameters
    ----------
    items : how many things were open then.
    acknowledged_by : who took it over; None: nobody yet.
    """

    id: str
    by: str
    at: datetime
    items: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShiftView:
    """What comes to pass until ``until`` if nobody does anything, and what is late; the earliest first.

    Parameters
    ----------
    handovers : the newest ones, the newest first.
    mentions : comments that name who reads, of cases that they have not opened since, the newest first.
    """

    now: datetime
    until: datetime
    items: tuple[ShiftItem, ...]
    handovers: tuple[HandoverView, ...]
    mentions: tuple[WaitingMention, ...] = ()


def look_at_shift(deployment: Deployment, now: datetime, by: str | None = None) -> ShiftView:
    """Return what a shift has before it.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        reached = reached_by(session, by)
        items = tuple(
            item
            for item in shift_items(session, now, deployment.settings.fresh)
            if reached is None or item.case in reached
        )
        mentions = tuple(
            mention
            for mention in (mentions_waiting(session, by) if by is not None else ())
            if reached is None or mention.case in reached
        )
        return ShiftView(now, now + AHEAD, items, _handovers(session, most=10), mentions)


def list_handovers(deployment: Deployment) -> tuple[HandoverView, ...]:
    """Return all handovers, the newest first."""
    with reading(deployment.engine) as session:
        return _handovers(session)


def hand_over(deployment: Deployment, by: str, now: datetime) -> HandoverView:
    """Put on record what is open now, for the next lead.

    Raises
    ------
    Refused
        If whoever asks is neither reviewer nor approver.
    """
    with deployment.deciding(by, now) as decision:
        items = shift_items(decision.session, now, deployment.settings.fresh)
        made = shift_handover.hand_over_shift(decision, items)
        return _view(decision.session, made.id)


def acknowledge(deployment: Deployment, by: str, now: datetime, handover: str) -> HandoverView:
    """Take a shift over that another lead handed over.

    Raises
    ------
    NotFoundError
        If no such handover is on record.
    Refused
        Names everything in the way.
    """
    with deployment.deciding(by, now) as decision:
        meant = id_of(decision.session, ShiftHandover.id, handover, "handover", "cjp-fraud shift handovers")
        shift_handover.acknowledge_shift(decision, meant)
        return _view(decision.session, meant)


def _view(session: Session, handover_id: str) -> HandoverView:
    return next(each for each in _handovers(session) if each.id == handover_id)


def _handovers(session: Session, *, most: int | None = None) -> tuple[HandoverView, ...]:
    taker = aliased(User)
    query = (
        select(ShiftHandover, User.name, taker.name)
        .join(User, User.id == ShiftHandover.by_user_id)
        .outerjoin(taker, taker.id == ShiftHandover.acknowledged_by)
        .order_by(ShiftHandover.id.desc())
        .limit(most)
    )
    return tuple(
        HandoverView(row.id, by, row.at, len(row.items), taken_by, row.acknowledged_at)
        for row, by, taken_by in session.execute(query)
    )
