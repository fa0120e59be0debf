"""Second readings, control samples, agreement, and what is missed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from cjp_fraud.operations import quality
from cjp_fraud.operations.quality import QualityDesk, ReadingShown
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.web.api.access import Call, Once, Scoped, acting_once
from cjp_fraud.web.api.answers import ACTS, READS, READS_ONE, Acted, answer
from cjp_fraud.web.api.bodies import SecondFinding
from cjp_fraud.web.api.fields import IdPath

routes = APIRouter(tags=["quality"])

CasesReader = Annotated[Call, Depends(Scoped(ApiScope.CASES_READ))]
Reviewer = Annotated[Call, Depends(Scoped(ApiScope.DECISIONS_WRITE))]


@routes.get("/quality", response_model=QualityDesk, responses=READS)
def show_quality_desk(call: CasesReader) -> Response:
    """Show what waits for a second reader, how far readers and detection agree, and what is missed."""
    return answer(quality.look_at_quality(call.deployment, call.by))


@routes.get("/quality/readings/{reading}", response_model=ReadingShown, responses=READS_ONE)
def show_reading(call: CasesReader, reading: IdPath) -> Response:
    """Show what a second reader sees: nothing of what was decided."""
    return answer(quality.show_reading(call.deployment, call.by, reading))


@routes.post("/quality/readings/{reading}/finding", response_model=Acted[None], responses=ACTS)
def answer_reading(
    call: Reviewer, once: Annotated[Once, Depends(acting_once)], reading: IdPath, body: SecondFinding
) -> Response:
    """Keep what a second reader found."""
    return once.act(
        call,
        lambda acting: quality.answer_reading(
            acting, call.by, call.now, reading, body.finding, reasons=body.reasons
        ),
        body=body.said(),
    )
