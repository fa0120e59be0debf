"""Decisions on cases: determined, dismissed, approved, returned, withdrawn, stopped, and carried out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from cjp_fraud.operations import cases, emergency, measures
from cjp_fraud.operations.cases import (
    ApprovalResult,
    CaseStanding,
    DeterminationResult,
    NoticeStands,
    StopResult,
)
from cjp_fraud.operations.emergency import EmergencyResult
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.suspension.enforcement import EnforcementReport
from cjp_fraud.web.api.access import Call, OnceOnCase, Scoped
from cjp_fraud.web.api.answers import ACTS_ON_CASE, Acted
from cjp_fraud.web.api.bodies import Approval, Determination, EmergencyOrder, Reasons, StopClearing
from cjp_fraud.web.api.fields import CasePath, IdPath

routes = APIRouter()

Decider = Annotated[Call, Depends(Scoped(ApiScope.DECISIONS_WRITE))]
Approver = Annotated[Call, Depends(Scoped(ApiScope.APPROVALS_WRITE))]
Counsel = Annotated[Call, Depends(Scoped(ApiScope.STOPS_WRITE))]


@routes.post(
    "/cases/{case}/determination",
    tags=["decisions"],
    response_model=Acted[DeterminationResult],
    responses=ACTS_ON_CASE,
)
def determine(call: Decider, once: OnceOnCase, case: CasePath, body: Determination) -> Response:
    """Determine that the flagged traffic is fraudulent; a proposal is drawn up for somebody else to approve."""
    return once.act(
        call,
        lambda acting: cases.determine(acting, call.by, call.now, case, body.finding),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/undetermined",
    tags=["decisions"],
    response_model=Acted[CaseStanding],
    responses=ACTS_ON_CASE,
)
def leave_undetermined(call: Decider, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Record that it cannot be said whether the traffic is fraudulent; the case stays in review."""
    return once.act(
        call,
        lambda acting: cases.leave_undetermined(acting, call.by, call.now, case, reasons=body.reasons),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/dismissal", tags=["decisions"], response_model=Acted[CaseStanding], responses=ACTS_ON_CASE
)
def dismiss(call: Decider, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Find that the traffic is not fraudulent, and close the case."""
    return once.act(
        call,
        lambda acting: cases.dismiss(acting, call.by, call.now, case, reasons=body.reasons),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/reopening", tags=["decisions"], response_model=Acted[CaseStanding], responses=ACTS_ON_CASE
)
def reopen(call: Decider, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Open a dismissed, expired or withdrawn case again."""
    return once.act(
        call,
        lambda acting: cases.reopen(acting, call.by, call.now, case, reasons=body.reasons),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/approval", tags=["approvals"], response_model=Acted[ApprovalResult], responses=ACTS_ON_CASE
)
def approve(call: Approver, once: OnceOnCase, case: CasePath, body: Approval) -> Response:
    """Approve exactly this version of the proposal, as somebody who took no part; notice and measure follow."""
    return once.act(
        call,
        lambda acting: cases.approve_and_carry_out(
            acting, call.by, call.now, case, expected_sha256=body.proposal_sha256, capacity=body.capacity
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/emergency",
    tags=["decisions"],
    response_model=Acted[EmergencyResult],
    responses=ACTS_ON_CASE,
)
def order_in_emergency(call: Decider, once: OnceOnCase, case: CasePath, body: EmergencyOrder) -> Response:
    """Take exactly this proposal's measure at once, as a reviewer, where counsel has marked the ground.

    It ends by itself after 30 minutes, unless somebody who took no part approves it by then (`/approval`).
    """
    return once.act(
        call,
        lambda acting: emergency.order_in_emergency(
            acting, call.by, call.now, case, reasons=body.reasons, expected_sha256=body.proposal_sha256
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/return", tags=["approvals"], response_model=Acted[CaseStanding], responses=ACTS_ON_CASE
)
def return_proposal(call: Approver, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Return the proposal to review with a comment, or take it back."""
    return once.act(
        call,
        lambda acting: cases.return_proposal(acting, call.by, call.now, case, reasons=body.reasons),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/refusal", tags=["approvals"], response_model=Acted[CaseStanding], responses=ACTS_ON_CASE
)
def refuse_proposal(call: Approver, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Refuse the proposal, as somebody who took no part: the finding does not hold; the case goes back to review."""
    return once.act(
        call,
        lambda acting: cases.refuse_proposal(acting, call.by, call.now, case, reasons=body.reasons),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/withdrawal",
    tags=["approvals"],
    response_model=Acted[EnforcementReport],
    responses=ACTS_ON_CASE,
)
def withdraw(call: Approver, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Withdraw what was approved; a letter follows where anything had gone out."""
    return once.act(
        call,
        lambda acting: cases.withdraw_and_notify(acting, call.by, call.now, case, reasons=body.reasons),
        body=body.said(),
        case=case,
    )


@routes.post("/cases/{case}/stops", tags=["stops"], response_model=Acted[StopResult], responses=ACTS_ON_CASE)
def order_stop(call: Counsel, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Order, as counsel, that nothing be restricted on this case until the stop is cleared."""
    return once.act(
        call,
        lambda acting: cases.order_stop(acting, call.by, call.now, case, reasons=body.reasons),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/stops/clearing", tags=["stops"], response_model=Acted[StopResult], responses=ACTS_ON_CASE
)
def clear_stop(call: Counsel, once: OnceOnCase, case: CasePath, body: StopClearing) -> Response:
    """Clear an order of counsel, as counsel."""
    return once.act(
        call,
        lambda acting: cases.clear_stop(
            acting, call.by, call.now, case, reasons=body.reasons, stop_id=body.stop_id
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/notices/{notice_id}/standing",
    tags=["stops"],
    response_model=Acted[NoticeStands],
    responses=ACTS_ON_CASE,
)
def let_notice_stand(
    call: Approver, once: OnceOnCase, case: CasePath, notice_id: IdPath, body: Reasons
) -> Response:
    """Let a notice stand in spite of reports that it did not arrive."""
    return once.act(
        call,
        lambda acting: cases.let_notice_stand(
            acting, call.by, call.now, case, notice_id, reasons=body.reasons
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/enforcement",
    tags=["approvals"],
    response_model=Acted[EnforcementReport],
    responses=ACTS_ON_CASE,
)
def enforce(call: Approver, once: OnceOnCase, case: CasePath) -> Response:
    """Do everything that an approved case allows now: notice, measure, lapse, letters that follow. Safe twice."""
    return once.act(call, lambda acting: measures.enforce(acting, call.now, case), case=case)
