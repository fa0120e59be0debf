"""Known events: entered, withdrawn, listed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from cjp_fraud.operations import known_events
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.review.known_event import KnownEventView
from cjp_fraud.web.api.access import ActsOnce, Call, Scoped
from cjp_fraud.web.api.answers import ACTS, READS, Acted, Page, answer
from cjp_fraud.web.api.bodies import NewKnownEvent
from cjp_fraud.web.api.fields import IdPath
from cjp_fraud.web.api.paging import After, Limit, page_of

routes = APIRouter()

EventsReader = Annotated[Call, Depends(Scoped(ApiScope.KNOWN_EVENTS_READ))]
EventsWriter = Annotated[Call, Depends(Scoped(ApiScope.KNOWN_EVENTS_WRITE))]


@routes.get("/known-events", tags=["tenants"], response_model=Page[KnownEventView], responses=READS)
def list_events(call: EventsReader, limit: Limit = 100, after: After = None) -> Response:
    """List the 1,000 newest known events, withdrawn ones too, the newest entered first."""
    listed = known_events.list_events(call.deployment, by=call.by)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.post(
    "/known-events", tags=["tenants"], response_model=Acted[KnownEventView], status_code=201, responses=ACTS
)
def enter_event(call: EventsWriter, once: ActsOnce, body: NewKnownEvent) -> Response:
    """Enter a known event; it is marked on charts and cases, and changes no flag, no score and no case."""
    return once.act(
        call,
        lambda acting: known_events.enter(acting, call.by, call.now, body.wanted),
        body=body.said(),
        status=201,
    )


@routes.post(
    "/known-events/{event}/withdrawal", tags=["tenants"], response_model=Acted[KnownEventView], responses=ACTS
)
def withdraw_event(call: EventsWriter, once: ActsOnce, event: IdPath) -> Response:
    """Let a known event count no more; it stays on record."""
    return once.act(call, lambda acting: known_events.withdraw(acting, call.by, call.now, event))
