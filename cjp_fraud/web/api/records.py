"""Measures, notices, tenants, contracts, model versions and the audit log."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from cjp_fraud.contracts.tenants import TenantOnRecord
from cjp_fraud.notices.notice_views import DeliveryRecord
from cjp_fraud.operations import (
    audit_log,
    contracts,
    measure_ledger,
    measures,
    model_quality,
    model_versions,
    notices,
    tenant_page,
    tenants,
)
from cjp_fraud.operations.audit_log import LogEntry, LogReport, LogSearch
from cjp_fraud.operations.contracts import ContractExplained, ContractView
from cjp_fraud.operations.measure_ledger import LedgerEntry
from cjp_fraud.operations.measures import ReaffirmedMeasure, ReinstatementResult
from cjp_fraud.operations.model_quality import ModelQuality
from cjp_fraud.operations.model_versions import ModelVersionView, WhatIf
from cjp_fraud.operations.notices import ListedNotice
from cjp_fraud.operations.reach import only_reached
from cjp_fraud.operations.tenant_page import TenantDesk
from cjp_fraud.operations.tenants import TenantView
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.suspension.traffic_look import TrafficLook
from cjp_fraud.suspension.views import MeasureView
from cjp_fraud.suspension.wrongful_measures import Ledger
from cjp_fraud.web.api.access import ActsOnce, Call, OnceOnCase, Scoped
from cjp_fraud.web.api.answers import ACTS, ACTS_ON_CASE, READS, READS_ONE, Acted, Page, answer
from cjp_fraud.web.api.bodies import (
    BudgetsTried,
    Promotion,
    Reaffirmation,
    Reinstatement,
    WrongAssessment,
    WrongFinding,
)
from cjp_fraud.web.api.fields import CasePath, IdPath, Line, Moment, TenantPath
from cjp_fraud.web.api.paging import After, Limit, page_of

routes = APIRouter()

MeasuresReader = Annotated[Call, Depends(Scoped(ApiScope.MEASURES_READ))]
MeasuresWriter = Annotated[Call, Depends(Scoped(ApiScope.MEASURES_WRITE))]
Finder = Annotated[Call, Depends(Scoped(ApiScope.DISPUTES_WRITE))]
NoticesReader = Annotated[Call, Depends(Scoped(ApiScope.NOTICES_READ))]
TenantsReader = Annotated[Call, Depends(Scoped(ApiScope.TENANTS_READ))]
ContractsReader = Annotated[Call, Depends(Scoped(ApiScope.CONTRACTS_READ))]
VersionPath = Annotated[
    str, Path(pattern=r"^[0-9a-f-]{8,36}$", description="its Monday, or how its id begins")
]
ModelsWriter = Annotated[Call, Depends(Scoped(ApiScope.MODELS_WRITE))]
ModelsReader = Annotated[Call, Depends(Scoped(ApiScope.MODELS_READ))]
AuditReader = Annotated[Call, Depends(Scoped(ApiScope.AUDIT_READ))]
ContractsWriter = Annotated[Call, Depends(Scoped(ApiScope.CONTRACTS_WRITE))]
Approver = Annotated[Call, Depends(Scoped(ApiScope.APPROVALS_WRITE))]
OfCase = Annotated[
    str | None,
    Query(alias="case", pattern=r"^[0-9a-f-]{1,36}$", description="only of this case, by number or id"),
]


@routes.get("/measures", tags=["measures"], response_model=Page[MeasureView], responses=READS_ONE)
def list_measures(
    call: MeasuresReader,
    of_case: OfCase = None,
    in_force_only: bool = False,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """List measures with their commands and reaffirmations, the newest first."""
    listed = measures.list_measures(call.deployment, case=of_case, in_force_only=in_force_only)
    listed = only_reached(call.deployment, call.by, listed, lambda each: each.case)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.get("/measures/ledger", tags=["measures"], response_model=Ledger, responses=READS_ONE)
def look_at_ledger(
    call: MeasuresReader,
    since: Annotated[Moment | None, Query(description="only those found from then on")] = None,
) -> Response:
    """Return the wrongful measures, and how many are overturned per 1,000 tenant-years."""
    return answer(measure_ledger.look_at_ledger(call.deployment, call.now, since=since, by=call.by))


@routes.post(
    "/cases/{case}/wrongful-measure",
    tags=["measures"],
    response_model=Acted[LedgerEntry],
    responses=ACTS_ON_CASE,
)
def find_wrong(call: Finder, once: OnceOnCase, case: CasePath, body: WrongFinding) -> Response:
    """Find the measure of a case, which has ended, wrongful."""
    return once.act(
        call,
        lambda acting: measure_ledger.find_wrong(
            acting, call.by, call.now, case, cause=body.cause, reasons=body.reasons
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/wrongful-measure/assessment",
    tags=["measures"],
    response_model=Acted[LedgerEntry],
    responses=ACTS_ON_CASE,
)
def assess(call: Finder, once: OnceOnCase, case: CasePath, body: WrongAssessment) -> Response:
    """Say what the wrongful measure of a case goes back to, and what is credited."""
    return once.act(
        call,
        lambda acting: measure_ledger.assess(
            *(acting, call.by, call.now, case),
            line=body.line,
            cause=body.cause,
            credit_cents=body.credit_cents,
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/reinstatement",
    tags=["measures"],
    response_model=Acted[ReinstatementResult],
    responses=ACTS_ON_CASE,
)
def reinstate(call: MeasuresWriter, once: OnceOnCase, case: CasePath, body: Reinstatement) -> Response:
    """Lift the measure of a case, and tell the customer."""
    return once.act(
        call,
        lambda acting: measures.reinstate(
            acting, call.by, call.now, case, reasons=body.reasons, checks=body.checks
        ),
        body=body.said(),
        case=case,
    )


@routes.post(
    "/cases/{case}/look", tags=["measures"], response_model=Acted[TrafficLook], responses=ACTS_ON_CASE
)
def look_again(call: MeasuresWriter, once: OnceOnCase, case: CasePath) -> Response:
    """Look at the traffic since the measure is in force; the look is frozen, and a reaffirmation names it."""
    return once.act(call, lambda acting: measures.look_again(acting, call.by, call.now, case), case=case)


@routes.post(
    "/cases/{case}/reaffirmation",
    tags=["measures"],
    response_model=Acted[ReaffirmedMeasure],
    responses=ACTS_ON_CASE,
)
def reaffirm(call: MeasuresWriter, once: OnceOnCase, case: CasePath, body: Reaffirmation) -> Response:
    """Keep a measure past its review date, as one of two approvers with fresh reasons."""
    return once.act(
        call,
        lambda acting: measures.reaffirm(
            acting,
            call.by,
            call.now,
            case,
            look=body.look,
            reasons=body.reasons,
            although_quiet=body.although_quiet,
        ),
        body=body.said(),
        case=case,
    )


@routes.get("/notices", tags=["notices"], response_model=Page[ListedNotice], responses=READS_ONE)
def list_notices(
    call: NoticesReader, of_case: OfCase = None, limit: Limit = 100, after: After = None
) -> Response:
    """List notices, the newest first."""
    listed = notices.list_notices(call.deployment, of_case)
    listed = only_reached(call.deployment, call.by, listed, lambda each: each.case)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.get("/notices/{notice_id}", tags=["notices"], response_model=DeliveryRecord, responses=READS_ONE)
def show_notice(call: NoticesReader, notice_id: IdPath) -> Response:
    """Show all that is on record of a notice, as `cjp-fraud notices show --json`."""
    return answer(notices.show_notice(call.deployment, call.now, notice_id))


@routes.get("/tenants", tags=["tenants"], response_model=Page[TenantOnRecord], responses=READS)
def list_tenants(call: TenantsReader, limit: Limit = 100, after: After = None) -> Response:
    """List tenants, by their ids."""
    listed = tenants.list_tenants(call.deployment, by=call.by)
    return answer(page_of(listed, lambda each: each.tenant_id, after=after, limit=limit))


@routes.get("/tenants/{tenant}", tags=["tenants"], response_model=TenantView, responses=READS_ONE)
def show_tenant(call: TenantsReader, tenant: TenantPath) -> Response:
    """Show where a tenant stands under its contract, as `cjp-fraud tenants show --json`."""
    return answer(tenants.show_tenant(call.deployment, call.now, tenant))


@routes.get("/tenants/{tenant}/history", tags=["tenants"], response_model=TenantDesk, responses=READS_ONE)
def show_history(call: TenantsReader, tenant: TenantPath) -> Response:
    """Show a tenant's use, contract, cases, disputes and measures; that the owner read it is on record."""
    return answer(tenant_page.look_at_tenant(call.deployment, call.by, call.now, tenant))


@routes.get(
    "/tenants/{tenant}/claims.pdf",
    tags=["tenants"],
    response_class=Response,
    responses=READS_ONE | {200: {"description": "A PDF/A.", "content": {"application/pdf": {}}}},
)
def make_claims_view(
    call: TenantsReader, tenant: TenantPath, first: date | None = None, last: date | None = None
) -> Response:
    """Make the dated claims view of some days of the tenant's calendar; null: the newest 90 days."""
    made = tenant_page.claims_view(call.deployment, call.by, call.now, tenant, first=first, last=last)
    return Response(made.pdf, media_type="application/pdf")


@routes.get("/contracts/{tenant}", tags=["contracts"], response_model=ContractView, responses=READS_ONE)
def show_contract(call: ContractsReader, tenant: TenantPath, at: Moment | None = None) -> Response:
    """Show a tenant's contract, each value beside its source, as `cjp-fraud contracts show --json`."""
    return answer(contracts.show(call.deployment, call.now, tenant, at))


@routes.get(
    "/contracts/{tenant}/explanation",
    tags=["contracts"],
    response_model=ContractExplained,
    responses=READS_ONE,
)
def explain_contract(call: ContractsReader, tenant: TenantPath, at: Moment | None = None) -> Response:
    """Say why a tenant's contract stands as it does."""
    return answer(contracts.explain(call.deployment, call.now, tenant, at))


@routes.get("/models", tags=["models"], response_model=Page[ModelVersionView], responses=READS)
def list_models(call: ModelsReader, limit: Limit = 100, after: After = None) -> Response:
    """List model versions, the newest first."""
    listed = model_versions.list_versions(call.deployment)
    return answer(
        page_of(listed, lambda each: f"{each.monday} {each.id}", after=after, limit=limit, newest_first=True)
    )


@routes.get("/models/{version}", tags=["models"], response_model=ModelVersionView, responses=READS_ONE)
def show_model(
    call: ModelsReader,
    version: VersionPath,
) -> Response:
    """Show a model version, as `cjp-fraud model-versions show --json`."""
    return answer(model_versions.show_version(call.deployment, version))


@routes.get("/model-quality", tags=["models"], response_model=ModelQuality, responses=READS)
def show_quality(call: ModelsReader) -> Response:
    """Show how often cases were fraud, with an interval, whether the calibration keeps its word, and drift."""
    return answer(model_quality.model_quality(call.deployment, call.now))


@routes.post("/models/what-if", tags=["models"], response_model=WhatIf, responses=ACTS)
def try_budgets(call: ModelsReader, body: BudgetsTried) -> Response:
    """Say what other budgets would have flagged in the newest 28 days: it scores them anew, and takes its time."""
    tried = model_versions.what_if(
        call.deployment,
        call.now,
        cases_per_day=body.cases_per_day,
        episodes_per_series_week=body.episodes_per_series_week,
    )
    return answer(tried)


@routes.post(
    "/models/{version}/promotion",
    tags=["models"],
    response_model=Acted[ModelVersionView],
    responses=ACTS,
)
def promote_version(call: ModelsWriter, once: ActsOnce, version: VersionPath, body: Promotion) -> Response:
    """Let a version count from the next UTC midnight on, if it is no worse than the one in force."""
    return once.act(
        call,
        lambda acting: model_versions.promote_version(
            acting, call.by, call.now, version, anyway=body.because is not None, because=body.because
        ),
        body=body.said(),
    )


class EntriesPage(Page[LogEntry]):
    """A page of the audit log; ``outside_of_reach``: entries of its numbers that the owner's roles do not reach."""

    outside_of_reach: int


@routes.get("/audit", tags=["audit"], response_model=EntriesPage, responses=READS_ONE)
def list_entries(
    call: AuditReader,
    of_case: OfCase = None,
    by: Annotated[
        Line | None, Query(description="only what this user, or this machine (`system:detect`), did")
    ] = None,
    action: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z_]{1,40}(\.[a-z_]{0,40})?$", description="or its begin, with the point: `case.`"
        ),
    ] = None,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: Limit = 100,
    after: Annotated[
        int | None, Query(ge=1, le=2**53, description="`next_cursor` of the page before; absent: the newest")
    ] = None,
) -> Response:
    """List entries of the audit log, the newest first."""
    search = LogSearch(by, action, since, until)
    found = audit_log.list_entries(
        call.deployment, search, case=of_case, limit=limit, before=after, by=call.by
    )
    cursor = str(found.older) if found.older is not None else None
    return answer({"items": found.entries, "next_cursor": cursor, "outside_of_reach": found.outside_of_reach})


@routes.post("/audit/verification", tags=["audit"], response_model=Acted[LogReport], responses=ACTS)
def verify_log(call: AuditReader, once: ActsOnce) -> Response:
    """Recompute the chain and compare it with every row and the signed heads; that it was done is on record."""
    return once.act(call, lambda acting: audit_log.verify_and_record(acting, call.by, call.now))
