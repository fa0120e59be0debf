"""Thresholds under Administration: a what-if on last week's scores, setting one, and trying others in shadow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from cjp_fraud.charts.model_quality import ScoreWords
from cjp_fraud.charts.rendering import NumberSigns
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused
from cjp_fraud.operations import shadow_runs, thresholds
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.operations.thresholds import StoredWeeks, ThresholdTrial
from cjp_fraud.people.model import Role
from cjp_fraud.web.access import CASE_READERS, FORM_ID, Admin, Form, ModelReader, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to
from cjp_fraud.web.case_chart_pages import SVG
from cjp_fraud.web.model_page import typed_number
from cjp_fraud.web.words import Words
from features.counting_clocks import CLOCKS, Clock

pages = APIRouter(include_in_schema=False)

HERE: Final = "/admin/thresholds"
_MOST_RUNS: Final = 20

ClockTried = Annotated[str, Query(alias="clock", max_length=20)]
ThresholdTried = Annotated[str, Query(alias="threshold", max_length=20)]


@pages.get(HERE)
def show(
    visit: ModelReader,
    clock: ClockTried = "",
    threshold: ThresholdTried = "",
    run: Annotated[str, Query(max_length=36)] = "",
) -> Response:
    """Show the thresholds; with a clock and a threshold, what that would have flagged last week."""
    if not threshold:
        return _shown(visit, run=run)
    try:
        tried = thresholds.try_threshold(
            visit.deployment,
            visit.now,
            _clock(clock),
            typed_number(threshold),
            weeks=_weeks(visit),
            by=visit.by,
        )
    except BadInputError as error:
        return _shown(visit, run=run, asked={"clock": clock, "threshold": threshold}, in_the_way=error)
    return _shown(visit, run=run, asked={"clock": clock, "threshold": threshold}, tried=tried)


@pages.get(f"{HERE}/scores.svg")
def light(visit: ModelReader, clock: ClockTried, threshold: ThresholdTried) -> Response:
    """Return the histogram of scores for a light page."""
    return _picture(visit, clock, threshold, dark=False)


@pages.get(f"{HERE}/scores-dark.svg")
def dark(visit: ModelReader, clock: ClockTried, threshold: ThresholdTried) -> Response:
    """Return the same for a dark page."""
    return _picture(visit, clock, threshold, dark=True)


@pages.post(f"{HERE}/set")
def set_threshold(visit: Admin) -> Response:
    """Set a threshold from the next UTC midnight on; without one, the model version's own counts again."""
    form = visit.form

    def do(acting: Deployment) -> object:
        wanted = typed_number(form.get("threshold")) if form.get("threshold").strip() else None
        because = form.get("because")
        return thresholds.set_threshold(
            acting, visit.by, visit.now, _clock(form.get("clock")), wanted, because=because
        )

    return _act(visit, do)


@pages.post(f"{HERE}/shadow")
def start_shadow(visit: Admin) -> Response:
    """Try other thresholds in shadow."""
    form = visit.form

    def do(acting: Deployment) -> object:
        return shadow_runs.start_shadow(
            acting,
            visit.by,
            visit.now,
            thresholds=_thresholds(form),
            version=form.get("version").strip() or None,
            days=typed_number(form.get("days")) if form.get("days").strip() else None,
        )

    return _act(visit, do)


@pages.post(f"{HERE}/shadow/{{shadow}}/stop")
def stop_shadow(visit: Admin, shadow: str) -> Response:
    """End a shadow run now."""
    return _act(visit, lambda acting: shadow_runs.stop_shadow(acting, visit.by, visit.now, shadow))


def _act(visit: Visit, do: Callable[[Deployment], object]) -> Response:
    fields = {"path": visit.request.url.path, **visit.form.typed}
    try:
        do(acting_by_form(visit.deployment, visit.form.get(FORM_ID), fields, leads_to=HERE))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, NotFoundError, Refused) as error:
        return _shown(visit, in_the_way=error)
    return to(HERE)


def _shown(
    visit: Visit,
    *,
    run: str = "",
    asked: dict[str, str] | None = None,
    tried: ThresholdTrial | None = None,
    in_the_way: CjpFraudError | None = None,
) -> Response:
    runs = shadow_runs.list_shadows(visit.deployment, visit.now, most=_MOST_RUNS)
    chosen = run or (runs[0].id if runs else "")
    compared = shadow_runs.show_shadow(visit.deployment, visit.now, chosen, by=visit.by) if chosen else None
    return page(
        visit,
        "thresholds.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        thresholds=thresholds.look_at_thresholds(visit.deployment, visit.now),
        clocks=CLOCKS,
        asked=asked or {},
        tried=tried,
        runs=runs,
        compared=compared,
        reads_tenants=visit.person.may(*CASE_READERS),
        administers=visit.person.may(Role.ADMIN),
        typed=visit.form.typed,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )


def _chart_words(words: Words) -> ScoreWords:
    return ScoreWords(
        intervals=words.label("chart_intervals"),
        score=words.label("chart_score"),
        in_force=words.label("chart_in_force"),
        tried=words.label("chart_tried"),
        signs=NumberSigns(words.decimal_sign, words.thousands_sign),
    )


def _picture(visit: Visit, clock: str, threshold: str, *, dark: bool) -> Response:
    drawn = _weeks(visit).picture(
        visit.now, _clock(clock), typed_number(threshold), dark=dark, words=_chart_words(visit.words)
    )
    return Response(drawn, media_type=SVG)


def _weeks(visit: Visit) -> StoredWeeks:
    weeks: StoredWeeks = visit.request.app.state.stored_weeks
    return weeks


def _clock(named: str) -> Clock:
    if named not in list(Clock):
        raise BadInputError("say which clock: minute, hour, day or week")
    return Clock(named)


def _thresholds(form: Form) -> dict[Clock, float]:
    """Return the thresholds that were typed, one field a clock; empty fields are left out."""
    typed = {clock: form.get(f"threshold_{clock}") for clock in CLOCKS}
    return {clock: typed_number(text) for clock, text in typed.items() if text.strip()}
