"""The page Audit: the log searched, a page at a time, and verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError
from cjp_fraud.operations import audit_log
from cjp_fraud.operations.audit_log import LogPage, LogReport, LogSearch
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.web.access import FORM_ID, AuditReader, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to
from cjp_fraud.web.typed_values import moment_typed

pages = APIRouter(include_in_schema=False)

_HERE: Final = "/audit"
_PAGE_LENGTH: Final = 50
_FILTERS: Final = ("by", "action", "case", "since", "until")


@pages.get(_HERE)
def search(visit: AuditReader) -> Response:
    """Show the newest entries that are asked for; the filters are in the address."""
    return _shown(visit)


@pages.post("/audit/verification")
def verify(visit: AuditReader) -> Response:
    """Verify the whole log and show what was found, this once: sent again, the form only leads back."""
    acting = acting_by_form(visit.deployment, visit.form.get(FORM_ID), {"verify": "log"}, leads_to=_HERE)
    try:
        found = audit_log.verify_and_record(acting, visit.by, visit.now)
    except FormSentBefore as before:
        return to(before.leads_to)
    return _shown(visit, found)


def _shown(visit: Visit, verified: LogReport | None = None) -> Response:
    """Return the page; what cannot be searched for is said on it."""
    asked = {name: visit.request.query_params.get(name, "").strip()[:100] for name in _FILTERS}
    in_the_way: CjpFraudError | None = None
    found = LogPage((), None, 0)
    try:
        found = audit_log.list_entries(
            visit.deployment,
            LogSearch(
                asked["by"] or None,
                asked["action"] or None,
                moment_typed(asked["since"], visit.words.time_zone),
                moment_typed(asked["until"], visit.words.time_zone),
            ),
            case=asked["case"] or None,
            before=_number(visit.request.query_params.get("before", "")),
            limit=_PAGE_LENGTH,
            by=visit.by,
        )
    except (BadInputError, NotFoundError) as error:
        in_the_way = error
    return page(
        visit,
        "audit.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        entries=found.entries,
        hidden=found.outside_of_reach,
        older=_address(asked, found.older) if found.older is not None else None,
        asked=asked,
        verified=verified,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )


def _address(asked: Mapping[str, str], before: int) -> str:
    parts = {name: value for name, value in asked.items() if value}
    return f"{_HERE}?{urlencode({**parts, 'before': before})}"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
