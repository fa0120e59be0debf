"""A claim is a lease: it ends by itself unless its holder's page is used; what has ended goes on record as lapsed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from cjp_fraud.people.model import Decision
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import lock_case, note
from cjp_fraud.review.claim_rules import ClaimPolicy, Wait
from cjp_fraud.review.model import Awaited, CaseState
from cjp_fraud.review.queue_tables import CaseLease, CaseWait
from cjp_fraud.review.tables import Case

CLAIMABLE = (CaseState.OPEN, CaseState.CAPPED, CaseState.IN_REVIEW)
"""States in which a case is claimed, and in which a lease counts."""

# Made once: the queue and every case ask for them, and making a statement takes longer than to run it.
_GIVER = select(User.name).where(User.id == CaseLease.handed_by).correlate(CaseLease).scalar_subquery()
# What the case says is compared by who reads: in the statement, SQLite would walk all cases of these states.
_LEASES = (
    select(CaseLease, User.name, _GIVER, Case.claimed_by, Case.state)
    .join(Case, Case.id == CaseLease.case_id)
    .join(User, User.id == CaseLease.user_id)
    .where(CaseLease.case_id.in_(bindparam("case_ids", expanding=True)), CaseLease.ends_at > bindparam("at"))
)
_WAITS = (
    select(CaseWait, User.name)
    .join(User, User.id == CaseWait.by_user_id)
    .where(CaseWait.case_id.in_(bindparam("case_ids", expanding=True)))
    .order_by(CaseWait.begun_at, CaseWait.id)
)


@dataclass(frozen=True, slots=True)
class LeaseView:
    """Who holds a case until when.

    Parameters
    ----------
    handed_by : who handed it to them; None: they claimed it themself.
    """

    holder: str
    begun_at: datetime
    ends_at: datetime
    handed_by: str | None


def begin_lease(
    session: Session, case: Case, at: datetime, length: timedelta, *, handed_by: str | None = None
) -> CaseLease:
    """Write the lease of a locked case for its holder, in the place of an earlier one.

    Parameters
    ----------
    handed_by : id of the user who handed it to the holder.
    """
    if case.claimed_by is None:
        raise ValueError("only a case that somebody holds is leased")
    lease = session.get(CaseLease, case.id, populate_existing=True) or CaseLease(case_id=case.id)
    lease.user_id, lease.begun_at, lease.ends_at, lease.handed_by = (
        case.claimed_by,
        at,
        at + length,
        handed_by,
    )
    session.add(lease)
    session.flush()
    return lease


def extend(session: Session, user_id: str, case_id: str, at: datetime, policy: ClaimPolicy) -> bool:
    """Let the holder's lease last from now on, if it has not ended; whether it did."""
    lasting = session.execute(
        update(CaseLease)
        .where(
            CaseLease.case_id == case_id,
            CaseLease.user_id == user_id,
            CaseLease.ends_at > at,
            CaseLease.ends_at < at + policy.lease,
            exists().where(Case.id == case_id, Case.claimed_by == user_id, Case.state.in_(CLAIMABLE)),
        )
        .values(ends_at=at + policy.lease)
    )
    return bool(lasting.rowcount)  # type: ignore[attr-defined]


def let_lapse(decision: Decision, case: Case) -> bool:
    """Take a locked case from a holder whose lease has ended, and say so in the log; whether it did.

    The case stays in review: what was found so far stands, and anybody may claim it.
    """
    session = decision.session
    if case.claimed_by is None or case.state not in CLAIMABLE:
        return False
    lease = session.get(CaseLease, case.id, with_for_update=True, populate_existing=True)
    if lease is not None and lease.user_id == case.claimed_by and lease.ends_at > decision.at:
        return False
    held_by, case.claimed_by, case.claimed_at = case.claimed_by, None, None
    session.flush()
    note(decision, case, "case.lease_lapsed", {"state": case.state, "held_by": held_by})
    return True


def lapsed(at: datetime) -> ColumnElement[bool]:
    """Return the condition that a case's holder has no lease that lasts at ``at``."""
    lasting = (
        exists()
        .where(CaseLease.case_id == Case.id, CaseLease.user_id == Case.claimed_by, CaseLease.ends_at > at)
        .correlate(Case)
    )
    return and_(Case.claimed_by.is_not(None), ~lasting)


def free(at: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody holds a case, or only by a lease that has ended."""
    return or_(Case.claimed_by.is_(None), lapsed(at))


def put_aside(at: datetime) -> ColumnElement[bool]:
    """Return the condition that a case is put aside and not back yet, as :meth:`Wait.lasts` has it."""
    flagged_again = and_(CaseWait.awaited == Awaited.FLAG, Case.last_flag_at > CaseWait.last_flag_at)
    return (
        exists()
        .where(
            CaseWait.case_id == Case.id, CaseWait.ended_at.is_(None), CaseWait.until_at > at, ~flagged_again
        )
        .correlate(Case)
    )


def overdue_leases(session: Session, at: datetime) -> Sequence[str]:
    """Return the ids of the cases whose lease has ended and is still on record."""
    return session.scalars(
        select(Case.id).where(Case.state.in_(CLAIMABLE), lapsed(at)).order_by(Case.number)
    ).all()


def ended_waits(session: Session, at: datetime) -> Sequence[str]:
    """Return the ids of the cases that are back, and of which that is not on record yet."""
    query = select(CaseWait.case_id).join(Case, Case.id == CaseWait.case_id)
    return session.scalars(query.where(CaseWait.ended_at.is_(None), ~put_aside(at)).distinct()).all()


def bring_back(decision: Decision, case: Case) -> bool:
    """Put on record that a locked case is back whose wait is over; whether one was."""
    rows = _open_waits(decision.session, case.id)
    over = [row for row in rows if not row.wait.lasts(decision.at, case.last_flag_at)]
    if not over:
        return False
    end_waits(decision.session, case.id, decision.at)
    note(decision, case, "case.back", {"state": case.state, "wait_ids": [row.id for row in over]})
    return True


def end_waits(session: Session, case_id: str, at: datetime) -> None:
    """End whatever a case waits for, because somebody takes it up."""
    for row in _open_waits(session, case_id):
        row.ended_at = min(at, row.until_at)
    session.flush()


def tidy_case(decision: Decision, case_id: str) -> bool:
    """Put on record what time has ended of a case: its lease, its wait; whether anything was."""
    case = lock_case(decision.session, case_id)
    lapsed_now, back_now = let_lapse(decision, case), bring_back(decision, case)
    return lapsed_now or back_now


def leases_on_record(session: Session, case_ids: Collection[str], at: datetime) -> dict[str, LeaseView]:
    """Return the leases that last, by case."""
    rows = session.execute(_LEASES, {"case_ids": list(case_ids), "at": at})
    return {
        lease.case_id: LeaseView(holder, lease.begun_at, lease.ends_at, handed_by)
        for lease, holder, handed_by, claimed_by, state in rows
        if claimed_by == lease.user_id and state in CLAIMABLE
    }


def waits_on_record(session: Session, case_ids: Collection[str]) -> dict[str, list[tuple[Wait, str]]]:
    """Return all waits of the cases with who put them aside, the earliest first."""
    waits: dict[str, list[tuple[Wait, str]]] = {}
    for row, name in session.execute(_WAITS, {"case_ids": list(case_ids)}):
        waits.setdefault(row.case_id, []).append((row.wait, name))
    return waits


def _open_waits(session: Session, case_id: str) -> Sequence[CaseWait]:
    return session.scalars(
        select(CaseWait).where(CaseWait.case_id == case_id, CaseWait.ended_at.is_(None)).with_for_update()
    ).all()
