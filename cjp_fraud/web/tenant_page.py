"""A tenant on one page, and its claims view as a PDF."""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import APIRouter, Response

from cjp_fraud.errors import BadInputError
from cjp_fraud.operations import tenant_page
from cjp_fraud.operations.tenant_page import ClaimsView
from cjp_fraud.web.access import CaseReader
from cjp_fraud.web.answers import page
from cjp_fraud.web.known_event_pages import form_values

pages = APIRouter(include_in_schema=False)

_PAGE_LENGTH: Final = 50


@pages.get("/tenants")
def search(visit: CaseReader, text: str = "", after: str = "") -> Response:
    """List tenants by their ids."""
    listed = tenant_page.search_tenants(
        visit.deployment, visit.by, text.strip()[:200], after=after[:200], limit=_PAGE_LENGTH
    )
    return page(visit, "tenants.html", listed=listed, text=text.strip()[:200])


@pages.get("/tenants/{tenant}")
def show(visit: CaseReader, tenant: str) -> Response:
    """Show a tenant."""
    desk = tenant_page.look_at_tenant(visit.deployment, visit.by, visit.now, tenant)
    return page(
        visit,
        "tenant.html",
        desk=desk,
        tenant=desk.tenant,
        usage_days=tenant_page.USAGE_DAYS,
        **form_values(visit),
    )


@pages.get("/tenants/{tenant}/claims.pdf")
def claims(visit: CaseReader, tenant: str, first: str = "", last: str = "") -> Response:
    """Hand out the claims view of some days of the tenant's calendar."""
    made = tenant_page.claims_view(
        visit.deployment, visit.by, visit.now, tenant, first=_day(first), last=_day(last)
    )
    return claims_answer(made)


def claims_answer(made: ClaimsView) -> Response:
    """Return a claims view as a file to keep."""
    name = f"claims-{made.first}-{made.last}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made.pdf, media_type="application/pdf", headers=headers)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"{text[:40]!r} is no day; write 2026-01-31") from None
