"""Stops on record: ordered by counsel, opened by a dispute that was upheld, cleared, and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.notices.delivery_record import case_of, resolve_contradictions
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.decision_tables import Dispute, Stop
from cjp_fraud.review.model import DisputeState, StopKind
from cjp_fraud.review.stops import OpenDispute, StandingStop, clearing_faults, order_faults, stop_sentences
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import read_once
from cjp_fraud.storage.read_rows import has_none

# Made once: to make a statement takes longer than to run it.
_STANDING: Final = (
    select(Stop).where(Stop.case_id == bindparam("case_id"), Stop.cleared_at.is_(None)).order_by(Stop.id)
)
_OPEN_DISPUTES: Final = (
    select(Dispute)
    .where(Dispute.case_id == bindparam("case_id"), Dispute.state == DisputeState.OPEN)
    .order_by(Dispute.opened_at, Dispute.id)
)


def order_stop(decision: Decision, case_id: str, reasons: str) -> Stop:
    """Record counsel's order that nothing be restricted on this case until it is cleared."""
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    refuse_unless(
        *((False, fault) for fault in order_faults(by, reasons)),
        action=f"stop {in_words(case)}",
    )
    record_part(session, by, Part.ORDERED_STOP, case.tenant_id, decision.at, case_id=case.id)
    return open_stop(decision, case, StopKind.COUNSEL_ORDER, new_id(), reasons)


def open_stop(
    decision: Decision, case: Case, kind: StopKind, subject_id: str, reasons: str | None = None
) -> Stop:
    """Record a stop of a locked case; the same subject stops it once."""
    session, by, at = decision.session, decision.by, decision.at
    standing = session.scalar(
        select(Stop).where(Stop.case_id == case.id, Stop.kind == kind, Stop.subject_id == subject_id)
    )
    if standing is not None:
        return standing
    words = keep_text(session, reasons.strip(), at) if reasons else None
    stop = Stop(
        id=new_id(),
        case_id=case.id,
        kind=kind,
        subject_id=subject_id,
        opened_by=by.reference,
        opened_at=at,
        reason_text_id=words.id if words else None,
    )
    session.add(stop)
    session.flush()
    note(decision, case, "case.stopped", {"stop_id": stop.id, "kind": kind, "subject_id": subject_id}, words)
    return stop


def clear_stop(decision: Decision, case_id: str, stop_id: str | None, reasons: str) -> Stop:
    """Clear an order of counsel, as counsel.

    A dispute that was decided for the tenant is never cleared; what is flagged later gets its own case.

    Parameters
    ----------
    stop_id : which stop; None where only one stands.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    standing = list(
        session.scalars(
            select(Stop).where(Stop.case_id == case.id, Stop.cleared_at.is_(None)).order_by(Stop.id)
        )
    )
    chosen = [stop for stop in standing if stop_id is None or stop.id == stop_id]
    if not chosen:
        raise NotFoundError(f"no {f'stop {stop_id!r}' if stop_id else 'stop'} stands on {in_words(case)}")
    stop = chosen[0]
    refuse_unless(
        (len(chosen) == 1, f"{len(chosen)} stops stand; name one: {', '.join(each.id for each in chosen)}"),
        *((False, fault) for fault in clearing_faults(stop.kind, by, reasons)),
        action=f"clear a stop of {in_words(case)}",
    )
    words = keep_text(session, reasons.strip(), at)
    record_part(session, by, Part.CLEARED_STOP, case.tenant_id, at, case_id=case.id)
    stop.cleared_by, stop.cleared_at, stop.clearing_text_id = by.reference, at, words.id
    session.flush()
    note(decision, case, "case.stop_cleared", {"stop_id": stop.id, "kind": stop.kind}, words)
    return stop


def let_notice_stand(decision: Decision, case_id: str, notice_id: str, reasons: str) -> int:
    """Let a notice stand in spite of the reports that it did not arrive; return how many were resolved."""
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    refuse_unless(
        (
            by.may(Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither reviewer, approver nor counsel",
        ),
        (bool(reasons.strip()), "give the reasons"),
        (case_of(session, notice_id) == case.id, f"no notice {notice_id!r} belongs to it"),
        action=f"resolve a contradiction of {in_words(case)}",
    )
    words = keep_text(session, reasons.strip(), at)
    resolved = resolve_contradictions(decision, notice_id)
    record_part(session, by, Part.LET_NOTICE_STAND, case.tenant_id, at, case_id=case.id)
    session.flush()
    content = {"notice_id": notice_id, "reports": resolved}
    note(decision, case, "case.contradiction_resolved", content, words)
    return resolved


def standing_stops(session: Session, case_id: str) -> list[str]:
    """Return one sentence for each stop that stands, filed disputes too where the contract says so."""
    return list(read_once(session, ("standing stops", case_id), lambda: _standing(session, case_id)))


def _standing(session: Session, case_id: str) -> list[str]:
    stops = () if has_none(session, Stop, case_id) else session.scalars(_STANDING, {"case_id": case_id})
    case = session.get_one(Case, case_id)
    return stop_sentences(
        [StandingStop(stop.id, stop.kind) for stop in stops],
        [
            OpenDispute(dispute.id, _filing_stops(session, case, dispute))
            for dispute in _open_disputes(session, case_id)
        ],
    )


def filed_dispute_that_stops(session: Session, case: Case) -> Dispute | None:
    """Return the first open dispute of a case whose filing stops a measure, by the contract; None: there is none."""
    disputes = _open_disputes(session, case.id)
    return next((dispute for dispute in disputes if _filing_stops(session, case, dispute)), None)


def _open_disputes(session: Session, case_id: str) -> Sequence[Dispute]:
    if has_none(session, Dispute, case_id):
        return ()
    return session.scalars(_OPEN_DISPUTES, {"case_id": case_id}).all()


def _filing_stops(session: Session, case: Case, dispute: Dispute) -> bool:
    """Whether filing stops a measure by the contract as it was when the dispute was filed."""
    return contract_at(session, case.tenant_id, dispute.opened_at).filing_stops
