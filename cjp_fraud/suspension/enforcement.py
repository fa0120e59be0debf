"""Lead an approved case through dispatch to its measure, and mend what was interrupted on the way.

``approve`` calls :func:`enforce` at once; every five minutes :func:`resume_all` takes up what a kill, a
deaf mail server or a silent platform left undone, and ends what has ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.documents import from_document
from cjp_fraud.errors import CjpFraudError, NotFoundError, Refused
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.evidence import progress
from cjp_fraud.notices.methods.email import MailServer
from cjp_fraud.notices.plans import PlanDraft, create_plan, plan_of
from cjp_fraud.notices.progress import PlanProgress
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import expire_due
from cjp_fraud.review.cases import lock_case, move
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CaseState, ProviderPolicy
from cjp_fraud.review.proposal import document_of, latest_proposal
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import exclusive
from cjp_fraud.suspension.follow_up import all_follow_ups, follow_up_due, send_follow_up
from cjp_fraud.suspension.gate import BEFORE_NOTICE, check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.measures import ENFORCER, MeasureOutcome, apply_under_lock, enforcement_lock
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.observation import observe
from cjp_fraud.suspension.platform import PlatformClient
from cjp_fraud.suspension.reinstatement import lapse_under_lock, lift_under_lock
from cjp_fraud.suspension.staleness import withdraw_if_stale
from cjp_fraud.suspension.tables import Measure

_ON_THE_WAY = (
    CaseState.APPROVED,
    CaseState.NOTICED,
    CaseState.NOTICE_FAILED,
    CaseState.SUSPENDING,
    CaseState.SUSPENDED,
    CaseState.LIFTING,
)

_ASKED_AGAIN: Final = timedelta(minutes=5)
_ASKED_AGAIN_AT_LEAST: Final = timedelta(hours=6)
"""How long a refusing platform is left alone: twice as long each time, at most this."""


@dataclass(frozen=True, slots=True)
class EnforcementReport:
    """How far a case has come.

    Parameters
    ----------
    state : of the case, after what was done.
    waiting_for : why it is no further, a sentence each; none: there is nothing to wait for.
    next_at : when a notice of the plan falls due, or the contract lets the measure follow; None: not known.
    """

    case_id: str
    state: CaseState
    waiting_for: tuple[str, ...] = ()
    next_at: datetime | None = None


@dataclass(slots=True)
class ResumeReport:
    """What a run of :func:`resume_all` found and did."""

    expired: list[str] = field(default_factory=list)
    moved: list[tuple[str, CaseState, CaseState]] = field(default_factory=list)
    follow_ups: int = 0
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def enforce(
    engine: Engine,
    mail: MailServer,
    platform: PlatformClient,
    case_id: str,
    at: datetime,
    practice: ProviderPolicy,
) -> EnforcementReport:
    """Do everything that an approved case allows at ``at``: notice, measure, lapse, letters that follow.

    Safe to call at any time and from several processes: a second one waits, and finds it done.

    Parameters
    ----------
    at : aware.
    practice : the mode in force, how long things stay fresh, and who writes.
    """
    with exclusive(engine, enforcement_lock(case_id)):
        waiting: tuple[str, ...] = ()
        state = _state(engine, case_id)
        if state in BEFORE_THE_MEASURE and withdraw_if_stale(engine, case_id, at, practice):
            state = CaseState.WITHDRAWN
        if state is CaseState.APPROVED:
            waiting = _serve(engine, mail, case_id, at, practice)
        elif state is CaseState.NOTICED:
            waiting = _serve_next_step(engine, mail, case_id, at, practice)
        if _state(engine, case_id) is CaseState.NOTICED:
            waiting = _try_measure(engine, platform, case_id, at, practice)
        elif state is CaseState.SUSPENDING:
            waiting = _reasons(apply_under_lock(engine, platform, case_id, at, practice))
        elif state is CaseState.LIFTING:
            waiting = _reasons(lift_under_lock(engine, platform, case_id, at))
        elif state is CaseState.SUSPENDED:
            lapsed = lapse_under_lock(engine, platform, case_id, at)
            waiting = _reasons(lapsed) if lapsed else ()
    for proposal_id, kind in follow_up_due(engine, case_id):
        with exclusive(engine, enforcement_lock(case_id)):
            waiting = (*waiting, *send_follow_up(engine, mail, proposal_id, kind, at, practice))
    return EnforcementReport(case_id, _state(engine, case_id), waiting, _next_at(engine, case_id, at))


def resume_all(
    engine: Engine, mail: MailServer, platform: PlatformClient, at: datetime, practice: ProviderPolicy
) -> ResumeReport:
    """Take up everything that was interrupted, is due or has ended; one case's trouble stops no other."""
    mended = ResumeReport()
    with transaction(engine) as session:
        mended.expired = expire_due(Decision(session, ENFORCER, at))
    with reading(engine) as session:
        rows = session.execute(
            select(Case.id, Case.state).where(Case.state.in_(_ON_THE_WAY)).order_by(Case.id)
        )
        before = {row.id: row.state for row in rows}
    awaited = _awaiting_letters(engine)
    for case_id in sorted({*before, *(case_id for case_id, _ in awaited)}):
        try:
            done = enforce(engine, mail, platform, case_id, at, practice)
        except (CjpFraudError, OSError) as error:
            mended.faults.append(f"case {case_id}: {error}")
            continue
        if case_id in before and done.state is not before[case_id]:
            mended.moved.append((case_id, before[case_id], done.state))
        if done.waiting_for:
            mended.waiting[case_id] = done.waiting_for
    mended.follow_ups = len(awaited - _awaiting_letters(engine))
    return mended


def _awaiting_letters(engine: Engine) -> set[tuple[str, str]]:
    with reading(engine) as session:
        return {(case_id, proposal_id) for case_id, proposal_id, _kind in all_follow_ups(session)}


def _serve(
    engine: Engine, mail: MailServer, case_id: str, at: datetime, practice: ProviderPolicy
) -> tuple[str, ...]:
    """Make the plan of an approved case, send what is due, and move the case on."""
    with transaction(engine) as session:
        case = lock_case(session, case_id)
        proposal = latest_proposal(session, case)
        if case.state is not CaseState.APPROVED or proposal is None:
            return (f"it is {case.state}",)
        document = document_of(proposal)
        if document["notice"] is None:
            return tuple(document["obstacles"])
        observed = proposal.mode is PlatformMode.OBSERVE
        if observed:
            plan_id = observe(session, case, proposal, practice, at)
        else:
            waiting = _not_to_be_sent(session, case, practice, at)
            if waiting:
                return waiting
            plan_id = create_plan(
                session,
                from_document(PlanDraft, document["notice"]),
                case_id=case.id,
                proposal_id=proposal.id,
                mode=proposal.mode,
                by=ENFORCER,
                at=at,
            ).id
    told = dispatch_due(engine, mail, plan_id, at, by=ENFORCER)
    if observed:
        return ("approved in observe: notice and command are stored, and nothing leaves",)
    with transaction(engine) as session:
        return _move_on(session, case_id, told, at)


def _serve_next_step(
    engine: Engine, mail: MailServer, case_id: str, at: datetime, practice: ProviderPolicy
) -> tuple[str, ...]:
    """Send the later steps of a sequence when they fall due."""
    with transaction(engine) as session:
        case = lock_case(session, case_id)
        told = _progress(session, case, at)
        if case.state is not CaseState.NOTICED or told is None:
            return (f"it is {case.state}",)
        if told.next_due_at is None or told.next_due_at > aware(at):
            return ()
        waiting = _not_to_be_sent(session, case, practice, at)
        if waiting:
            return waiting
    dispatch_due(engine, mail, told.plan_id, at, by=ENFORCER)
    return ()


def _not_to_be_sent(session: Session, case: Case, practice: ProviderPolicy, at: datetime) -> tuple[str, ...]:
    """Why nothing is sent now: no notice goes out which no measure could follow."""
    return check(gate_facts(session, case, practice, at), at, BEFORE_NOTICE).sentences


def _move_on(session: Session, case_id: str, told: PlanProgress, at: datetime) -> tuple[str, ...]:
    case = lock_case(session, case_id)
    if case.state is not CaseState.APPROVED:
        return (f"it is {case.state} by now",)
    content = {"plan_id": told.plan_id, "step": told.current_step}
    if told.failed:
        move(Decision(session, ENFORCER, at), case, CaseState.NOTICE_FAILED, "case.notice_failed", content)
        return ("every method of serving that the contract permits has failed",)
    if not told.step_complete:
        return (
            "the notice is not served yet and is tried again; "
            "cjp-fraud notices show ID tells what the mail server said",
        )
    move(Decision(session, ENFORCER, at), case, CaseState.NOTICED, "case.noticed", content)
    return ()


def _try_measure(
    engine: Engine, platform: PlatformClient, case_id: str, at: datetime, practice: ProviderPolicy
) -> tuple[str, ...]:
    with reading(engine) as session:
        case = session.get_one(Case, case_id)
        again_at = _asked_again_at(session, case)
    if again_at is not None and aware(at) < again_at:
        return (
            f"it was ordered more than once and never in force; again at {again_at:%Y-%m-%d %H:%M:%SZ}, "
            f"or at once by: cjp-fraud measures apply {case.number}",
        )
    try:
        return _reasons(apply_under_lock(engine, platform, case_id, at, practice))
    except Refused as refused:
        return refused.missing


def _asked_again_at(session: Session, case: Case) -> datetime | None:
    """When a platform that refused the standing proposal's measure is asked again; None: at once.

    At once after the first time, then later and later, so that one which keeps refusing is not sent a
    new measure every five minutes.
    """
    proposal = latest_proposal(session, case)
    if proposal is None:
        return None
    refused = session.scalars(
        select(Measure.ordered_at)
        .where(Measure.proposal_id == proposal.id, Measure.state == MeasureState.NEVER_IN_FORCE)
        .order_by(Measure.ordered_at)
    ).all()
    if len(refused) < 2:
        return None
    return refused[-1] + min(_ASKED_AGAIN * 2.0 ** (len(refused) - 1), _ASKED_AGAIN_AT_LEAST)


def _reasons(outcome: MeasureOutcome) -> tuple[str, ...]:
    return outcome.reasons


def _progress(session: Session, case: Case, at: datetime) -> PlanProgress | None:
    proposal = latest_proposal(session, case)
    plan = plan_of(session, proposal.id) if proposal is not None else None
    return progress(session, plan.id, at) if plan is not None else None


def _next_at(engine: Engine, case_id: str, at: datetime) -> datetime | None:
    with reading(engine) as session:
        case = session.get(Case, case_id)
        if case is None or case.state not in (CaseState.APPROVED, CaseState.NOTICED):
            return None
        told = _progress(session, case, at)
        return (told.complete_at or told.next_due_at) if told is not None else None


def _state(engine: Engine, case_id: str) -> CaseState:
    with reading(engine) as session:
        state = session.scalar(select(Case.state).where(Case.id == case_id))
    if state is None:
        raise NotFoundError(f"no case {case_id!r} is on record; cjp-fraud cases list shows those that are")
    return state
