"""Flags, the traffic taken in, letters that were not sent, and a case's proof in one file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from cjp_fraud.compliance.model import Edition
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.operations import case_desk, detection, evidence, letter_preview
from cjp_fraud.operations.detection import RecordedFlag
from cjp_fraud.operations.letter_preview import PreviewedLetter
from cjp_fraud.operations.traffic import traffic_status
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.traffic.status import TrafficStatus
from cjp_fraud.web.api.access import Call, Scoped
from cjp_fraud.web.api.answers import ACTS, READS_ONE, Page, answer
from cjp_fraud.web.api.fields import CasePath, Moment, Tenant
from cjp_fraud.web.api.paging import After, Limit

routes = APIRouter()

CasesReader = Annotated[Call, Depends(Scoped(ApiScope.CASES_READ))]
TenantsReader = Annotated[Call, Depends(Scoped(ApiScope.TENANTS_READ))]
Exporter = Annotated[Call, Depends(Scoped(ApiScope.EVIDENCE_EXPORT))]


@routes.get("/flags", tags=["cases"], response_model=Page[RecordedFlag], responses=READS_ONE)
def list_flags(
    call: CasesReader,
    tenant: Tenant | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    of_case: Annotated[
        int | None, Query(alias="case", ge=1, le=2**31 - 1, description="only of the case of this number")
    ] = None,
    superseded: bool = False,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """List flags in the order in which they were recorded; `superseded`: also those that were replaced."""
    found = detection.list_flags(
        call.deployment,
        tenant_id=tenant,
        begin=since,
        end=until,
        case=of_case,
        superseded=superseded,
        page=detection.FlagPage(after, limit + 1),
        by=call.by,
    )
    items = found[:limit]
    return answer({"items": items, "next_cursor": items[-1].id if len(found) > limit else None})


@routes.get("/traffic/status", tags=["tenants"], response_model=TrafficStatus, responses=READS_ONE)
def show_traffic(call: TenantsReader, tenant: Tenant | None = None) -> Response:
    """Show what the lake holds, as `cjp-fraud traffic status --json`."""
    return answer(traffic_status(call.deployment, tenant, by=call.by))


@routes.get(
    "/cases/{case}/letters/preview", tags=["notices"], response_model=list[PreviewedLetter], responses=ACTS
)
def preview_letter(
    call: CasesReader,
    case: CasePath,
    kind: NoticeKind = NoticeKind.SUSPENSION,
    language: Annotated[
        str | None, Query(pattern=r"^[A-Za-z-]{2,35}$", description="BCP 47, or `all`; null: the contract's")
    ] = None,
) -> Response:
    """Show a letter about a case as it would leave now; it is not kept. It counts as reading the case."""
    case_desk.note_reading(call.deployment, call.by, call.now, case)
    return answer(letter_preview.preview(call.deployment, call.now, case, kind=kind, language=language))


@routes.post(
    "/cases/{case}/evidence",
    tags=["cases"],
    response_class=Response,
    responses=ACTS | {200: {"description": "A bundle.", "content": {"application/zip": {}}}},
)
def export_evidence(call: Exporter, case: CasePath, edition: Edition = Edition.INTERNAL) -> Response:
    """Export what is on record of a case as one file; each export goes on record itself."""
    with TemporaryDirectory() as folder:
        out = Path(folder, "case.zip")
        evidence.export_case(call.deployment, call.by, call.now, case, out, edition=edition)
        return Response(out.read_bytes(), media_type="application/zip")
