"""The page Standing consents: what customers have signed about a cap of their own traffic, and what it has led to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Response

from cjp_fraud.contracts.standing_consent import CAPPED_CHANNELS, SignedProof, StandingConsent
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused
from cjp_fraud.operations import consents
from cjp_fraud.operations.consents import ConsentView
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.people.model import Role
from cjp_fraud.web.access import FORM_ID, Approver, CaseReader, Counsel, Form, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to
from cjp_fraud.web.typed_values import cents_typed, moment_typed

pages = APIRouter(include_in_schema=False)

_HERE: Final = "/contracts/consents"


@pages.get(_HERE)
def show(visit: CaseReader, tenant: str = "") -> Response:
    """Show the consents of one tenant; without one, those of all that count or wait."""
    return _shown(visit, tenant.strip()[:200])


@pages.post(_HERE)
def enter(visit: Counsel) -> Response:
    """Enter what a customer has signed."""
    tenant = visit.form.get("tenant").strip()
    return _act(
        visit,
        tenant,
        lambda acting: consents.enter(
            acting, visit.by, visit.now, tenant, _consent_in(visit), _proof_in(visit.form)
        ),
    )


@pages.post(f"{_HERE}/{{consent}}/confirm")
def confirm(visit: Approver, consent: str) -> Response:
    """Confirm, as a second person, that a consent says what the customer signed."""
    return _act(
        visit,
        visit.form.get("tenant"),
        lambda acting: consents.confirm(acting, visit.by, visit.now, consent),
    )


@pages.post(f"{_HERE}/{{consent}}/end")
def end(visit: Approver, consent: str) -> Response:
    """End a consent: no cap follows it any more."""
    return _act(
        visit,
        visit.form.get("tenant"),
        lambda acting: consents.end(acting, visit.by, visit.now, consent, reasons=visit.form.get("reasons")),
    )


def _act(visit: Visit, tenant: str, do: Callable[[Deployment], ConsentView]) -> Response:
    said = {"path": visit.request.url.path, **visit.form.typed}
    here = f"{_HERE}?tenant={quote(tenant, safe='')}"
    try:
        do(acting_by_form(visit.deployment, visit.form.get(FORM_ID), said, leads_to=here))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, NotFoundError, Refused) as error:
        return _shown(visit, tenant, in_the_way=error)
    return to(here)


def _shown(visit: Visit, tenant: str, *, in_the_way: CjpFraudError | None = None) -> Response:
    listed: tuple[ConsentView, ...] = ()
    try:
        listed = (
            consents.list_consents(visit.deployment, visit.now, tenant, by=visit.by)
            if tenant
            else consents.list_standing(visit.deployment, visit.now, by=visit.by)
        )
    except NotFoundError as error:
        in_the_way = in_the_way or error
    return page(
        visit,
        "consents.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        consents=listed,
        tenant=tenant,
        channels=CAPPED_CHANNELS,
        enters=visit.person.may(Role.COUNSEL),
        confirms=visit.person.may(Role.COUNSEL, Role.APPROVER),
        typed=visit.form.typed if in_the_way is not None else {},
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )


def _consent_in(visit: Visit) -> StandingConsent:
    """Return what was typed.

    Raises
    ------
    BadInputError
        Naming what of it cannot be used.
    """
    form, zone = visit.form, visit.words.time_zone
    valid_from, valid_to = (
        moment_typed(form.get("valid_from"), zone),
        moment_typed(form.get("valid_to"), zone),
    )
    cents, hours = cents_typed(form.get("charge")), form.get("cap_hours").strip()
    if valid_from is None or valid_to is None or cents is None or not (hours.isascii() and hours.isdecimal()):
        raise BadInputError(
            "say the charge an hour, how many hours a cap lasts, and from when until when it is valid"
        )
    return StandingConsent(
        reference=form.get("reference").strip(),
        clause=form.get("clause").strip(),
        countries=tuple(form.get("countries").upper().replace(",", " ").split()),
        cents_per_hour=cents,
        cap_hours=int(hours[:9]),
        valid_from=valid_from,
        valid_to=valid_to,
        hours_from=_time(form.get("hours_from")),
        hours_to=_time(form.get("hours_to")),
        channels=form.all("channel"),
    )


def _proof_in(form: Form) -> SignedProof:
    return SignedProof(form.get("proof_name").strip(), form.get("proof_sha256").strip().lower())


def _time(text: str) -> time:
    """Return a time of the customer's day; midnight where none was typed."""
    try:
        return time.fromisoformat(text) if text else time(0)
    except ValueError:
        raise BadInputError(f"{text[:40]!r} is no time of day; write 18:00") from None
