"""The API as an application of its own, mounted beside the pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from cjp_fraud import __version__
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.thresholds import StoredWeeks
from cjp_fraud.web.api import (
    administration,
    attachments,
    bulk,
    cases,
    contracts,
    decisions,
    disputes,
    evidence,
    known_events,
    quality,
    records,
    reinstatement,
    shift,
    thresholds,
)
from cjp_fraud.web.api.access import Scoped
from cjp_fraud.web.api.answers import API, Problem, install_handlers
from cjp_fraud.web.client_limit import ClientLimit

ROUTERS: Final = (
    cases.routes,
    decisions.routes,
    attachments.routes,
    disputes.routes,
    bulk.routes,
    known_events.routes,
    shift.routes,
    records.routes,
    reinstatement.routes,
    thresholds.routes,
    contracts.routes,
    quality.routes,
    evidence.routes,
    administration.routes,
)
"""What it offers; a new part's router is named here."""

_DESCRIPTION: Final = """\
Everything that the command line and the pages offer, by the same operations: an answer is what `--json` prints.

Send `Authorization: Bearer cjp_...`. A token does what its scopes say, as far as its owner's roles go at that call.
Errors are `application/problem+json` (RFC 9457) of one form; `missing` names everything that stands in the way.
Lists are paged by key: give `next_cursor` as `after`. An act with an `Idempotency-Key` acts once, however often it is
sent; with `If-Match` it acts only on the version of the case that was read.
"""


def api_application(deployment: Deployment) -> FastAPI:
    """Return the application of the API.

    Raises
    ------
    TypeError
        If an endpoint does not say which scope it needs: a bug.
    """
    application = FastAPI(
        title="cjp-fraud",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    application.state.deployment = deployment
    application.state.stored_weeks = StoredWeeks(deployment)
    application.state.refused_limit = ClientLimit(30, timedelta(minutes=10))
    for router in ROUTERS:  # their routes as they are: to include a router builds each of its routes anew
        application.router.routes.extend(router.routes)
    for route in _routes(application):
        route.operation_id = route.name
    install_handlers(application)
    application.openapi = lambda: _described(application)  # type: ignore[method-assign]
    open_routes = sorted(route.path for route in _routes(application) if not _needs_a_scope(route.dependant))
    if open_routes:
        raise TypeError(f"which scope needs {', '.join(open_routes)}? give it a call (web/api/access.py)")
    return application


def _described(application: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description, with our form of error in place of FastAPI's own."""
    if application.openapi_schema is None:
        document = get_openapi(
            title=application.title,
            version=application.version,
            description=application.description,
            routes=application.routes,
            servers=[{"url": API}],
        )
        schemas = document["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        _allow_several_of_a_union(document)
        application.openapi_schema = document
    return application.openapi_schema


def _allow_several_of_a_union(node: Any) -> None:
    """Write unions as ``anyOf``: pydantic writes some as ``oneOf``, though a text may also be a word of an enum."""
    if isinstance(node, dict):
        if "oneOf" in node and "discriminator" not in node:
            node["anyOf"] = node.pop("oneOf")
        for inside in node.values():
            _allow_several_of_a_union(inside)
    elif isinstance(node, list):
        for inside in node:
            _allow_several_of_a_union(inside)


def _routes(application: FastAPI) -> Iterator[APIRoute]:
    return (route for route in application.routes if isinstance(route, APIRoute))


def _needs_a_scope(dependant: Dependant) -> bool:
    return any(isinstance(each.call, Scoped) or _needs_a_scope(each) for each in dependant.dependencies)
