"""Cases: listed, read, claimed, commented on, and what their customers were asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from cjp_fraud.operations import case_desk, case_queue, cases, contracts, customer_questions
from cjp_fraud.operations.case_charts import CaseCharts, case_charts
from cjp_fraud.operations.case_desk import CaseDesk
from cjp_fraud.operations.case_page import CasePage
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.operations.contracts import EarliestView
from cjp_fraud.operations.customer_questions import CustomerAsked
from cjp_fraud.operations.grounds import CatalogueGround, grounds_of_case
from cjp_fraud.operations.measure_choice import OfferedMeasure, measures_of_case
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.review.model import CaseState, QueueFilter, QueueOrder
from cjp_fraud.review.queue import OverflowEpisode, QueuePage
from cjp_fraud.web.api.access import Call, OnceOnCase, Scoped
from cjp_fraud.web.api.answers import ACTS_ON_CASE, READS, READS_ONE, Acted, Page, answer
from cjp_fraud.web.api.bodies import Answer, Comment, Question
from cjp_fraud.web.api.fields import CasePath, Line
from cjp_fraud.web.api.paging import After, Limit, page_of

routes = APIRouter()

CasesReader = Annotated[Call, Depends(Scoped(ApiScope.CASES_READ))]
CasesWriter = Annotated[Call, Depends(Scoped(ApiScope.CASES_WRITE))]


@routes.get("/cases", tags=["cases"], response_model=QueuePage, responses=READS_ONE)
def list_cases(
    call: CasesReader,
    state: Annotated[list[CaseState] | None, Query(description="absent: all that need somebody")] = None,
    tenant: Annotated[Line | None, Query(examples=["acme"])] = None,
    held_by: Annotated[Line | None, Query(description="name of the user who holds them")] = None,
    nobody: Annotated[bool, Query(description="only cases that nobody holds")] = False,
    text: Annotated[Line | None, Query(description="in the tenant's id, or the case's number")] = None,
    mentions_me: Annotated[
        bool,
        Query(description="only cases with a comment that names you, and that you have not opened since"),
    ] = False,
    order: QueueOrder = QueueOrder.WORST,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """List cases, the worst, the highest score or the oldest first, as `cjp-fraud cases list --json`."""
    asked = QueueFilter(
        states=frozenset(state) if state else None,
        tenant_id=tenant,
        order=order,
        held_by="" if nobody else held_by,
        text=text,
        mentions=call.by if mentions_me else None,
    )
    return answer(case_queue.list_cases(call.deployment, asked, limit=limit, after=after, by=call.by))


@routes.get("/overflow", tags=["cases"], response_model=Page[OverflowEpisode], responses=READS)
def list_overflow(call: CasesReader, limit: Limit = 100, after: After = None) -> Response:
    """List the episodes beyond the hour's cap of new cases, by their ids."""
    listed = case_queue.list_overflow(call.deployment, by=call.by)
    return answer(page_of(listed, lambda each: each.episode_id, after=after, limit=limit))


@routes.get("/cases/{case}", tags=["cases"], response_model=CasePage, responses=READS_ONE)
def show_case(call: CasesReader, case: CasePath) -> Response:
    """Show all that is on record of a case, as `cjp-fraud cases show --json`.

    Its `ETag`, sent back as `If-Match`, lets an act count only if nothing happened in between. That it was read is on
    record.
    """
    read = case_desk.read_case(call.deployment, call.by, call.now, case)
    return answer(read.page, headers={"ETag": f'"{read.version}"'})


@routes.get("/cases/{case}/desk", tags=["cases"], response_model=CaseDesk, responses=READS_ONE)
def show_desk(call: CasesReader, case: CasePath) -> Response:
    """Show the same with the timeline, what the caller may do next and lacks for it, and the contract."""
    desk = case_desk.look_at_case(call.deployment, call.by, call.now, case)
    return answer(desk, headers={"ETag": f'"{desk.version}"'})


@routes.get("/cases/{case}/charts", tags=["cases"], response_model=CaseCharts, responses=READS_ONE)
def show_charts(call: CasesReader, case: CasePath) -> Response:
    """Show what a case's charts show, in words and as tables, and what is not drawn; it counts as reading it."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(case_charts(call.deployment, call.now, case))


@routes.get("/cases/{case}/earliest", tags=["cases"], response_model=list[EarliestView], responses=READS_ONE)
def show_earliest(call: CasesReader, case: CasePath) -> Response:
    """From when each kind of measure is lawful, as `cjp-fraud contracts earliest --json`."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(contracts.earliest(call.deployment, call.now, case))


@routes.get(
    "/cases/{case}/grounds", tags=["cases"], response_model=list[CatalogueGround], responses=READS_ONE
)
def list_grounds(call: CasesReader, case: CasePath) -> Response:
    """List the grounds of the catalogue that speak of the case's flagged traffic."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(grounds_of_case(call.deployment, case))


@routes.get(
    "/cases/{case}/measures", tags=["cases"], response_model=list[OfferedMeasure], responses=READS_ONE
)
def list_measures_offered(call: CasesReader, case: CasePath) -> Response:
    """List the measures that could meet the case's fraud, the narrowest first, replayed on the flagged traffic."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(measures_of_case(call.deployment, call.now, case))


@routes.post(
    "/cases/{case}/claim", tags=["cases"], response_model=Acted[CaseStanding], responses=ACTS_ON_CASE
)
def claim(call: CasesWriter, once: OnceOnCase, case: CasePath) -> Response:
    """Take a case to work on it; nobody else may until it is released."""
    return once.act(call, lambda acting: cases.claim(acting, call.by, call.now, case), case=case)


@routes.post(
    "/cases/{case}/release", tags=["cases"], response_model=Acted[CaseStanding], responses=ACTS_ON_CASE
)
def release(call: CasesWriter, once: OnceOnCase, case: CasePath) -> Response:
    """Give a case back to the queue."""
    return once.act(call, lambda acting: cases.release(acting, call.by, call.now, case), case=case)


@routes.post(
    "/cases/{case}/comments", tags=["cases"], response_model=Acted[CaseStanding], responses=ACTS_ON_CASE
)
def comment(call: CasesWriter, once: OnceOnCase, case: CasePath, body: Comment) -> Response:
    """Write on a case; who does takes part in it, and may not approve it."""
    return once.act(
        call,
        lambda acting: cases.comment(acting, call.by, call.now, case, body.text),
        body=body.said(),
        case=case,
    )


@routes.get("/cases/{case}/customer", tags=["cases"], response_model=CustomerAsked, responses=READS_ONE)
def show_customer_asked(call: CasesReader, case: CasePath) -> Response:
    """Through whom the customer may be asked "was this you?", and what was asked and answered before."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(customer_questions.customer_asked(call.deployment, call.now, case))


@routes.post(
    "/cases/{case}/customer/question",
    tags=["cases"],
    response_model=Acted[CaseStanding],
    responses=ACTS_ON_CASE,
)
def ask_customer(call: CasesWriter, once: OnceOnCase, case: CasePath, body: Question) -> Response:
    """Put on record that a contact is asked; the case is put aside for 15 minutes at most."""
    return once.act(
        call,
        lambda acting: customer_questions.ask(
            acting, call.by, call.now, case, body.text, contact=body.contact
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/customer/answer",
    tags=["cases"],
    response_model=Acted[CaseStanding],
    responses=ACTS_ON_CASE,
)
def record_customers_answer(call: CasesWriter, once: OnceOnCase, case: CasePath, body: Answer) -> Response:
    """Put on record what the customer answered: a statement, which decides nothing by itself."""
    return once.act(
        call,
        lambda acting: customer_questions.answered(acting, call.by, call.now, case, body.answer, body.text),
        body=body.said(),
        case=case,
    )
