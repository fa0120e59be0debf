"""Contracts and standing consents entered by counsel, confirmed by a second person; what feeds changed, confirmed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from cjp_fraud.contracts.entries import EntryView
from cjp_fraud.operations import consents, contract_entries, tenants
from cjp_fraud.operations.consents import ConsentView
from cjp_fraud.operations.contract_entries import EntryConfirmed, EntryPreview
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.web.api.access import ActsOnce, Call, Scoped
from cjp_fraud.web.api.answers import ACTS, READS, READS_ONE, Acted, Page, answer
from cjp_fraud.web.api.bodies import Consent, ContractText, Reasons
from cjp_fraud.web.api.fields import IdPath, TenantPath
from cjp_fraud.web.api.paging import After, Limit, page_of

routes = APIRouter(tags=["contracts"])

ContractsReader = Annotated[Call, Depends(Scoped(ApiScope.CONTRACTS_READ))]
ContractsWriter = Annotated[Call, Depends(Scoped(ApiScope.CONTRACTS_WRITE))]
Confirmer = Annotated[Call, Depends(Scoped(ApiScope.APPROVALS_WRITE))]


@routes.get("/contract-entries", response_model=Page[EntryView], responses=READS)
def list_contract_entries(
    call: ContractsReader, all_there_are: bool = False, limit: Limit = 100, after: After = None
) -> Response:
    """List contracts that wait for a second person, the newest first; or all that were entered."""
    listed = contract_entries.list_entries(call.deployment, all_there_are=all_there_are, by=call.by)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.post("/contract-entries", status_code=201, response_model=Acted[EntryView], responses=ACTS)
def enter_contract(call: ContractsWriter, once: ActsOnce, body: ContractText) -> Response:
    """Enter a contract as counsel; it counts once a second person has confirmed it."""
    return once.act(
        call,
        lambda acting: contract_entries.enter_text(acting, call.by, call.now, body.name, body.text),
        body=body.said(),
        status=201,
    )


@routes.post("/contract-entries/preview", response_model=EntryPreview, responses=ACTS)
def preview_contract(call: ContractsWriter, body: ContractText) -> Response:
    """Say what would be on record and what open cases would lack then; nothing is kept."""
    return answer(contract_entries.preview(call.deployment, call.by, call.now, body.name, body.text))


@routes.post("/contract-entries/{entry}/confirmation", response_model=Acted[EntryConfirmed], responses=ACTS)
def confirm_contract_entry(call: Confirmer, once: ActsOnce, entry: IdPath) -> Response:
    """Put on record what was entered, as a second person: counsel or an approver."""
    return once.act(call, lambda acting: contract_entries.confirm_entry(acting, call.by, call.now, entry))


@routes.post("/contract-entries/{entry}/withdrawal", response_model=Acted[None], responses=ACTS)
def withdraw_contract_entry(call: ContractsWriter, once: ActsOnce, entry: IdPath) -> Response:
    """Withdraw what waits, as counsel."""
    return once.act(call, lambda acting: contract_entries.withdraw_entry(acting, call.by, call.now, entry))


@routes.post("/tenants/{tenant}/confirmation", response_model=Acted[None], responses=ACTS)
def confirm_feeds(call: Confirmer, once: ActsOnce, tenant: TenantPath) -> Response:
    """Confirm, as counsel or an approver, what feeds have changed of a tenant's contract data."""
    return once.act(call, lambda acting: tenants.confirm_contract(acting, call.by, call.now, tenant))


@routes.get("/consents", response_model=Page[ConsentView], responses=READS)
def list_standing_consents(call: ContractsReader, limit: Limit = 100, after: After = None) -> Response:
    """List the standing consents of all customers that count or may come to, the newest first."""
    listed = consents.list_standing(call.deployment, call.now, by=call.by)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.get("/contracts/{tenant}/consents", response_model=list[ConsentView], responses=READS_ONE)
def list_consents(call: ContractsReader, tenant: TenantPath) -> Response:
    """List a customer's standing consents to a cap, as `cjp-fraud contracts consents --json`."""
    return answer(consents.list_consents(call.deployment, call.now, tenant, by=call.by))


@routes.post("/contracts/{tenant}/consents", response_model=Acted[ConsentView], responses=ACTS)
def enter_consent(call: ContractsWriter, once: ActsOnce, tenant: TenantPath, body: Consent) -> Response:
    """Enter what a customer has signed, as counsel; it counts once a second person has confirmed it."""
    return once.act(
        call,
        lambda acting: consents.enter(acting, call.by, call.now, tenant, body.says, body.proof),
        body=body.said(),
    )


@routes.post("/consents/{consent}/confirmation", response_model=Acted[ConsentView], responses=ACTS)
def confirm_consent(call: Confirmer, once: ActsOnce, consent: IdPath) -> Response:
    """Confirm that a consent says what the customer signed, as a second person; a breach caps from then on."""
    return once.act(call, lambda acting: consents.confirm(acting, call.by, call.now, consent))


@routes.post("/consents/{consent}/ending", response_model=Acted[ConsentView], responses=ACTS)
def end_consent(call: ContractsWriter, once: ActsOnce, consent: IdPath, body: Reasons) -> Response:
    """End a consent: no cap follows it any more, and what it capped is lifted."""
    return once.act(
        call,
        lambda acting: consents.end(acting, call.by, call.now, consent, reasons=body.reasons),
        body=body.said(),
    )
