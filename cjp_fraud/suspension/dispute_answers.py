"""The letter that answers a customer's dispute: of a finding of fraud, or of a cap alone that they had agreed to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.contracts.consent_entry import consent_of
from cjp_fraud.notices.announced import announced
from cjp_fraud.notices.letter_facts import Answered, Letter, Sender
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.review.decision_tables import Determination, Dispute, Proposal
from cjp_fraud.review.model import DisputeState
from cjp_fraud.review.narrower_measure import Restriction
from cjp_fraud.review.proposal import document_of, measure_of
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.model import UNFINISHED, MeasureState
from cjp_fraud.suspension.narrowing import narrowing_by
from cjp_fraud.suspension.tables import Cap, Measure, Narrowing


def dispute_answer(
    session: Session, case: Case, dispute: Dispute, sender: Sender
) -> tuple[NoticePlan, Letter]:
    """Return the letter that was disputed, and the facts of the answer to the dispute, which is decided.

    It is the letter on whose page the customer wrote, if that told of a cap; else the newest notice of a measure before
    the decision, and the newest letter about a cap where there is none.
    """
    of_cap = _letter_disputed(session, dispute, NoticeKind.CAP)
    served = of_cap or _newest(session, dispute, NoticeKind.SUSPENSION)
    if served is None or of_cap is not None:
        served = of_cap or _newest(session, dispute, NoticeKind.CAP)
        assert served is not None, (
            "an answer is due only where a notice was to be acted on, or something capped"
        )
        return served, _about_a_cap(session, case, dispute, served, sender)
    return served, _about_a_finding(session, case, dispute, served, sender)


def _letter_disputed(session: Session, dispute: Dispute, kind: NoticeKind) -> NoticePlan | None:
    return session.scalar(
        select(NoticePlan)
        .join(Notice, Notice.plan_id == NoticePlan.id)
        .where(Notice.id == dispute.notice_id, NoticePlan.kind == kind)
    )


def _newest(session: Session, dispute: Dispute, kind: NoticeKind) -> NoticePlan | None:
    """Return the newest plan of a kind before the dispute was decided; the newest of all where there was none then."""
    return session.scalars(
        select(NoticePlan)
        .where(
            NoticePlan.case_id == dispute.case_id,
            NoticePlan.kind == kind,
            NoticePlan.mode == PlatformMode.ACT,
        )
        .order_by((NoticePlan.created_at > dispute.decided_at), NoticePlan.created_at.desc())
    ).first()


def _about_a_finding(
    session: Session, case: Case, dispute: Dispute, served: NoticePlan, sender: Sender
) -> Letter:
    proposal = session.get_one(Proposal, served.proposal_id)
    determination = session.get_one(Determination, proposal.determination_id)
    measure, scope, _duration = measure_of(document_of(proposal))
    running = session.scalar(
        select(Measure)
        .where(
            Measure.notice_plan_id == served.id,
            Measure.state.in_([MeasureState.ORDERED, MeasureState.IN_FORCE, MeasureState.LIFTING]),
        )
        .limit(1)
    )
    narrowing = narrowing_by(session, dispute.id)
    disputed = _disputed(session, dispute) or Restriction(measure, scope)
    answered = replace(
        _answered(dispute, in_force=running is not None),
        remains=(narrowing.after.kind, narrowing.after.scope) if narrowing is not None else None,
        narrowed=narrowing is not None and narrowing.confirmed_at is not None,
    )
    return Letter(
        kind=NoticeKind.DISPUTE_ANSWER,
        case_reference=str(case.number),
        sender=sender,
        measure=disputed.kind,
        scope=disputed.scope,
        grounds=tuple(determination.grounds),
        until=running.lapses_at if running is not None and not answered.upheld else None,
        announced=announced(session, served),
        answered=answered,
    )


def _disputed(session: Session, dispute: Dispute) -> Restriction | None:
    """Return what the measure of a case restricted when a dispute was decided; None: it was not narrowed before."""
    narrowings = session.scalars(
        select(Narrowing)
        .where(Narrowing.case_id == dispute.case_id, Narrowing.decided_at <= dispute.decided_at)
        .order_by(Narrowing.id.desc())
    ).all()
    own = next((each for each in narrowings if each.dispute_id == dispute.id), None)
    if own is not None:
        return own.before
    return narrowings[0].after if narrowings else None


def _about_a_cap(
    session: Session, case: Case, dispute: Dispute, served: NoticePlan, sender: Sender
) -> Letter:
    cap = session.get_one(Cap, served.occasion_id)
    consent = consent_of(session.get_one(SignedConsent, cap.consent_id))
    assert dispute.decided_at is not None, "it is decided"
    answered = _answered(dispute, in_force=_stands(cap, dispute.decided_at))
    order = cap.order
    return Letter(
        kind=NoticeKind.DISPUTE_ANSWER,
        case_reference=str(case.number),
        sender=sender,
        measure=order.kind,
        scope=order.scope,
        until=cap.ends_at if answered.in_force and not answered.upheld else None,
        announced=announced(session, served),
        answered=answered,
        consent=f"{consent.reference}, {consent.clause}",
    )


def _stands(cap: Cap, at: datetime) -> bool:
    """Whether a cap is in force or may be, at ``at`` (aware)."""
    return cap.state in UNFINISHED and not cap.is_past_its_end(at)


def _answered(dispute: Dispute, *, in_force: bool) -> Answered:
    assert dispute.decided_at is not None, "it is decided"
    return Answered(
        received_at=dispute.opened_at,
        decided_at=dispute.decided_at,
        upheld=dispute.state is DisputeState.UPHELD,
        in_force=in_force,
    )
