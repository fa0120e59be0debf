"""Claiming: the next case, handing over, putting aside; what an open page says of itself, and views of the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, Refused
from cjp_fraud.operations import case_queue, claims, customer_questions
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.review.model import Awaited, CustomersAnswer
from cjp_fraud.web.access import FORM_ID, CaseReader, CaseWorker, Visit
from cjp_fraud.web.answers import to
from cjp_fraud.web.case_page import act
from cjp_fraud.web.queue_page import address, filter_of, queue_shown, read_asked
from cjp_fraud.web.typed_values import moment_typed

pages = APIRouter(include_in_schema=False)

_FORM: Final = "form"
_USED: Final = "used"
_FIELD: Final = "field "
"""What the names of the fields of a draft begin with, so that they are told from those of the page."""


@pages.post("/queue/next")
def claim_next(visit: CaseWorker) -> Response:
    """Claim the worst case of those that the queue shows, and open it."""
    asked = read_asked(visit.form.get)
    try:
        acting = acting_by_form(
            visit.deployment,
            visit.form.get(FORM_ID),
            {"path": visit.request.url.path, **visit.form.typed},
            leads_to="/queue?held=me",
        )
        claimed = claims.claim_next(acting, visit.by, visit.now, filter_of(visit, asked))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (Refused, BadInputError) as error:
        return queue_shown(visit, asked, in_the_way=error)
    return to(f"/cases/{claimed.number}") if claimed is not None else to(address(asked, none_left="1"))


@pages.post("/cases/{number}/hand-over")
def hand_over(visit: CaseWorker, number: int) -> Response:
    """Give the case to a named person."""
    receiver = visit.form.get("to").strip()
    return act(
        visit, number, lambda acting: claims.hand_over(acting, visit.by, visit.now, str(number), receiver)
    )


@pages.post("/cases/{number}/ask-customer")
def ask_customer(visit: CaseWorker, number: int) -> Response:
    """Put on record that the customer is asked whether it was them."""
    words, contact = visit.form.get("text"), visit.form.get("contact") or None
    return act(
        visit,
        number,
        lambda acting: customer_questions.ask(
            acting, visit.by, visit.now, str(number), words, contact=contact
        ),
    )


@pages.post("/cases/{number}/record-answer")
def record_answer(visit: CaseWorker, number: int) -> Response:
    """Put on record what the customer answered."""
    words, said = visit.form.get("text"), visit.form.get("answer")
    answer = CustomersAnswer(said) if said in list(CustomersAnswer) else None
    return act(
        visit,
        number,
        lambda acting: customer_questions.answered(acting, visit.by, visit.now, str(number), answer, words),
    )


@pages.post("/cases/{number}/put-aside")
def put_aside(visit: CaseWorker, number: int) -> Response:
    """Put the case aside."""
    form = visit.form

    def aside(acting: Deployment) -> object:
        awaited = form.get("awaited")
        if awaited not in list(Awaited):
            raise BadInputError("say what the case waits for")
        until = _until(visit, form.get("minutes"), form.get("until"))
        return claims.put_aside(acting, visit.by, visit.now, str(number), until, Awaited(awaited))

    return act(visit, number, aside)


@pages.post("/cases/{number}/stay")
def stay(visit: CaseReader, number: int) -> Response:
    """Take in what an open page says every half minute, and tell it who else looks and until when the lease lasts."""
    seen = claims.stay(visit.deployment, visit.by, visit.now, str(number), used=visit.form.get(_USED) == "1")
    held = seen.holding
    return JSONResponse(
        {
            "others": list(seen.others),
            "holder": held.holder,
            "mine": held.holder == visit.by,
            "seconds_left": _seconds(visit.now, held.lease_ends_at),
        }
    )


@pages.post("/cases/{number}/draft")
def keep_draft(visit: CaseReader, number: int) -> Response:
    """Keep what is typed into a form of the case."""
    form = visit.form.get(_FORM)
    if not form.startswith(f"/cases/{number}/"):
        raise BadInputError("the draft is of a form of another page")
    fields = {name.removeprefix(_FIELD): text for name, text in visit.form.fields if name.startswith(_FIELD)}
    claims.keep_typed(visit.deployment, visit.by, visit.now, form, fields)
    return Response(status_code=204)


@pages.post("/queue/views")
def save_view(visit: CaseReader) -> Response:
    """Keep the filters of the queue as they are shown, under a name."""
    asked = read_asked(visit.form.get)
    try:
        case_queue.save_view(
            visit.deployment,
            visit.by,
            visit.now,
            visit.form.get("name"),
            asked,
            shared=visit.form.get("shared") == "1",
        )
    except CjpFraudError as error:
        return queue_shown(visit, asked, in_the_way=error)
    return to(address(asked))


@pages.post("/queue/views/{view_id}/remove")
def remove_view(visit: CaseReader, view_id: UUID) -> Response:
    """Remove a view of one's own."""
    case_queue.remove_view(visit.deployment, visit.by, visit.now, str(view_id))
    return to("/queue")


def _until(visit: Visit, minutes: str, moment: str) -> datetime:
    """Return the moment that was typed in the reader's zone, or so many minutes from now."""
    typed = moment_typed(moment, visit.words.time_zone)
    if typed is not None:
        return typed
    if not minutes.isdecimal() or len(minutes) > 6:
        raise BadInputError("say for how long, or until when")
    return visit.now + timedelta(minutes=int(minutes))


def _seconds(now: datetime, until: datetime | None) -> int | None:
    return None if until is None else int((until - now).total_seconds())
