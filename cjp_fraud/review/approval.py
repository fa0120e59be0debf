"""Approve exactly one version of a proposal, return it, let it expire, or say again that it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Actor, Decision, Part, Role
from cjp_fraud.people.participation import record_part, took_part
from cjp_fraud.review.cases import in_words, lock_case, move, note, write_comment
from cjp_fraud.review.decision_tables import Approval, NeedStatement, Proposal
from cjp_fraud.review.earlier_notice import held_until
from cjp_fraud.review.earlier_notices_on_record import earlier_notices
from cjp_fraud.review.emergency import emergency_order_of
from cjp_fraud.review.model import BEFORE_THE_MEASURE, Capacity, CaseState, CommentKind
from cjp_fraud.review.proposal import (
    counsel_needed,
    document_of,
    latest_proposal,
    obstacles_of,
    version_checks,
)
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id

ApprovalObstacles = Callable[[Decision, Case, Capacity], Sequence[str]]
"""Says why a person may not approve a locked case's proposal; given by the caller, who knows the gate."""


def approve(
    decision: Decision,
    case_id: str,
    obstacles: ApprovalObstacles,
    *,
    expected_sha256: str | None = None,
    capacity: Capacity | None = None,
    in_emergency: bool = False,
) -> Approval:
    """Approve the case's proposal in the version that stands.

    The case is approved once an approver's approval is on record and, where the tenant is critical and
    the measure more than a block of destinations, counsel's as well, by another person.

    Parameters
    ----------
    obstacles : asks the gate (:func:`cjp_fraud.suspension.gate_facts.approval_obstacles`).
    expected_sha256 : digest (or its first 8 or more digits) of the version that the person has seen;
        refused if another stands.
    capacity : as approver or as counsel; None: as approver where the person is one.
    in_emergency : whether its measure is in force already, on a reviewer's order, and ends by itself without this
        approval; the caller says so, and gives the measure its end.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    proposal = latest_proposal(session, case)
    acting = capacity or capacity_of(by)
    in_the_way = approval_faults(
        decision, case, acting, obstacles, expected_sha256=expected_sha256, in_emergency=in_emergency
    )
    refuse_unless(*((False, sentence) for sentence in in_the_way), action=f"approve {in_words(case)}")
    assert proposal is not None, "a determined case has a proposal"
    assert by.user_id is not None, "only persons have roles"
    approval = Approval(
        proposal_id=proposal.id,
        proposal_sha256=proposal.sha256,
        determined_by=proposal.determined_by,
        drawn_at=proposal.drawn_at,
        capacity=acting,
        by_user_id=by.user_id,
        at=decision.at,
    )
    session.add(approval)
    record_part(session, by, Part.APPROVED, case.tenant_id, decision.at, case_id=case.id)
    session.flush()
    if not in_emergency:
        _move_or_note(decision, case, proposal, approval)
    return approval


def capacity_of(by: Actor) -> Capacity:
    """Return in which capacity a person approves who does not say it."""
    return Capacity.COUNSEL if by.may(Role.COUNSEL) and not by.may(Role.APPROVER) else Capacity.APPROVER


def approval_faults(
    decision: Decision,
    case: Case,
    capacity: Capacity,
    obstacles: ApprovalObstacles,
    *,
    expected_sha256: str | None = None,
    in_emergency: bool = False,
) -> tuple[str, ...]:
    """Return all that keeps ``decision.by`` from approving the proposal that stands, a sentence each; none: nothing.

    Parameters
    ----------
    obstacles, expected_sha256, in_emergency : as for :func:`approve`.
    """
    proposal = latest_proposal(decision.session, case)
    faults: list[str] = []
    waits_in = CaseState.SUSPENDED if in_emergency else CaseState.DETERMINED
    if case.state is not waits_in:
        faults.append(f"it is {case.state}; only a {waits_in} case can be approved")
    if proposal is not None:
        faults += [
            sentence for holds, sentence in _own_checks(decision, proposal, expected_sha256) if not holds
        ]
        faults += [*obstacles(decision, case, capacity), *obstacles_of(document_of(proposal))]
        faults += _letters_since(decision, proposal)
    return tuple(dict.fromkeys(faults))


def _move_or_note(decision: Decision, case: Case, proposal: Proposal, approval: Approval) -> None:
    """Move the case to approved once every approval that its proposal needs is given; until then only note it."""
    content = {
        "approval_id": approval.id,
        "proposal_id": proposal.id,
        "proposal_sha256": proposal.sha256,
        "mode": proposal.mode,
        "capacity": approval.capacity,
    }
    given = {each.capacity for each in approvals_of(decision.session, proposal)}
    needed = {Capacity.APPROVER} | ({Capacity.COUNSEL} if counsel_needed(proposal) else set())
    if needed <= given:
        move(decision, case, CaseState.APPROVED, "case.approved", content)
    else:
        note(decision, case, "case.consented", content | {"state": case.state})


def approvals_of(session: Session, proposal: Proposal) -> list[Approval]:
    """Return the approvals of a proposal, the first given first."""
    return list(
        session.scalars(
            select(Approval).where(Approval.proposal_id == proposal.id).order_by(Approval.at, Approval.id)
        )
    )


def approval_to_carry_out(
    decision: Decision,
    case_id: str,
    *,
    expected_sha256: str | None = None,
    capacity: Capacity | None = None,
) -> Approval | None:
    """Return the person's approval whose measure is still to be carried out; None: there is none.

    A run that died after the approval was on record is run again with the same words: it then has
    nothing to decide, only to carry on.
    """
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    proposal = latest_proposal(session, case)
    if proposal is None:
        return None
    in_emergency = case.state is CaseState.SUSPENDED and emergency_order_of(session, proposal.id) is not None
    if case.state not in BEFORE_THE_MEASURE | {CaseState.SUSPENDING} and not in_emergency:
        return None
    if not proposal.sha256.startswith((expected_sha256 or "").strip().lower()):
        return None
    return next(
        (
            approval
            for approval in approvals_of(session, proposal)
            if approval.by_user_id == by.user_id and capacity in (None, approval.capacity)
        ),
        None,
    )


def return_(decision: Decision, case_id: str, text: str) -> Case:
    """Return a proposal with a comment (approver, counsel), or take it back (reviewer); it is void then."""
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    as_approver = by.may(Role.APPROVER, Role.COUNSEL) and not took_part(session, by, case.id)
    refuse_unless(
        (case.state is CaseState.DETERMINED, f"it is {case.state}; only a determined case can be returned"),
        (
            by.may(Role.APPROVER, Role.COUNSEL, Role.REVIEWER),
            f"{by} is neither approver, counsel nor reviewer",
        ),
        (bool(text.strip()), "say why: what is to be changed"),
        action=f"return {in_words(case)}",
    )
    kind = CommentKind.RETURNED if as_approver or not by.may(Role.REVIEWER) else CommentKind.TAKEN_BACK
    words = write_comment(decision, case, kind, text)
    record_part(session, by, Part.RETURNED, case.tenant_id, decision.at, case_id=case.id)
    proposal = latest_proposal(session, case)
    content = {"proposal_id": proposal.id if proposal else None}
    move(decision, case, CaseState.IN_REVIEW, f"case.{kind}", content, words)
    return case


def expire_due(decision: Decision) -> list[str]:
    """Expire every determined case whose proposal nobody approved in time; return their ids."""
    session = decision.session
    expired = []
    candidates = session.scalars(
        select(Case.id).where(Case.state == CaseState.DETERMINED).order_by(Case.id)
    ).all()
    for case_id in candidates:
        case = lock_case(session, case_id)
        proposal = latest_proposal(session, case)
        if case.state is CaseState.DETERMINED and proposal is not None and proposal.expires_at <= decision.at:
            content = {"proposal_id": proposal.id, "proposal_sha256": proposal.sha256}
            move(decision, case, CaseState.EXPIRED, "case.expired", content)
            expired.append(case.id)
    return expired


def state_need(decision: Decision, case_id: str, reasons: str) -> NeedStatement:
    """Record that a person says again, with reasons, that the approved measure is needed."""
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    refuse_unless(
        (case.state in BEFORE_THE_MEASURE, f"it is {case.state}; there is no approved measure to be taken"),
        (by.may(Role.REVIEWER, Role.APPROVER), f"{by} is neither a reviewer nor an approver"),
        (bool(reasons.strip()), "give the reasons"),
        action=f"say that the measure of {in_words(case)} is needed",
    )
    assert by.user_id is not None, "only persons have roles"
    words = keep_text(session, reasons.strip(), at)
    record_part(session, by, Part.STATED_NEED, case.tenant_id, at, case_id=case.id)
    statement = NeedStatement(
        id=new_id(), case_id=case.id, by_user_id=by.user_id, at=at, reasons_text_id=words.id
    )
    session.add(statement)
    session.flush()
    note(decision, case, "case.need_stated", {"statement_id": statement.id}, words)
    return statement


def _letters_since(decision: Decision, proposal: Proposal) -> list[str]:
    """Say where a letter that went out since the proposal promises more time than the proposed notice states."""
    held = held_until(earlier_notices(decision.session, proposal.case_id, decision.at))
    notice = document_of(proposal)["notice"]
    stated = notice["not_before"] if notice is not None else None
    if held is None or held <= decision.at or (stated is not None and held <= datetime.fromisoformat(stated)):
        return []
    return [
        f"a letter that went out since says that nothing is restricted before {held:%Y-%m-%d %H:%M:%SZ}, and the "
        "proposed notice does not; return the proposal, and determine the case again"
    ]


def _own_checks(
    decision: Decision, proposal: Proposal, expected_sha256: str | None
) -> tuple[tuple[bool, str], ...]:
    """The checks of an approval that are not among those of the gate."""
    return (
        *version_checks(proposal, decision.at, expected_sha256),
        (
            all(
                approval.by_user_id != decision.by.user_id
                for approval in approvals_of(decision.session, proposal)
            ),
            f"{decision.by} has approved it already",
        ),
    )
