"""Answers of the API: JSON as ``--json`` prints it, and one form of error (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from cjp_fraud.errors import BadInputError, CjpFraudError, NotFoundError, OutOfReach, Refused, StaleForm
from cjp_fraud.operations import api_tokens
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.plain_json import plain_json
from cjp_fraud.web.access import client_of

_log = logging.getLogger(__name__)

API: Final = "/api/v1"
"""Where the API is mounted; its description is at ``/api/v1/openapi.json``, open to all."""

PROBLEM_TYPE: Final = "application/problem+json"

_ResultT = TypeVar("_ResultT")
_ItemT = TypeVar("_ItemT")


class Problem(BaseModel):
    """What stands in the way of a call."""

    type: str = Field(description="about:blank: the status says what kind it is", examples=["about:blank"])
    title: str = Field(description="the status in words", examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(description="a sentence for the person who can mend it")
    missing: list[str] = Field(description="everything that stands in the way, a sentence each")


class Acted(BaseModel, Generic[_ResultT]):
    """What an act did.

    ``case`` is where the case stands now; null where the act is about none. ``result`` is what the operation returned;
    null where it returned nothing, and where the same call had acted before (``replayed``).
    """

    case: CaseStanding | None
    result: _ResultT | None
    replayed: bool


class Page(BaseModel, Generic[_ItemT]):
    """A page of a list; ``next_cursor`` is given as ``after`` to ask for the next one, and null on the last."""

    items: list[_ItemT]
    next_cursor: str | None


@dataclass
class CallRefused(Exception):
    """A call was not let in: 401, 403, or 429 for too many."""

    status: int
    why: str


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: _PROBLEMS[status] for status in statuses}


def _problem(description: str, detail: str, status: int, missing: Sequence[str] = ()) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "missing": list(missing) or [detail],
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": description,
        "content": {PROBLEM_TYPE: {"schema": schema, "example": example}},
    }


_PROBLEMS: Final[Mapping[int, dict[str, Any]]] = {
    400: _problem("The call cannot be read.", "the body is no JSON", 400),
    401: _problem(
        "No token, or one that does not count.", "the token is not known, has expired or was revoked", 401
    ),
    403: _problem(
        "The token is not good for this, or its owner lacks the role.",
        "this needs cases:read: the token lacks the scope",
        403,
    ),
    404: _problem("It is not on record.", "no case '77' is on record", 404),
    409: _problem(
        "Refused: everything that stands in the way is named.",
        "refused: approve case 12: ada took part in the case; the proposal has expired",
        409,
        ["ada took part in the case", "the proposal has expired"],
    ),
    412: _problem("The case has changed since the version of `If-Match`.", "the case has changed", 412),
    422: _problem(
        "The call, or the words of an Idempotency-Key that was used before, cannot be used.",
        "body.reasons: Field required",
        422,
    ),
    429: _problem("Too many calls with tokens that do not count.", "too many calls", 429),
    503: _problem(
        "The database, the lake or the clock cannot be used now.", "the database did not answer", 503
    ),
}

READS: Final = _documented(401, 403, 422, 429, 503)
"""Answers of every endpoint that reads a list."""

READS_ONE: Final = READS | _documented(404)
"""Answers of endpoints that read one thing."""

ACTS: Final = READS_ONE | _documented(400, 409)
"""Answers of endpoints that act."""

ACTS_ON_CASE: Final = ACTS | _documented(412)
"""Answers of endpoints that act on a case."""


def answer(view: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return views as JSON."""
    return _json(plain_json(view), status, "application/json", headers)


def install_handlers(application: FastAPI) -> None:
    """Have every error answered in the one form."""
    application.add_exception_handler(CallRefused, _refused_call)
    application.add_exception_handler(RequestValidationError, _not_valid)
    application.add_exception_handler(CjpFraudError, _in_the_way)
    application.add_exception_handler(HTTPException, _http)
    application.add_exception_handler(Exception, _broken)


def status_of(error: CjpFraudError) -> int:
    """Return the status by which an error is answered."""
    kinds = ((NotFoundError, 404), (OutOfReach, 403), (Refused, 409), (StaleForm, 412), (BadInputError, 422))
    return next((status for kind, status in kinds if isinstance(error, kind)), 503)


def problem(
    status: int, detail: str, missing: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error in the one form."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "missing": list(missing) or [detail],
    }
    return _json(document, status, PROBLEM_TYPE, headers)


def _json(document: Any, status: int, media_type: str, headers: Mapping[str, str] | None) -> Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(body, status, dict(headers or {}), media_type)


def _refused_call(_request: Request, error: Exception) -> Response:
    assert isinstance(error, CallRefused), "it is registered for these"
    headers = {"WWW-Authenticate": 'Bearer realm="cjp-fraud"'} if error.status == 401 else {}
    return problem(error.status, error.why, headers=headers)


def _not_valid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "it is registered for these"
    sentences = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return problem(422, "; ".join(sentences), sentences)


def _in_the_way(request: Request, error: Exception) -> Response:
    assert isinstance(error, CjpFraudError), "it is registered for these"
    if isinstance(error, OutOfReach) and not error.on_record:
        deployment = request.app.state.deployment
        caller = getattr(request.state, "caller", None)
        api_tokens.deny(deployment, deployment.now, caller, client_of(request), str(error))
    return problem(status_of(error), str(error), error.missing if isinstance(error, Refused) else ())


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    return problem(error.status_code, str(error.detail), headers=error.headers)


def _broken(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "a fault of the program; it is in its log")
