"""Enforce an approved case: its notice, its measure, the end of the measure, and the letters that follow.

An approval calls :func:`enforce` at once. Every five minutes :func:`resume_all` goes on with what a kill, or a
mail server or platform that did not answer, left undone, and ends what has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.errors import CjpFraudError, NotFoundError, Refused
from cjp_fraud.review.approval import expire_due
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CaseState
from cjp_fraud.review.proposal import latest_proposal
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.changed_measures import extend_under_lock, narrow_under_lock
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.failed_letters import FailedLetter, failed_letters
from cjp_fraud.suspension.follow_up_letters import send_follow_up
from cjp_fraud.suspension.follow_ups_due import follow_ups_due
from cjp_fraud.suspension.gate_facts import gate_facts, obstacles
from cjp_fraud.suspension.measures import apply_under_lock
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.notice_gate import held_moments, without_prior_notice
from cjp_fraud.suspension.notification import (
    progress_of,
    send_ordered,
    serve_next_step,
    serve_notice,
    serve_what_must_follow,
    withdraw_if_stale,
    withdraw_if_upheld,
)
from cjp_fraud.suspension.ordered_letters import ordered_letters_due
from cjp_fraud.suspension.reinstatement import (
    lapse_under_lock,
    lift_if_corrected,
    lift_if_filed,
    lift_if_upheld,
    lift_under_lock,
)
from cjp_fraud.suspension.requirements import BEFORE_MEASURE, BEFORE_NOTICE
from cjp_fraud.suspension.staged_reinstatement import advance_under_lock
from cjp_fraud.suspension.tables import Measure

_ON_THE_WAY = (
    *BEFORE_THE_MEASURE,
    CaseState.SUSPENDING,
    CaseState.SUSPENDED,
    CaseState.LIFTING,
)

_FIRST_PAUSE: Final = timedelta(minutes=5)
_LONGEST_PAUSE: Final = timedelta(hours=6)
"""How long a platform that refused is left alone: twice as long each time, at most this."""


@dataclass(frozen=True, slots=True)
class EnforcementReport:
    """How far a case has come.

    Parameters
    ----------
    state : of the case, after what was done.
    waiting_for : why it is no further, a sentence each; none: there is nothing to wait for.
    next_at : when a notice of the plan falls due, or the contract lets the measure follow; None: not known.
    shut : what keeps the gate shut although its time has come, a sentence each; only people can mend that.
    failed_letters : letters that follow which did not reach the customer; ``waiting_for`` names them too.
    """

    case_id: str
    state: CaseState
    waiting_for: tuple[str, ...] = ()
    next_at: datetime | None = None
    shut: tuple[str, ...] = ()
    failed_letters: tuple[FailedLetter, ...] = ()


@dataclass(frozen=True, slots=True)
class ResumeReport:
    """What a run of :func:`resume_all` did.

    Parameters
    ----------
    expired : ids of cases whose proposal nobody approved in time.
    moved : cases that are in another state than before.
    waiting : cases that could not go on.
    faults : a sentence for each case in which something broke; the other cases were dealt with.
    """

    expired: tuple[str, ...]
    moved: tuple[EnforcementReport, ...]
    waiting: tuple[EnforcementReport, ...]
    faults: tuple[str, ...]


def enforce(enforcement: Enforcement, case_id: str) -> EnforcementReport:
    """Do everything that an approved case allows now: notice, measure, lapse, letters that follow.

    May be called at any time and by several processes: the second one waits, and then has nothing to do.

    Raises
    ------
    NotFoundError
        If no such case is on record.
    """
    engine = enforcement.engine
    with enforcement.case_lock(case_id):
        waiting = _advance(enforcement, case_id)
    with reading(engine) as session:
        ordered, letters = ordered_letters_due(session, case_id), follow_ups_due(session, case_id)
    for _, plan_id in ordered:
        with enforcement.case_lock(case_id):
            waiting = (*waiting, *send_ordered(enforcement, plan_id))
    for letter in letters:
        with enforcement.case_lock(case_id):
            waiting = (*waiting, *send_follow_up(enforcement, letter))
    if _state(enforcement, case_id) is CaseState.SUSPENDED:  # it is kept only once the customer was told
        with enforcement.case_lock(case_id):
            extended = extend_under_lock(enforcement, case_id)
        waiting = (*waiting, *(extended.reasons if extended is not None else ()))
    with reading(engine) as session:
        case = session.get_one(Case, case_id)
        failed = failed_letters(session, case_id)
        return EnforcementReport(
            case_id=case_id,
            state=case.state,
            waiting_for=tuple(dict.fromkeys((*waiting, *(letter.sentence for letter in failed)))),
            next_at=_next_at(enforcement, session, case),
            shut=_shut(enforcement, session, case) if waiting else (),
            failed_letters=failed,
        )


def resume_all(enforcement: Enforcement) -> ResumeReport:
    """Go on with all that was interrupted, is due or has ended; a fault in one case stops no other."""
    engine = enforcement.engine
    with enforcement.deciding() as decision:
        expired = expire_due(decision)
    with reading(engine) as session:
        before = cases_on_the_way(session)
    reports, faults = [], []
    for case_id in sorted(before):
        try:
            reports.append(enforce(enforcement, case_id))
        except (CjpFraudError, OSError) as error:
            faults.append(f"case {case_id}: {error}")
    return ResumeReport(
        expired=tuple(expired),
        moved=tuple(
            report for report in reports if report.state is not before.get(report.case_id, report.state)
        ),
        waiting=tuple(report for report in reports if report.waiting_for),
        faults=tuple(faults),
    )


def cases_on_the_way(session: Session) -> dict[str, CaseState]:
    """Return the cases of which something may be due by themselves, each with its state."""
    following = {letter.case_id for letter in follow_ups_due(session)}
    following |= {case_id for case_id, _ in ordered_letters_due(session)}
    rows = session.execute(
        select(Case.id, Case.state).where(Case.state.in_(_ON_THE_WAY) | Case.id.in_(following))
    )
    return {row.id: row.state for row in rows}


def _advance(enforcement: Enforcement, case_id: str) -> tuple[str, ...]:
    """Do what a case allows, and return what it waits for; the caller holds its lock.

    An upheld dispute withdraws it before and after: what was on its way to a measure may be back from there.
    """
    if _is_withdrawn(enforcement, case_id):
        return ()
    waiting = _advance_by_state(enforcement, case_id)
    return () if withdraw_if_upheld(enforcement, case_id) else waiting


def _is_withdrawn(enforcement: Enforcement, case_id: str) -> bool:
    """Withdraw a case that is disputed with success or stale, and say whether it was."""
    if _state(enforcement, case_id) not in BEFORE_THE_MEASURE:
        return False
    return withdraw_if_upheld(enforcement, case_id) or withdraw_if_stale(enforcement, case_id)


def _advance_by_state(enforcement: Enforcement, case_id: str) -> tuple[str, ...]:
    """Do what the state of a case allows, and return what it waits for."""
    waiting: tuple[str, ...] = ()
    state = _state(enforcement, case_id)
    if state is CaseState.APPROVED:
        waiting = serve_notice(enforcement, case_id)
    elif state is CaseState.NOTICED:
        waiting = serve_next_step(enforcement, case_id)
    state = _state(enforcement, case_id)
    if state is CaseState.NOTICED:
        return _try_measure(enforcement, case_id)
    if state is CaseState.SUSPENDING:
        reasons = apply_under_lock(enforcement, case_id).reasons
        if _state(enforcement, case_id) is CaseState.SUSPENDED:  # whoever is told afterwards is told at once
            serve_what_must_follow(enforcement, case_id)
        return reasons
    if state is CaseState.LIFTING:
        return lift_under_lock(enforcement, case_id).reasons
    if state is CaseState.SUSPENDED:
        serve_what_must_follow(enforcement, case_id)
        for lift in (lift_if_upheld, lift_if_filed, lift_if_corrected):
            lifted = lift(enforcement, case_id)
            if lifted is not None:
                return lifted.reasons
        lapsed = lapse_under_lock(enforcement, case_id)
        if lapsed is not None:
            return lapsed.reasons
        lifted = advance_under_lock(enforcement, case_id)
        if lifted is not None:
            return lifted.reasons
        told = narrow_under_lock(enforcement, case_id)
        return told.reasons if told is not None else ()
    return waiting


def _shut(enforcement: Enforcement, session: Session, case: Case) -> tuple[str, ...]:
    """Return what keeps the gate shut for a case on its way that waits, but for what time or the mail server mends."""
    proposal = latest_proposal(session, case)
    on_the_way = (CaseState.APPROVED, CaseState.NOTICED, CaseState.SUSPENDING)
    if case.state not in on_the_way or proposal is None or proposal.mode is PlatformMode.OBSERVE:
        return ()
    now = enforcement.now
    plan_progress = progress_of(session, case, now)
    complete_at = plan_progress.complete_at if plan_progress is not None else None
    asked = BEFORE_MEASURE if complete_at is not None and complete_at <= now else BEFORE_NOTICE
    return obstacles(session, case, enforcement.policy, now, asked)


def _try_measure(enforcement: Enforcement, case_id: str) -> tuple[str, ...]:
    """Take the measure of a noticed case, except during the pause after the platform has refused it."""
    with reading(enforcement.engine) as session:
        case = session.get_one(Case, case_id)
        again_at = _paused_until(session, case)
    if again_at is not None and enforcement.now < again_at:
        return (
            f"it was ordered more than once and never in force; again at {again_at:%Y-%m-%d %H:%M:%SZ}, "
            f"or at once by: cjp-fraud measures apply {case.number}",
        )
    try:
        return apply_under_lock(enforcement, case_id).reasons
    except Refused as refused:
        return refused.missing


def _paused_until(session: Session, case: Case) -> datetime | None:
    """Return when a platform that refused the standing proposal's measure is asked again; None: at once.

    After the first refusal at once, then after pauses that double, so that a platform which always refuses
    does not get a new measure every five minutes.
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
    return refused[-1] + min(_FIRST_PAUSE * 2.0 ** min(len(refused) - 1, 10), _LONGEST_PAUSE)


def _next_at(enforcement: Enforcement, session: Session, case: Case) -> datetime | None:
    if case.state not in (CaseState.APPROVED, CaseState.NOTICED):
        return None
    plan_progress = progress_of(session, case, enforcement.now)
    if plan_progress is None:
        return None
    facts = gate_facts(session, case, enforcement.policy, enforcement.now, compare_rows=False)
    held = held_moments(facts)
    if without_prior_notice(facts) is not None:
        return max(held, default=None)
    if plan_progress.complete_at is None:
        return plan_progress.next_due_at
    return max(plan_progress.complete_at, *held, plan_progress.complete_at)


def _state(enforcement: Enforcement, case_id: str) -> CaseState:
    with reading(enforcement.engine) as session:
        state = session.scalar(select(Case.state).where(Case.id == case_id))
    if state is None:
        raise NotFoundError(f"no case {case_id!r} is on record; cjp-fraud cases list shows those that are")
    return state
