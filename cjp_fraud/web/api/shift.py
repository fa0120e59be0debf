"""The shift: what is before it, and its handover."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from cjp_fraud.operations import shift
from cjp_fraud.operations.shift import HandoverView, ShiftView
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.web.api.access import ActsOnce, Call, Scoped
from cjp_fraud.web.api.answers import ACTS, READS, Acted, Page, answer
from cjp_fraud.web.api.fields import IdPath
from cjp_fraud.web.api.paging import After, Limit, page_of

routes = APIRouter()

CasesReader = Annotated[Call, Depends(Scoped(ApiScope.CASES_READ))]
CasesWriter = Annotated[Call, Depends(Scoped(ApiScope.CASES_WRITE))]


@routes.get("/shift", tags=["shift"], response_model=ShiftView, responses=READS)
def look_at_shift(call: CasesReader) -> Response:
    """Show what is held, promised, due and lapsing in the next 12 hours, and what is late."""
    return answer(shift.look_at_shift(call.deployment, call.now, call.by))


@routes.get("/shift/handovers", tags=["shift"], response_model=Page[HandoverView], responses=READS)
def list_handovers(call: CasesReader, limit: Limit = 100, after: After = None) -> Response:
    """List handovers, the newest first."""
    listed = shift.list_handovers(call.deployment)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.post(
    "/shift/handovers", tags=["shift"], response_model=Acted[HandoverView], status_code=201, responses=ACTS
)
def hand_over_shift(call: CasesWriter, once: ActsOnce) -> Response:
    """Put on record what is open now, for the next lead."""
    return once.act(call, lambda acting: shift.hand_over(acting, call.by, call.now), status=201)


@routes.post(
    "/shift/handovers/{handover}/acknowledgement",
    tags=["shift"],
    response_model=Acted[HandoverView],
    responses=ACTS,
)
def acknowledge_shift(call: CasesWriter, once: ActsOnce, handover: IdPath) -> Response:
    """Take a shift over that another lead handed over."""
    return once.act(call, lambda acting: shift.acknowledge(acting, call.by, call.now, handover))
