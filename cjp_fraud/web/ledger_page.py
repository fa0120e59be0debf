"""The page Ledger: wrongful measures, what they cost their customers, and how often measures are overturned."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused
from cjp_fraud.operations import measure_ledger
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.people.model import Role
from cjp_fraud.review.model import WrongCause
from cjp_fraud.web.access import FORM_ID, CaseReader, Commenter, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to
from cjp_fraud.web.typed_values import cents_typed

pages = APIRouter(include_in_schema=False)

_HERE = "/ledger"


@pages.get(_HERE)
def show(visit: CaseReader) -> Response:
    """Show the ledger."""
    return _shown(visit)


@pages.post(f"{_HERE}/entries")
def find_wrong(visit: Commenter) -> Response:
    """Find a measure wrongful that nobody disputed."""
    form = visit.form
    return _act(
        visit,
        lambda acting: measure_ledger.find_wrong(
            acting,
            visit.by,
            visit.now,
            form.get("case").strip(),
            cause=_cause_in(visit),
            reasons=form.get("reasons"),
        ),
    )


@pages.post(f"{_HERE}/{{number}}/assessment")
def assess(visit: Commenter, number: int) -> Response:
    """Say what a wrongful measure goes back to, and what is credited."""
    return _act(
        visit,
        lambda acting: measure_ledger.assess(
            acting,
            visit.by,
            visit.now,
            str(number),
            line=visit.form.get("line") or None,
            cause=_cause_in(visit),
            credit_cents=cents_typed(visit.form.get("credit")),
        ),
    )


def _act(visit: Visit, do: Callable[[Deployment], object]) -> Response:
    said = {"path": visit.request.url.path, **visit.form.typed}
    try:
        do(acting_by_form(visit.deployment, visit.form.get(FORM_ID), said, leads_to=_HERE))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, NotFoundError, Refused) as error:
        return _shown(visit, in_the_way=error)
    return to(_HERE)


def _shown(visit: Visit, *, in_the_way: CjpFraudError | None = None) -> Response:
    return page(
        visit,
        "ledger.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        ledger=measure_ledger.look_at_ledger(visit.deployment, visit.now, by=visit.by),
        causes=WrongCause,
        assesses=visit.person.may(Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
        typed=visit.form.typed if in_the_way is not None else {},
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )


def _cause_in(visit: Visit) -> WrongCause | None:
    text = visit.form.get("cause")
    return WrongCause(text) if text in list(WrongCause) else None
