"""Disputes: entered, listed, decided, and decided so that a measure is narrowed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from cjp_fraud.operations import case_desk, case_queue, cases, narrowing
from cjp_fraud.operations.cases import DisputeResult
from cjp_fraud.operations.measure_choice import OfferedMeasure
from cjp_fraud.operations.narrowing import NarrowingResult
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.review.dispute import ListedDispute
from cjp_fraud.review.model import DisputeDecision
from cjp_fraud.web.api.access import Call, OnceOnCase, Scoped
from cjp_fraud.web.api.answers import ACTS_ON_CASE, READS, READS_ONE, Acted, Page, answer
from cjp_fraud.web.api.bodies import Comment, DisputeAnswer, NarrowingBody
from cjp_fraud.web.api.fields import CasePath, IdPath
from cjp_fraud.web.api.paging import After, Limit, page_of

routes = APIRouter()

DisputesReader = Annotated[Call, Depends(Scoped(ApiScope.DISPUTES_READ))]
DisputesWriter = Annotated[Call, Depends(Scoped(ApiScope.DISPUTES_WRITE))]


@routes.get("/disputes", tags=["disputes"], response_model=Page[ListedDispute], responses=READS)
def list_disputes(
    call: DisputesReader, decided_too: bool = False, limit: Limit = 100, after: After = None
) -> Response:
    """List disputes, the newest first; only open ones unless `decided_too`."""
    listed = case_queue.list_disputes(call.deployment, decided_too=decided_too, by=call.by)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.post(
    "/cases/{case}/disputes", tags=["disputes"], response_model=Acted[DisputeResult], responses=ACTS_ON_CASE
)
def open_dispute(call: DisputesWriter, once: OnceOnCase, case: CasePath, body: Comment) -> Response:
    """Enter the customer's dispute, in the customer's words."""
    return once.act(
        call,
        lambda acting: cases.open_dispute(acting, call.by, call.now, case, body.text),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/disputes/{dispute_id}/decision",
    tags=["disputes"],
    response_model=Acted[DisputeResult],
    responses=ACTS_ON_CASE,
)
def decide_dispute(
    call: DisputesWriter, once: OnceOnCase, case: CasePath, dispute_id: IdPath, body: DisputeAnswer
) -> Response:
    """Decide a dispute, as somebody who took no part at all; upheld lifts at once what is in force."""
    return once.act(
        call,
        lambda acting: cases.decide_dispute(
            acting,
            call.by,
            call.now,
            dispute_id,
            upheld=body.decision is DisputeDecision.UPHELD,
            reasons=body.reasons,
            cause=body.cause,
        ),
        body=body.said(),
        case=case,
    )


@routes.get(
    "/cases/{case}/narrower-measures",
    tags=["disputes"],
    response_model=list[OfferedMeasure],
    responses=READS_ONE,
)
def list_narrower_measures(call: DisputesReader, case: CasePath) -> Response:
    """List what the case's measure in force can be narrowed to, the narrowest first, replayed on the frozen traffic."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(narrowing.narrower_measures(call.deployment, call.now, case))


@routes.post(
    "/cases/{case}/disputes/{dispute_id}/narrowing",
    tags=["disputes"],
    response_model=Acted[NarrowingResult],
    responses=ACTS_ON_CASE,
)
def narrow_dispute(
    call: DisputesWriter, once: OnceOnCase, case: CasePath, dispute_id: IdPath, body: NarrowingBody
) -> Response:
    """Decide a dispute in part for the customer: the finding stands, and the measure restricts less at once."""
    return once.act(
        call,
        lambda acting: narrowing.narrow_dispute(
            acting,
            call.by,
            call.now,
            dispute_id,
            wanted=body.wanted,
            reasons=body.reasons,
            cause=body.cause,
        ),
        body=body.said(),
        case=case,
    )
