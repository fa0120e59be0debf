"""The web application, and the server that runs it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.staticfiles import StaticFiles

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.case_chart_pictures import CaseChartPictures
from cjp_fraud.operations.thresholds import StoredWeeks
from cjp_fraud.web import (
    admin_page,
    audit_page,
    bulk_pages,
    case_chart_pages,
    case_page,
    claim_pages,
    consent_pages,
    contract_pages,
    dispute_pages,
    known_event_pages,
    ledger_page,
    model_page,
    quality_page,
    queue_page,
    shift_page,
    sign_in_pages,
    stage_pages,
    tenant_page,
    threshold_page,
    token_pages,
)
from cjp_fraud.web.access import Admitted, BeforeSignIn, a_sign_in_limit
from cjp_fraud.web.answers import install_handlers
from cjp_fraud.web.api.answers import API
from cjp_fraud.web.api.application import api_application
from cjp_fraud.web.due_work import doing_what_is_due
from cjp_fraud.web.headers import NOTICES, STATIC, SecurityHeaders
from cjp_fraud.web.notice_page import NoticePages, a_client_limit, is_https
from cjp_fraud.web.queue_rows import RowCache
from cjp_fraud.web.rendering import STATIC_FILES

STAFF_PAGES = (
    sign_in_pages.pages,
    queue_page.pages,
    case_page.pages,
    case_chart_pages.pages,
    stage_pages.pages,
    claim_pages.pages,
    dispute_pages.pages,
    ledger_page.pages,
    bulk_pages.pages,
    known_event_pages.pages,
    shift_page.pages,
    token_pages.pages,
    admin_page.pages,
    tenant_page.pages,
    audit_page.pages,
    consent_pages.pages,
    contract_pages.pages,
    model_page.pages,
    threshold_page.pages,
    quality_page.pages,
)
"""The routers of the staff's pages; a new page's router is named here."""


def notice_application(deployment: Deployment) -> FastAPI:
    """Return the application with the customer's notice page alone."""
    return _application(deployment, "Notices", staff=False)


def queue_application(deployment: Deployment) -> FastAPI:
    """Return the application with the staff's pages, and beside them the API and the customer's notice page.

    Raises
    ------
    TypeError
        If a page does not say who may see it: a bug.
    """
    application = _application(deployment, "Review queue", staff=True)
    application.state.deployment = deployment
    application.state.sign_in_limit = a_sign_in_limit()
    application.state.case_pictures = CaseChartPictures(deployment)
    application.state.row_cache = RowCache()
    application.state.stored_weeks = StoredWeeks(deployment)
    for router in STAFF_PAGES:  # their routes as they are: to include a router builds each of its routes anew
        application.router.routes.extend(router.routes)
    application.mount(API, api_application(deployment))
    install_handlers(application)
    unguarded = sorted(route.path for route in _routes(application) if not _is_guarded(route))
    if unguarded:
        raise TypeError(f"who may see {', '.join(unguarded)}? give it a visit (cjp_fraud/web/access.py)")
    return application


def serve_notices(deployment: Deployment, host: str, port: int) -> None:
    """Serve the notice page until the process is told to end.

    No log of requests is written, since their paths hold the links.
    """
    deployment.engine  # noqa: B018  # a home that cannot be used is told before the server listens
    _run(notice_application(deployment), host, port)


def serve_queue(deployment: Deployment, host: str, port: int, *, runs_due: bool) -> None:
    """Serve the staff's pages and the notice page until the process is told to end.

    Parameters
    ----------
    runs_due : whether what is due is done every minute too; not where a schedule does it.
    """
    deployment.engine  # noqa: B018  # a home that cannot be used is told before the server listens
    application = queue_application(deployment)
    if not runs_due:
        _run(application, host, port)
        return
    with doing_what_is_due(deployment):
        _run(application, host, port)


def _application(deployment: Deployment, title: str, *, staff: bool) -> FastAPI:
    application = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    application.router.routes.extend(NoticePages(deployment, a_client_limit()).router.routes)
    application.mount(STATIC.rstrip("/"), StaticFiles(directory=str(STATIC_FILES)))
    application.add_middleware(SecurityHeaders, https=is_https(deployment), staff=staff)
    return application


def freeze_what_stays() -> None:
    """Have the garbage collector leave out all that is there before the first request.

    Modules, tables and routes are some 400,000 objects that stay until the process ends. A full collection walks over
    all of them and finds nothing: for a quarter of a second, in which no page is answered.
    """
    gc.collect()
    gc.freeze()


def _run(application: FastAPI, host: str, port: int) -> None:
    import uvicorn

    freeze_what_stays()
    uvicorn.run(
        application,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_keep_alive=5,
    )


def _routes(application: FastAPI) -> Iterator[APIRoute]:
    for route in application.routes:
        if isinstance(route, APIRoute) and not route.path.startswith(NOTICES):
            yield route


def _is_guarded(route: APIRoute) -> bool:
    return any(isinstance(each.call, Admitted | BeforeSignIn) for each in _all_of(route.dependant))


def _all_of(dependant: Dependant) -> Iterator[Dependant]:
    for each in dependant.dependencies:
        yield each
        yield from _all_of(each)
