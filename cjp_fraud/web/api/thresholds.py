"""Thresholds: which count, what others would have flagged, to set one; and shadow runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from cjp_fraud.operations import shadow_runs, thresholds
from cjp_fraud.operations.shadow_runs import ShadowRunCompared, ShadowRunView
from cjp_fraud.operations.thresholds import ClockThreshold, StoredWeeks, ThresholdTrial
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.web.api.access import ActsOnce, Call, Scoped
from cjp_fraud.web.api.answers import ACTS, READS, READS_ONE, Acted, Page, answer
from cjp_fraud.web.api.bodies import ShadowWanted, ThresholdSet
from cjp_fraud.web.api.fields import IdPath
from cjp_fraud.web.api.paging import After, Limit, page_of
from features.counting_clocks import Clock

routes = APIRouter()

ModelsReader = Annotated[Call, Depends(Scoped(ApiScope.MODELS_READ))]
ModelsWriter = Annotated[Call, Depends(Scoped(ApiScope.MODELS_WRITE))]


@routes.get("/thresholds", tags=["models"], response_model=Page[ClockThreshold], responses=READS)
def list_thresholds(call: ModelsReader, limit: Limit = 100, after: After = None) -> Response:
    """List the threshold of each clock, who set it, and what is to come."""
    listed = thresholds.look_at_thresholds(call.deployment, call.now)
    return answer(page_of(listed, lambda each: str(each.clock), after=after, limit=limit))


@routes.get("/thresholds/{clock}/what-if", tags=["models"], response_model=ThresholdTrial, responses=READS)
def try_threshold(
    call: ModelsReader,
    clock: Annotated[Clock, Path(description="The clock whose flags are meant.")],
    threshold: Annotated[float, Query(ge=1, le=100, description="a score, −log10 p", examples=[3.0])],
) -> Response:
    """Say what another threshold would have flagged in the last seven whole days, from the stored scores."""
    weeks: StoredWeeks = call.request.app.state.stored_weeks
    tried = thresholds.try_threshold(call.deployment, call.now, clock, threshold, weeks=weeks, by=call.by)
    return answer(tried)


@routes.post("/thresholds", tags=["models"], response_model=Acted[list[ClockThreshold]], responses=ACTS)
def set_threshold(call: ModelsWriter, once: ActsOnce, body: ThresholdSet) -> Response:
    """Set a clock's threshold from the next UTC midnight on, as an admin."""
    return once.act(
        call,
        lambda acting: thresholds.set_threshold(
            acting, call.by, call.now, body.clock, body.threshold, because=body.because
        ),
        body=body.said(),
    )


@routes.get("/shadow-runs", tags=["models"], response_model=Page[ShadowRunView], responses=READS)
def list_shadows(call: ModelsReader, limit: Limit = 100, after: After = None) -> Response:
    """List the shadow runs, the newest first."""
    listed = shadow_runs.list_shadows(call.deployment, call.now)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.get("/shadow-runs/{run}", tags=["models"], response_model=ShadowRunCompared, responses=READS_ONE)
def show_shadow(call: ModelsReader, run: IdPath) -> Response:
    """Compare a shadow run with what was in force in the same hours."""
    return answer(shadow_runs.show_shadow(call.deployment, call.now, run, by=call.by))


@routes.post(
    "/shadow-runs", tags=["models"], response_model=Acted[ShadowRunView], status_code=201, responses=ACTS
)
def start_shadow(call: ModelsWriter, once: ActsOnce, body: ShadowWanted) -> Response:
    """Try other thresholds in each detection from now on, without cases or letters, until it ends by itself."""
    return once.act(
        call,
        lambda acting: shadow_runs.start_shadow(
            acting, call.by, call.now, thresholds=body.thresholds, version=body.version, days=body.days
        ),
        body=body.said(),
        status=201,
    )


@routes.post("/shadow-runs/{run}/stop", tags=["models"], response_model=Acted[ShadowRunView], responses=ACTS)
def stop_shadow(call: ModelsWriter, once: ActsOnce, run: IdPath) -> Response:
    """End a shadow run now; one that has ended stays as it is."""
    return once.act(call, lambda acting: shadow_runs.stop_shadow(acting, call.by, call.now, run))
