"""The page Model: versions, how right they were, what other budgets would have flagged, and promotion."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, Refused
from cjp_fraud.operations import model_quality, model_versions
from cjp_fraud.operations.model_versions import WhatIf
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.people.model import Role
from cjp_fraud.web.access import FORM_ID, Admin, ModelReader, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to

pages = APIRouter(include_in_schema=False)

_HERE: Final = "/models"


@pages.get(_HERE)
def show(visit: ModelReader) -> Response:
    """Show the versions and how right they were."""
    return _shown(visit)


@pages.post("/models/what-if")
def try_budgets(visit: ModelReader) -> Response:
    """Show what other budgets would have flagged; nothing is changed by it."""
    try:
        tried = model_versions.what_if(
            visit.deployment,
            visit.now,
            cases_per_day=[typed_number(part) for part in visit.form.get("cases").replace(";", " ").split()],
            episodes_per_series_week=typed_number(visit.form.get("episodes"))
            if visit.form.get("episodes")
            else None,
        )
    except (BadInputError, Refused) as error:
        return _shown(visit, in_the_way=error)
    return _shown(visit, tried=tried)


@pages.post("/models/{version}/promote")
def promote(visit: Admin, version: str) -> Response:
    """Let a version count from the next UTC midnight on; with a reason even one that is worse."""
    because = visit.form.get("because").strip() or None
    try:
        acting = acting_by_form(
            visit.deployment,
            visit.form.get(FORM_ID),
            {"promote": version, **visit.form.typed},
            leads_to=_HERE,
        )
        model_versions.promote_version(
            acting, visit.by, visit.now, version, anyway=because is not None, because=because
        )
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, Refused) as error:
        return _shown(visit, in_the_way=error)
    return to(_HERE)


def _shown(visit: Visit, *, tried: WhatIf | None = None, in_the_way: CjpFraudError | None = None) -> Response:
    desk = model_quality.look_at_models(visit.deployment, visit.now)
    return page(
        visit,
        "models.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        desk=desk,
        quality=desk.quality,
        tried=tried,
        administers=visit.person.may(Role.ADMIN),
        typed=visit.form.typed,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )


def typed_number(text: str) -> float:
    """Return a number that somebody typed; raises BadInputError where it is none."""
    try:
        return float(text.strip()[:20])
    except ValueError:
        raise BadInputError(f"{text[:20]!r} is no number") from None
