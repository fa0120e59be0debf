"""Cases of one shared cause: dismissed together, and undone in time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from cjp_fraud.operations import bulk
from cjp_fraud.operations.bulk import BulkView, CauseView
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.web.api.access import ActsOnce, Call, Scoped
from cjp_fraud.web.api.answers import ACTS, READS, READS_ONE, Acted, Page, answer
from cjp_fraud.web.api.bodies import BulkDismissal
from cjp_fraud.web.api.fields import IdPath
from cjp_fraud.web.api.paging import After, Limit, page_of

routes = APIRouter()

CasesReader = Annotated[Call, Depends(Scoped(ApiScope.CASES_READ))]
Decider = Annotated[Call, Depends(Scoped(ApiScope.DECISIONS_WRITE))]


@routes.get("/bulk/causes", tags=["cases"], response_model=Page[CauseView], responses=READS)
def list_causes(call: CasesReader, limit: Limit = 100, after: After = None) -> Response:
    """List what cases in the queue have in common, the newest first."""
    listed = bulk.list_causes(call.deployment, call.by, call.now)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.get("/bulk/causes/{cause}", tags=["cases"], response_model=CauseView, responses=READS_ONE)
def show_cause(call: CasesReader, cause: IdPath) -> Response:
    """Show how many cases of a cause would be dismissed, and why others would be left."""
    return answer(bulk.show_cause(call.deployment, call.by, call.now, cause))


@routes.post(
    "/bulk/causes/{cause}/dismissal", tags=["decisions"], response_model=Acted[BulkView], responses=ACTS
)
def dismiss_together(call: Decider, once: ActsOnce, cause: IdPath, body: BulkDismissal) -> Response:
    """Dismiss the undecided cases of a cause, if they still are as many as were shown; a result for each."""
    return once.act(
        call,
        lambda acting: bulk.dismiss_together(acting, call.by, call.now, cause, body.wanted),
        body=body.said(),
    )


@routes.get("/bulk/dismissals", tags=["cases"], response_model=Page[BulkView], responses=READS)
def list_bulks(call: CasesReader, limit: Limit = 100, after: After = None) -> Response:
    """List bulk dismissals, the newest first, with what became of each case."""
    listed = bulk.list_bulks(call.deployment, call.now, by=call.by)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.get("/bulk/dismissals/{dismissal}", tags=["cases"], response_model=BulkView, responses=READS_ONE)
def show_bulk(call: CasesReader, dismissal: IdPath) -> Response:
    """Show one."""
    return answer(bulk.show_bulk(call.deployment, call.now, dismissal, by=call.by))


@routes.post(
    "/bulk/dismissals/{dismissal}/undoing", tags=["decisions"], response_model=Acted[BulkView], responses=ACTS
)
def undo(call: Decider, once: ActsOnce, dismissal: IdPath) -> Response:
    """Open its cases again that nobody touched since; the others are named with why not."""
    return once.act(call, lambda acting: bulk.undo(acting, call.by, call.now, dismissal))
