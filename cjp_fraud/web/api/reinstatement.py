"""Reinstatement in stages: ordered, looked at, held, and let go on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.operations import case_desk, staged_reinstatement
from cjp_fraud.operations.staged_reinstatement import AskedStage, AskedStages, StagedResult
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.suspension.stage_views import StagesView
from cjp_fraud.web.api.access import Call, OnceOnCase, Scoped
from cjp_fraud.web.api.answers import ACTS_ON_CASE, READS_ONE, Acted, answer
from cjp_fraud.web.api.bodies import Reasons, Reinstatement, ScopeBody
from cjp_fraud.web.api.fields import CasePath

routes = APIRouter()

MeasuresReader = Annotated[Call, Depends(Scoped(ApiScope.MEASURES_READ))]
MeasuresWriter = Annotated[Call, Depends(Scoped(ApiScope.MEASURES_WRITE))]
When = Annotated[
    str,
    StringConstraints(max_length=40),
    Field(
        description="the earliest moment: hours from now (4h), or a time in the customer's time zone "
        "(tomorrow 09:00, 2026-01-31 09:00)",
        examples=["4h"],
    ),
]


class FirstStage(BaseModel):
    """What stays restricted at once."""

    model_config = ConfigDict(extra="forbid")

    measure: MeasureKind = Field(examples=["limit_rate"])
    scope: ScopeBody = ScopeBody()

    @property
    def wanted(self) -> MeasureWanted:
        """The measure, as the operation takes it."""
        return MeasureWanted(self.measure, Scope(**self.scope.model_dump()))


class LaterStageBody(FirstStage):
    """What stays restricted from a moment on; it must be narrower than the stage before."""

    when: When


class ReinstatementInStages(Reinstatement):
    """Stages by which a measure is lifted, why, and what was seen to before."""

    first: FirstStage
    later: tuple[LaterStageBody, ...] = Field((), max_length=10)
    lift: When

    @property
    def asked(self) -> AskedStages:
        """The stages, as the operation takes them."""
        later = tuple(AskedStage(stage.wanted, stage.when) for stage in self.later)
        return AskedStages(self.first.wanted, later, self.lift)


@routes.get(
    "/cases/{case}/reinstatement/stages", tags=["measures"], response_model=StagesView, responses=READS_ONE
)
def show_stages(call: MeasuresReader, case: CasePath) -> Response:
    """Return how far the reinstatement of a case in stages is, and what comes next; it counts as reading the case."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(staged_reinstatement.show_stages(call.deployment, call.now, case))


@routes.post(
    "/cases/{case}/reinstatement/stages",
    tags=["measures"],
    response_model=Acted[StagedResult],
    responses=ACTS_ON_CASE,
)
def reinstate_in_stages(
    call: MeasuresWriter, once: OnceOnCase, case: CasePath, body: ReinstatementInStages
) -> Response:
    """Lift the measure of a case in stages: the first at once, each narrower than the one before, then all of it."""
    return once.act(
        call,
        lambda acting: staged_reinstatement.reinstate_in_stages(
            acting, call.by, call.now, case, asked=body.asked, reasons=body.reasons, checks=body.checks
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/reinstatement/hold",
    tags=["measures"],
    response_model=Acted[StagedResult],
    responses=ACTS_ON_CASE,
)
def hold_stages(call: MeasuresWriter, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Hold a reinstatement in stages: no further stage comes until somebody lets it go on."""
    return once.act(
        call,
        lambda acting: staged_reinstatement.hold_stages(
            acting, call.by, call.now, case, reasons=body.reasons
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/reinstatement/resume",
    tags=["measures"],
    response_model=Acted[StagedResult],
    responses=ACTS_ON_CASE,
)
def resume_stages(call: MeasuresWriter, once: OnceOnCase, case: CasePath, body: Reasons) -> Response:
    """Let a held reinstatement go on; what is due by then is carried out at once."""
    return once.act(
        call,
        lambda acting: staged_reinstatement.resume_stages(
            acting, call.by, call.now, case, reasons=body.reasons
        ),
        body=body.said(),
        case=case,
    )
