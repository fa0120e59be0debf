"""Decide cases and their disputes: what a command, a page and an endpoint do alike.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware), opens its
own transactions and returns a frozen result. ``case`` is a case's number or id, as people type it.

Raises, in all of them
----------------------
NotFoundError
    If the case, the user or the tenant is not on record.
Refused
    If something stands in the way; it names everything that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.tables import Notice
from cjp_fraud.operations.head_keeping import head_follows
from cjp_fraud.operations.short_ids import episode_id_of, id_of
from cjp_fraud.review import approval as approvals
from cjp_fraud.review import claim as claims
from cjp_fraud.review import determination as determinations
from cjp_fraud.review import dispute as disputes
from cjp_fraud.review import refusal, stops_on_record
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.decision_tables import Dispute, Stop
from cjp_fraud.review.model import (
    BEFORE_THE_MEASURE,
    MAY_BE_RESTRICTED,
    Capacity,
    CaseState,
    DisputeState,
    StopKind,
    WrongCause,
)
from cjp_fraud.review.principals import freeze_principals
from cjp_fraud.review.requests import FraudFinding
from cjp_fraud.review.tables import Case
from cjp_fraud.review.views import ProposalView
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension import emergency, ordered_letters
from cjp_fraud.suspension.enforcement import EnforcementReport, enforce
from cjp_fraud.suspension.follow_ups_due import follow_ups_due
from cjp_fraud.suspension.gate_facts import approval_obstacles, proposal_obstacles
from cjp_fraud.suspension.wrongful_measures import enter_upheld


@dataclass(frozen=True, slots=True)
class CaseStanding:
    """Which case was decided on, and where it stands now."""

    number: int
    id: str
    tenant_id: str
    state: CaseState

    @classmethod
    def of(cls, case: Case) -> CaseStanding:
        """Return where a case on record stands."""
        return cls(case.number, case.id, case.tenant_id, case.state)


@dataclass(frozen=True, slots=True)
class DeterminationResult:
    """A case that was determined, and the proposal drawn up for it."""

    case: CaseStanding
    proposal: ProposalView


@dataclass(frozen=True, slots=True)
class ApprovalResult:
    """An approval, and how far the case has come on it.

    Parameters
    ----------
    given_before : whether the person had approved already and only carried on what was interrupted.
    enforcement : what was done at once; None while another capacity's approval is needed.
    """

    case: CaseStanding
    proposal_sha256: str
    capacity: Capacity
    approved_at: datetime
    given_before: bool
    enforcement: EnforcementReport | None


@dataclass(frozen=True, slots=True)
class StopResult:
    """A stop that was ordered or cleared."""

    case: CaseStanding
    stop_id: str
    kind: StopKind


@dataclass(frozen=True, slots=True)
class NoticeStands:
    """How many reports against a notice a person has resolved."""

    case: CaseStanding
    notice_id: str
    reports_resolved: int


def claim(deployment: Deployment, by: str, now: datetime, case: str) -> CaseStanding:
    """Take a case, or an episode of the overflow list by how its id begins, to work on it; nobody else may then.

    The case of such an episode is opened by it, and who carried its traffic is frozen.
    """
    with deployment.deciding(by, now) as decision:
        if (episode := episode_id_of(decision.session, case)) is not None:
            from cjp_fraud.detection.evidence_rows import principal_rows

            opened = claims.claim_overflow(decision, episode, deployment.claim_policy)
            freeze_principals(decision, [opened.id], principal_rows(deployment.lake))
            return CaseStanding.of(opened)
        case_id = case_id_of(decision.session, case)
        return CaseStanding.of(claims.claim(decision, case_id, deployment.claim_policy))


def release(deployment: Deployment, by: str, now: datetime, case: str) -> CaseStanding:
    """Give a claimed case back to the queue."""
    with deployment.deciding(by, now) as decision:
        return CaseStanding.of(claims.release(decision, case_id_of(decision.session, case)))


def comment(deployment: Deployment, by: str, now: datetime, case: str, text: str) -> CaseStanding:
    """Write on a case; who does takes part in it, and may not approve it."""
    with deployment.deciding(by, now) as decision:
        return CaseStanding.of(claims.comment(decision, case_id_of(decision.session, case), text))


def determine(
    deployment: Deployment, by: str, now: datetime, case: str, finding: FraudFinding
) -> DeterminationResult:
    """Determine that the flagged traffic is fraudulent, freeze the evidence and draw up the proposal."""
    # Loaded here: the lake's libraries take longer than any other command on cases.
    from cjp_fraud.detection.evidence_rows import evidence_rows

    with deployment.deciding(by, now) as decision:
        session = decision.session
        proposal = determinations.determine_fraud(
            decision,
            case_id_of(session, case),
            finding,
            policy=deployment.policy,
            read_rows=evidence_rows(deployment.lake),
            obstacles=proposal_obstacles,
        )
        view = case_view(session, proposal.case_id, now)
        standing = CaseStanding.of(session.get_one(Case, proposal.case_id))
    return DeterminationResult(standing, view.proposals[-1])


def leave_undetermined(
    deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str
) -> CaseStanding:
    """Record that it can't be said whether the traffic is fraudulent; the case stays in review."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        determinations.leave_undetermined(decision, case_id, reasons=reasons)
        return CaseStanding.of(decision.session.get_one(Case, case_id))


def dismiss(deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str) -> CaseStanding:
    """Determine that the traffic is not fraudulent, and close the case; a warning that had gone out is withdrawn."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        determinations.dismiss(decision, case_id, reasons=reasons)
        ordered_letters.withdraw_warnings(decision, case_id, reasons)
        letters = bool(follow_ups_due(decision.session, case_id))
    if letters:
        enforce_now(deployment, now, case_id)
    return _standing(deployment, case_id)


def reopen(deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str) -> CaseStanding:
    """Open a dismissed, expired or withdrawn case again."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        return CaseStanding.of(determinations.reopen(decision, case_id, reasons=reasons))


def approve_and_carry_out(
    deployment: Deployment,
    by: str,
    now: datetime,
    case: str,
    *,
    expected_sha256: str | None = None,
    capacity: Capacity | None = None,
) -> ApprovalResult:
    """Approve the proposal, and carry it out at once: the notice, then the measure when the gate opens.

    A measure that was ordered in an emergency and is in force is approved so that it keeps its term. A run that died
    after the approval was on record may be run again: it then only carries on.

    Parameters
    ----------
    expected_sha256 : digest, or its first 8 or more digits, of the version that the person read.
    capacity : as approver or as counsel; None: as approver where the person is one.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        before = approvals.approval_to_carry_out(
            decision, case_id, expected_sha256=expected_sha256, capacity=capacity
        )
        on_record = decision.session.get_one(Case, case_id)
        in_emergency = emergency.waits_for_approval(decision.session, on_record)
        if before is not None:
            approval = before
        elif in_emergency:
            approval = emergency.approve_in_emergency(
                decision, case_id, deployment.policy, expected_sha256=expected_sha256, capacity=capacity
            )
        else:
            approval = approvals.approve(
                decision,
                case_id,
                partial(approval_obstacles, policy=deployment.policy),
                expected_sha256=expected_sha256,
                capacity=capacity,
            )
        standing = CaseStanding.of(on_record)
    enforcement = None
    if before is not None or in_emergency or standing.state is CaseState.APPROVED:
        enforcement = enforce_now(deployment, now, case_id)
        standing = _standing(deployment, case_id)
    return ApprovalResult(
        case=standing,
        proposal_sha256=approval.proposal_sha256,
        capacity=approval.capacity,
        approved_at=approval.at,
        given_before=before is not None,
        enforcement=enforcement,
    )


def return_proposal(
    deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str
) -> CaseStanding:
    """Return the proposal to review with a comment (approver, counsel), or take it back (reviewer)."""
    with deployment.deciding(by, now) as decision:
        return CaseStanding.of(approvals.return_(decision, case_id_of(decision.session, case), reasons))


def refuse_proposal(
    deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str
) -> CaseStanding:
    """Refuse the proposal, as an approver or counsel who took no part: the finding does not hold."""
    with deployment.deciding(by, now) as decision:
        return CaseStanding.of(refusal.refuse(decision, case_id_of(decision.session, case), reasons))


def withdraw_and_notify(
    deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str
) -> EnforcementReport:
    """Withdraw what was approved; a withdrawal notice follows where anything had gone out.

    A run that died before the letter had gone may be run again: it then only sends what is left.
    """
    with reading(deployment.engine) as session:
        case_id = case_id_of(session, case)
        withdrawn = session.get_one(Case, case_id).state is CaseState.WITHDRAWN
        letter_is_left = withdrawn and bool(follow_ups_due(session, case_id))
    with deployment.deciding(by, now) as decision:
        if not letter_is_left:
            determinations.withdraw(decision, case_id, reasons=reasons)
    return enforce_now(deployment, now, case_id)


def order_stop(deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str) -> StopResult:
    """Order, as counsel, that nothing be restricted on this case until the stop is cleared."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        stop = stops_on_record.order_stop(decision, case_id, reasons)
        return StopResult(CaseStanding.of(decision.session.get_one(Case, case_id)), stop.id, stop.kind)


def clear_stop(
    deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str, stop_id: str | None = None
) -> StopResult:
    """Clear an order of counsel, as counsel; ``stop_id``, or how it begins, may be None where one stop stands."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        if stop_id is not None:
            stop_id = id_of(decision.session, Stop.id, stop_id, "stop", f"cjp-fraud cases show {case}")
        stop = stops_on_record.clear_stop(decision, case_id, stop_id, reasons)
        return StopResult(CaseStanding.of(decision.session.get_one(Case, case_id)), stop.id, stop.kind)


def let_notice_stand(
    deployment: Deployment, by: str, now: datetime, case: str, notice_id: str, *, reasons: str
) -> NoticeStands:
    """Let a notice, named by its id or how it begins, stand in spite of reports that it did not arrive."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        notice_id = id_of(decision.session, Notice.id, notice_id, "notice", "cjp-fraud notices list")
        resolved = stops_on_record.let_notice_stand(decision, case_id, notice_id, reasons)
        standing = CaseStanding.of(decision.session.get_one(Case, case_id))
    return NoticeStands(standing, notice_id, resolved)


def enforce_now(deployment: Deployment, now: datetime, case_id: str) -> EnforcementReport:
    """Do everything that an approved case allows now: notice, measure, lapse, letters that follow."""
    with head_follows(deployment, now):
        return enforce(deployment.enforcement(now), case_id)


def _standing(deployment: Deployment, case_id: str) -> CaseStanding:
    with reading(deployment.engine) as session:
        return CaseStanding.of(session.get_one(Case, case_id))


@dataclass(frozen=True, slots=True)
class DisputeResult:
    """A dispute that was entered or decided; ``answer_due_at`` is an internal target."""

    case: CaseStanding
    dispute_id: str
    state: DisputeState
    answer_due_at: datetime
    enforcement: EnforcementReport | None = None
    """What was done at once: the customer is answered, and an upheld dispute lifts or withdraws; None: nothing was."""

    @property
    def may_still_restrict(self) -> bool:
        """Whether it was upheld and the restriction is not known to be gone."""
        return self.state is DisputeState.UPHELD and self.case.state in MAY_BE_RESTRICTED


def open_dispute(deployment: Deployment, by: str, now: datetime, case: str, text: str) -> DisputeResult:
    """Enter a tenant's dispute in the tenant's words; the first of a measure is to be answered within 60 minutes.

    Where the contract says that filing stops a measure, one in force is lifted at once.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        dispute = disputes.open_dispute(decision, case_id, text)
        on_record = decision.session.get_one(Case, case_id)
        standing = CaseStanding.of(on_record)
        stops = stops_on_record.filed_dispute_that_stops(decision.session, on_record) is not None
    enforcement = None
    if stops and standing.state is CaseState.SUSPENDED:
        enforcement = enforce_now(deployment, now, case_id)
        standing = _standing(deployment, case_id)
    return DisputeResult(standing, dispute.id, dispute.state, dispute.answer_due_at, enforcement)


def decide_dispute(
    deployment: Deployment,
    by: str,
    now: datetime,
    dispute_id: str,
    *,
    upheld: bool,
    reasons: str,
    cause: WrongCause | None = None,
) -> DisputeResult:
    """Decide a dispute, as somebody who took no part in its case; upheld is for the tenant; the customer is answered.

    Upheld shuts the gate for good, lifts at once what is in force, and withdraws what was to follow; the customer is
    told. What was in force is entered in the ledger of wrongful measures.

    Parameters
    ----------
    cause : what an upheld one's measure goes back to; None: it is said later.
    """
    with deployment.deciding(by, now) as decision:
        meant = id_of(decision.session, Dispute.id, dispute_id, "dispute", "cjp-fraud disputes list")
        dispute = disputes.decide_dispute(decision, meant, upheld=upheld, reasons=reasons)
        if upheld:
            enter_upheld(decision, dispute, cause)
        standing = CaseStanding.of(decision.session.get_one(Case, dispute.case_id))
        answers = bool(follow_ups_due(decision.session, dispute.case_id))
    enforcement = None
    if answers or (upheld and standing.state in MAY_BE_RESTRICTED | BEFORE_THE_MEASURE):
        enforcement = enforce_now(deployment, now, dispute.case_id)
        standing = _standing(deployment, dispute.case_id)
    return DisputeResult(standing, dispute.id, dispute.state, dispute.answer_due_at, enforcement)
