"""The shift: what is held, promised, due and lapsing in the next 12 hours; handed over and taken over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Response

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, Refused
from cjp_fraud.operations import shift
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.people.model import Role
from cjp_fraud.web.access import FORM_ID, CaseReader, Lead, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to

pages = APIRouter(include_in_schema=False)

_HERE: Final = "/shift"


@pages.get(_HERE)
def show(visit: CaseReader) -> Response:
    """Show what the shift has before it."""
    return _shown(visit)


@pages.post(f"{_HERE}/hand-over")
def hand_over(visit: Lead) -> Response:
    """Hand over what is open now."""
    return _act(visit, lambda acting: shift.hand_over(acting, visit.by, visit.now))


@pages.post(f"{_HERE}/handovers/{{handover}}/acknowledge")
def acknowledge(visit: Lead, handover: str) -> Response:
    """Take over what another lead handed over."""
    return _act(visit, lambda acting: shift.acknowledge(acting, visit.by, visit.now, handover))


def _act(visit: Visit, do: Callable[[Deployment], object]) -> Response:
    fields = {"path": visit.request.url.path}
    try:
        do(acting_by_form(visit.deployment, visit.form.get(FORM_ID), fields, leads_to=_HERE))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (Refused, BadInputError) as error:
        return _shown(visit, in_the_way=error)
    return to(_HERE)


def _shown(visit: Visit, *, in_the_way: CjpFraudError | None = None) -> Response:
    return page(
        visit,
        "shift.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        shift=shift.look_at_shift(visit.deployment, visit.now, visit.by),
        leads=visit.person.may(Role.REVIEWER, Role.APPROVER),
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )
