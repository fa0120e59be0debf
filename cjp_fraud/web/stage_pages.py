"""Forms of a case about a reinstatement in stages: ordered, held, and let go on."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations import staged_reinstatement
from cjp_fraud.operations.staged_reinstatement import AskedStage, AskedStages
from cjp_fraud.review.model import RestoreCheck
from cjp_fraud.web.access import Approver, Form
from cjp_fraud.web.case_page import act
from cjp_fraud.web.measure_form import measure_in

pages = APIRouter(include_in_schema=False)

_LATER = ("_2", "_3")
"""How the fields of the stages after the first end; a stage without a moment and a measure is left out."""


@pages.post("/cases/{number}/reinstate-in-stages")
def reinstate_in_stages(visit: Approver, number: int) -> Response:
    """Lift the measure in stages."""
    form = visit.form
    reasons = form.get("reasons")
    checks = tuple(check for check in RestoreCheck if check in form.all("check"))

    def reinstate(acting: Deployment) -> object:
        return staged_reinstatement.reinstate_in_stages(
            acting, visit.by, visit.now, str(number), asked=_asked(form), reasons=reasons, checks=checks
        )

    return act(visit, number, reinstate)


@pages.post("/cases/{number}/hold-stages")
def hold_stages(visit: Approver, number: int) -> Response:
    """Hold what is planned."""
    reasons = visit.form.get("reasons")
    return act(
        visit,
        number,
        lambda acting: staged_reinstatement.hold_stages(
            acting, visit.by, visit.now, str(number), reasons=reasons
        ),
    )


@pages.post("/cases/{number}/resume-stages")
def resume_stages(visit: Approver, number: int) -> Response:
    """Let what was held go on."""
    reasons = visit.form.get("reasons")
    return act(
        visit,
        number,
        lambda acting: staged_reinstatement.resume_stages(
            acting, visit.by, visit.now, str(number), reasons=reasons
        ),
    )


def _asked(form: Form) -> AskedStages:
    """Return the stages that the form describes; a stage of which anything is filled in counts."""
    later = [
        AskedStage(measure_in(form, of), form.get(f"when{of}"))
        for of in _LATER
        if any(form.get(f"{name}{of}").strip() for name in ("offered", "measure", "when"))
    ]
    return AskedStages(measure_in(form, "_1"), later, form.get("lift"))
