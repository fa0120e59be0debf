"""The page Quality: what waits for a second reader, how far readers and detection agree, and what is missed."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, Refused
from cjp_fraud.operations import quality
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.review.model import Finding
from cjp_fraud.web.access import FORM_ID, CaseReader, Reviewer, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to

pages = APIRouter(include_in_schema=False)

_HERE: Final = "/quality"


@pages.get(_HERE)
def show(visit: CaseReader) -> Response:
    """Show how right people and detection are, and what waits."""
    return page(visit, "quality.html", desk=quality.look_at_quality(visit.deployment, visit.by))


@pages.get("/quality/readings/{reading}")
def read(visit: Reviewer, reading: str) -> Response:
    """Show what a second reader sees: nothing of what was decided."""
    return _shown(visit, reading)


@pages.post("/quality/readings/{reading}")
def answer(visit: Reviewer, reading: str) -> Response:
    """Keep what a second reader found."""
    form = visit.form
    try:
        if form.get("finding") not in list(Finding):
            raise BadInputError("say what you find")
        fields = {"path": visit.request.url.path, **form.typed}
        acting = acting_by_form(visit.deployment, form.get(FORM_ID), fields, leads_to=_HERE)
        quality.answer_reading(
            acting, visit.by, visit.now, reading, Finding(form.get("finding")), reasons=form.get("reasons")
        )
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, Refused) as error:
        return _shown(visit, reading, in_the_way=error)
    return to(_HERE)


def _shown(visit: Visit, reading: str, *, in_the_way: CjpFraudError | None = None) -> Response:
    shown = quality.show_reading(visit.deployment, visit.by, reading)
    return page(
        visit,
        "quality_reading.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        shown=shown,
        waiting=shown.waiting,
        findings=Finding,
        typed=visit.form.typed,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )
