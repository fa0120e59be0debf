"""The page Contracts: what counsel entered, each value beside its page, and a second person who confirms it."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Response

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused
from cjp_fraud.operations import contract_entries, contracts, tenants
from cjp_fraud.operations.contract_entries import EntryConfirmed, EntryPreview
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.operations.reach import require_named_reach
from cjp_fraud.people.model import Role
from cjp_fraud.web.access import FORM_ID, Approver, CaseReader, Counsel, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to

pages = APIRouter(include_in_schema=False)

_HERE: Final = "/contracts"


@pages.get(_HERE)
def show(visit: CaseReader, tenant: str = "") -> Response:
    """Show what waits, and one tenant's contract where the address names it."""
    return _shown(visit, tenant.strip()[:200])


@pages.post("/contracts/preview")
def preview(visit: Counsel) -> Response:
    """Show what would be on record; nothing is kept."""
    name, text = _file(visit)
    try:
        shown = contract_entries.preview(visit.deployment, visit.by, visit.now, name, text)
    except (BadInputError, NotFoundError, Refused) as error:
        return _shown(visit, visit.form.get("tenant"), in_the_way=error)
    return _shown(visit, shown.tenant_id, previewed=shown)


@pages.post(_HERE)
def enter(visit: Counsel) -> Response:
    """Keep a contract until a second person confirms it."""
    name, text = _file(visit)
    try:
        contract_entries.enter_text(_acting(visit), visit.by, visit.now, name, text)
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, NotFoundError, Refused) as error:
        return _shown(visit, visit.form.get("tenant"), in_the_way=error)
    return to(_HERE)


@pages.post("/contracts/entries/{entry_id}/confirm")
def confirm(visit: Approver, entry_id: str) -> Response:
    """Put on record what was entered, and show what that means for the tenant's open cases."""
    try:
        confirmed = contract_entries.confirm_entry(_acting(visit), visit.by, visit.now, entry_id)
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, Refused) as error:
        return _shown(visit, "", in_the_way=error)
    return _shown(visit, confirmed.loaded.tenant_id, confirmed=confirmed)


@pages.post("/contracts/entries/{entry_id}/withdraw")
def withdraw(visit: Counsel, entry_id: str) -> Response:
    """Withdraw what waits."""
    try:
        contract_entries.withdraw_entry(_acting(visit), visit.by, visit.now, entry_id)
    except FormSentBefore as before:
        return to(before.leads_to)
    except Refused as error:
        return _shown(visit, "", in_the_way=error)
    return to(_HERE)


@pages.post("/contracts/feeds/confirm")
def confirm_feeds(visit: Approver) -> Response:
    """Confirm what feeds have changed of a tenant's contract data."""
    tenant = visit.form.get("tenant").strip()
    try:
        tenants.confirm_contract(_acting(visit), visit.by, visit.now, tenant)
    except FormSentBefore as before:
        return to(before.leads_to)
    except (NotFoundError, Refused) as error:
        return _shown(visit, tenant, in_the_way=error)
    return to(f"{_HERE}?tenant={quote(tenant, safe='')}")


def _file(visit: Visit) -> tuple[str, str]:
    kind = visit.form.get("kind")
    if kind not in ("toml", "json"):
        raise BadInputError("say whether the text is TOML or JSON")
    return f"{visit.form.get('name').strip() or 'contract'}.{kind}", visit.form.get("text")


def _acting(visit: Visit) -> Deployment:
    fields = {"path": visit.request.url.path, **visit.form.typed}
    return acting_by_form(visit.deployment, visit.form.get(FORM_ID), fields, leads_to=_HERE)


def _shown(
    visit: Visit,
    tenant: str,
    *,
    previewed: EntryPreview | None = None,
    confirmed: EntryConfirmed | None = None,
    in_the_way: CjpFraudError | None = None,
) -> Response:
    contract, text = None, ""
    if tenant and visit.person.narrowed:  # a form names it, not the address
        require_named_reach(visit.deployment, visit.by, {"tenant": tenant})
    if tenant:
        try:
            contract = contracts.show(visit.deployment, visit.now, tenant)
            text = contract_entries.text_on_record(visit.deployment, visit.now, tenant)
        except NotFoundError as error:
            in_the_way = in_the_way or error
    return page(
        visit,
        "contracts.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        entries=contract_entries.list_entries(visit.deployment, by=visit.by),
        contract=contract,
        text=text,
        tenant=tenant,
        previewed=previewed,
        confirmed=confirmed,
        enters=visit.person.may(Role.COUNSEL),
        confirms=visit.person.may(Role.COUNSEL, Role.APPROVER),
        typed=visit.form.typed,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )
