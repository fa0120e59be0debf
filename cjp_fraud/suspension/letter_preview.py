"""The facts of a letter about a case as it stands, before anything is written on it or sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.contracts.consent_entry import consent_of
from cjp_fraud.errors import Refused, refuse_unless
from cjp_fraud.notices.announced import announced
from cjp_fraud.notices.letter_facts import (
    NEEDED,
    Answered,
    Letter,
    Restored,
    Staged,
    WhyRestored,
    WhyWithdrawn,
    Withdrawn,
)
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plans_on_record import plan_of
from cjp_fraud.review.case_letters import seen
from cjp_fraud.review.cases import flags_in_force
from cjp_fraud.review.decision_tables import Determination, DeterminationFlag, Dispute, Proposal
from cjp_fraud.review.determination import latest_determination
from cjp_fraud.review.dispute import upheld_dispute
from cjp_fraud.review.measure_fit import Flagged, PlannedMeasure, planned_measure
from cjp_fraud.review.model import DisputeState, Finding
from cjp_fraud.review.narrower_measure import Restriction
from cjp_fraud.review.proposal import document_of, latest_proposal, measure_of
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.suspension.cap_letter import cap_letter
from cjp_fraud.suspension.model import Assumed, MeasureState
from cjp_fraud.suspension.narrowing import narrowing_by
from cjp_fraud.suspension.tables import Measure


def letter_of_case(
    session: Session, case: Case, kind: NoticeKind, policy: ProviderPolicy, at: datetime, assumed: Assumed
) -> Letter:
    """Return the facts of a letter of ``kind`` as they stand at ``at`` (aware); nothing is written.

    What has not happened yet is told as if it happened now: a restriction that is not over ends at ``at``.

    Raises
    ------
    Refused
        Naming what the case lacks for such a letter: a finding of fraud, a measure, a dispute.
    """
    determination = latest_determination(session, case)
    found = determination if determination and determination.finding is Finding.FRAUDULENT else None
    proposal = latest_proposal(session, case)
    flags = _flags(session, case, found)
    measure = _measure(proposal, flags, policy)
    if kind is NoticeKind.CAP:
        return _of_a_cap(session, case, policy, at)
    dispute = session.scalar(
        select(Dispute).where(Dispute.case_id == case.id).order_by(Dispute.opened_at.desc()).limit(1)
    )
    needs = NEEDED[kind]
    refuse_unless(
        (found is not None or "grounds" not in needs, "no determination of fraud is on record"),
        (measure is not None, "no measure is proposed, and only a person can choose one for inbound traffic"),
        (dispute is not None or "answered" not in needs, "no dispute is on record"),
        (
            "term_concerned" not in needs or bool(assumed.term_concerned and assumed.cure_until),
            "a notice of breach needs the term of the contract and a moment: --term TEXT --cure-until WHEN",
        ),
        action=f"preview a {kind} letter of case {case.number}",
    )
    assert measure is not None
    running = _measure_on_record(session, proposal)
    restricted = _restricted(kind, measure, running)
    plan = plan_of(session, proposal.id) if proposal is not None else None
    try:
        return Letter(
            kind=kind,
            case_reference=str(case.number),
            sender=policy.sender,
            measure=restricted.kind,
            scope=restricted.scope,
            seen=seen(_told(session, case, kind, flags, running)),
            grounds=tuple(found.grounds) if found is not None else (),
            determined_at=found.at if found is not None else None,
            lasts=measure.duration,
            until=(running.ends_at if running is not None else at + measure.duration),
            restored=_restored(session, case, running, at),
            announced=announced(session, plan)
            if plan is not None and kind is not NoticeKind.SUSPENSION
            else (),
            began=running.in_force_at if running is not None else None,
            withdrawn=Withdrawn(_why_withdrawn(session, case), may_have_begun=running is not None),
            term_concerned=assumed.term_concerned,
            cure_until=assumed.cure_until,
            answered=_answered(session, dispute, running, at, assumed),
            staged=_staged(running, measure, at),
        )
    except ValueError as error:
        raise Refused((str(error),), action=f"preview a {kind} letter of case {case.number}") from error


def _of_a_cap(session: Session, case: Case, policy: ProviderPolicy, at: datetime) -> Letter:
    """Return the facts of the letter that would tell of a cap, if the customer's consent were breached now."""
    row = session.scalar(
        select(SignedConsent)
        .where(SignedConsent.tenant_id == case.tenant_id, SignedConsent.ended_at.is_(None))
        .order_by(SignedConsent.entered_at.desc(), SignedConsent.id.desc())
        .limit(1)
    )
    if row is None:
        raise Refused(
            ("no standing consent of this tenant is on record (contracts enter-consent)",),
            action=f"preview a {NoticeKind.CAP} letter of case {case.number}",
        )
    return cap_letter(str(case.number), policy.sender, consent_of(row), at)


def _flags(session: Session, case: Case, found: Determination | None) -> list[Flag]:
    """Return the flags that the finding names; where there is none yet, those in force."""
    if found is None:
        return flags_in_force(session, case.id)
    named = (
        select(Flag)
        .join(DeterminationFlag, DeterminationFlag.flag_id == Flag.id)
        .where(DeterminationFlag.determination_id == found.id)
    )
    return list(session.scalars(named))


def _measure(proposal: Proposal | None, flags: list[Flag], policy: ProviderPolicy) -> PlannedMeasure | None:
    """Return what is proposed, or where nothing is, what would be if the reviewer said no more."""
    if proposal is None:
        return planned_measure(MeasureWanted(), Flagged.by(flags), policy.measure_review)
    kind, scope, duration = measure_of(document_of(proposal))
    return PlannedMeasure(kind, scope, duration)


def _measure_on_record(session: Session, proposal: Proposal | None) -> Measure | None:
    if proposal is None:
        return None
    states = (MeasureState.IN_FORCE, MeasureState.LIFTING, MeasureState.ENDED)
    return session.scalar(
        select(Measure).where(Measure.proposal_id == proposal.id, Measure.state.in_(states)).limit(1)
    )


def _told(
    session: Session, case: Case, kind: NoticeKind, flags: list[Flag], running: Measure | None
) -> list[Flag]:
    """Return the flags that a letter tells of: in a continuation those since the restriction began."""
    if kind is not NoticeKind.REAFFIRMATION:
        return flags
    began = running.in_force_at if running is not None else None
    if began is None:
        return []
    return [flag for flag in flags_in_force(session, case.id) if flag.interval_start >= began]


def _staged(running: Measure | None, measure: PlannedMeasure, at: datetime) -> Staged:
    """Return a plan whose stages nobody has chosen yet: all is restricted until it is lifted a day from now."""
    restricted = running.restriction if running is not None else Restriction(measure.kind, measure.scope)
    return Staged(
        since=at,
        remains=(restricted.kind, restricted.scope),
        later=(),
        lift_at=at + timedelta(days=1),
    )


def _restored(session: Session, case: Case, running: Measure | None, at: datetime) -> Restored:
    ended = running.ended_at if running is not None else None
    upheld = upheld_dispute(session, case.id) is not None
    return Restored(ended or at, WhyRestored.DISPUTE_UPHELD if upheld else WhyRestored.DECIDED)


def _why_withdrawn(session: Session, case: Case) -> WhyWithdrawn:
    upheld = upheld_dispute(session, case.id) is not None
    return WhyWithdrawn.DISPUTE_UPHELD if upheld else WhyWithdrawn.DECIDED


def _restricted(kind: NoticeKind, measure: PlannedMeasure, running: Measure | None) -> Restriction:
    """Return what a letter says is restricted: the notice what was approved, later ones what is left of it."""
    if kind is NoticeKind.SUSPENSION or running is None:
        return Restriction(measure.kind, measure.scope)
    return running.restriction


def _answered(
    session: Session, dispute: Dispute | None, running: Measure | None, at: datetime, assumed: Assumed
) -> Answered | None:
    if dispute is None:
        return None
    decided = dispute.state is not DisputeState.OPEN
    narrowing = narrowing_by(session, dispute.id)
    return Answered(
        received_at=dispute.opened_at,
        decided_at=dispute.decided_at or at,
        upheld=dispute.state is DisputeState.UPHELD if decided else assumed.upheld,
        in_force=running is not None and running.ended_at is None,
        remains=(narrowing.after.kind, narrowing.after.scope) if narrowing is not None else None,
        narrowed=narrowing is not None and narrowing.confirmed_at is not None,
    )
