"""The page Disputes: what customers say against findings, the one due first on top."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cjp_fraud.operations import case_queue
from cjp_fraud.web.access import CaseReader
from cjp_fraud.web.answers import page

pages = APIRouter(include_in_schema=False)


@pages.get("/disputes")
def show(visit: CaseReader, decided: str = "") -> Response:
    """Show the disputes that wait; with ``decided`` in the address all there are."""
    listed = case_queue.list_disputes(visit.deployment, decided_too=bool(decided), by=visit.by)
    return page(visit, "disputes.html", disputes=listed, decided_too=bool(decided))
