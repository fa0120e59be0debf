"""Known events on a page: entered, withdrawn, listed; the pages of tenants and of the administration send here too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from cjp_fraud.contracts.restriction import CHANNELS
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused
from cjp_fraud.operations import known_events
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.people.model import Role
from cjp_fraud.review.known_event import MAY_ENTER, KnownEventKind, KnownEventWanted
from cjp_fraud.web.access import FORM_ID, Admitted, Visit
from cjp_fraud.web.answers import own_path, page, sentences_of, status_of, to
from cjp_fraud.web.typed_values import moment_typed

pages = APIRouter(include_in_schema=False)

EventReader = Annotated[Visit, Depends(Admitted(*MAY_ENTER, Role.AUDITOR))]
EventWriter = Annotated[Visit, Depends(Admitted(*MAY_ENTER))]

_HERE: Final = "/known-events"


@pages.get(_HERE)
def show(visit: EventReader) -> Response:
    """List known events."""
    return _shown(visit)


@pages.post(_HERE)
def enter(visit: EventWriter) -> Response:
    """Enter one."""

    def enter_typed(acting: Deployment) -> object:
        return known_events.enter(acting, visit.by, visit.now, _wanted(visit))

    return _act(visit, enter_typed)


@pages.post(f"{_HERE}/{{event}}/withdraw")
def withdraw(visit: EventWriter, event: str) -> Response:
    """Let one count no more."""
    return _act(visit, lambda acting: known_events.withdraw(acting, visit.by, visit.now, event))


def form_values(visit: Visit) -> dict[str, Any]:
    """Return what the form of a known event needs on a page."""
    return {"kinds": KnownEventKind, "channels": CHANNELS, "may_enter": visit.person.may(*MAY_ENTER)}


def _act(visit: Visit, do: Callable[[Deployment], object]) -> Response:
    leads_to = own_path(visit.form.get("leads_to") or _HERE)
    fields = {"path": visit.request.url.path, **visit.form.typed}
    try:
        do(acting_by_form(visit.deployment, visit.form.get(FORM_ID), fields, leads_to=leads_to))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (Refused, BadInputError, NotFoundError) as error:
        return _shown(visit, in_the_way=error)
    return to(leads_to)


def _wanted(visit: Visit) -> KnownEventWanted:
    form = visit.form
    if form.get("kind") not in list(KnownEventKind):
        raise BadInputError("say what kind of event it is")
    return KnownEventWanted(
        kind=KnownEventKind(form.get("kind")),
        words=form.get("words"),
        begins_at=_moment(visit, "begins_at"),
        ends_at=_moment(visit, "ends_at"),
        tenant_id=form.get("tenant").strip() or None,
        channel=form.get("channel") or None,
        countries=tuple(form.get("countries").upper().replace(",", " ").split()),
    )


def _moment(visit: Visit, field: str) -> datetime:
    at = moment_typed(visit.form.get(field), visit.words.time_zone)
    if at is None:
        raise BadInputError("say from when until when it lasts")
    return at


def _shown(visit: Visit, *, in_the_way: CjpFraudError | None = None) -> Response:
    return page(
        visit,
        "known_events.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        events=known_events.list_events(visit.deployment, by=visit.by, most=200),
        leads_to=visit.form.get("leads_to") or _HERE,
        typed=visit.form.typed,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
        **form_values(visit),
    )
