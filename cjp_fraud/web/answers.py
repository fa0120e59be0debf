"""Answers of the staff's pages: a page, where a form leads, and what is said when something stands in the way."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from cjp_fraud.errors import BadInputError, CjpFraudError, NotFoundError, OutOfReach, Refused, StaleForm
from cjp_fraud.operations import sign_in
from cjp_fraud.operations.attachments import AttachedFile
from cjp_fraud.operations.sign_in import SignedIn
from cjp_fraud.people.model import Role
from cjp_fraud.web.access import (
    AUDIT_READERS,
    CASE_READERS,
    MODEL_READERS,
    Denied,
    NotSignedIn,
    Stranger,
    Visit,
    client_of,
    session_cookie,
    visitor_cookie,
)
from cjp_fraud.web.api.answers import API, problem
from cjp_fraud.web.headers import NOTICES
from cjp_fraud.web.staff_rendering import render_page
from cjp_fraud.web.words import Words, language_wanted

_log = logging.getLogger(__name__)


def page(visit: Stranger, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page in the layout.

    Parameters
    ----------
    template : file of ``templates/staff/``; it extends ``layout.html``.
    values : what it shows.
    """
    html = render_page(
        template,
        visit.words,
        now=visit.now,
        person=visit.person if isinstance(visit, Visit) else None,
        proof=visit.proof,
        new_form_id=_new_form_id,
        here=visit.request.url.path,
        reads_cases=isinstance(visit, Visit) and visit.person.may(*CASE_READERS),
        administers_here=isinstance(visit, Visit) and visit.person.may(Role.ADMIN, Role.AUDITOR),
        reads_audit=isinstance(visit, Visit) and visit.person.may(*AUDIT_READERS),
        reads_models=isinstance(visit, Visit) and visit.person.may(*MODEL_READERS),
        simulated=visit.deployment.home_clock.simulated,
        **values,
    )
    answer = HTMLResponse(html, status)
    if visit.given:
        keep(answer, visit.request, visitor_cookie(visit.request), visit.secret)
    return answer


def file_answer(file: AttachedFile) -> Response:
    """Return an attached file as bytes of no kind, to be kept under its name."""
    name = quote(file.attachment.name, safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(file.content, media_type="application/octet-stream", headers=headers)


def to(path: str) -> RedirectResponse:
    """Lead the browser to a page after a form has acted, so that loading again sends nothing again."""
    return RedirectResponse(path, 303)


def signed_in_to(path: str, request: Request, token: str) -> RedirectResponse:
    """Lead to a page with what the browser keeps of a session."""
    answer = to(path)
    keep(answer, request, session_cookie(request), token)
    return answer


def signed_out_to(path: str, request: Request) -> RedirectResponse:
    """Lead to a page and have the browser forget the session."""
    answer = to(path)
    answer.delete_cookie(
        session_cookie(request), secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )
    return answer


def own_path(path: str) -> str:
    """Return a path of this application as it was asked for; the first page where it leads elsewhere."""
    parts = urlsplit(path)
    is_ours = (
        not parts.scheme and not parts.netloc and path.startswith("/") and not path.startswith(("//", "/\\"))
    )
    return path if is_ours and "\\" not in path and path.isprintable() else "/"


def install_handlers(application: FastAPI) -> None:
    """Have errors answered by pages in the layout."""
    application.add_exception_handler(NotSignedIn, _not_signed_in)
    application.add_exception_handler(Denied, _denied)
    application.add_exception_handler(CjpFraudError, _in_the_way)
    application.add_exception_handler(HTTPException, _http)
    application.add_exception_handler(RequestValidationError, _not_an_address)
    application.add_exception_handler(Exception, _broken)


def sentences_of(error: CjpFraudError) -> Sequence[str]:
    """Return all that an error names, a sentence each."""
    return error.missing if isinstance(error, Refused) else (str(error),)


def status_of(error: CjpFraudError) -> int:
    """Return the status by which an error is answered."""
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, OutOfReach):
        return 403
    if isinstance(error, Refused | StaleForm):
        return 409
    return 400 if isinstance(error, BadInputError) else 503


def _not_signed_in(request: Request, _error: Exception) -> Response:
    if request.method not in ("GET", "HEAD"):
        return _plain(request, 403, ("nobody is signed in any more: sign in, and send it again",))
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", 303)


def _denied(request: Request, error: Exception) -> Response:
    assert isinstance(error, Denied), "it is registered for these"
    deployment = request.app.state.deployment
    if error.why:
        sign_in.deny(deployment, deployment.now, error.by, client_of(request), error.why)
    return _plain(request, error.status, ())


def _in_the_way(request: Request, error: Exception) -> Response:
    assert isinstance(error, CjpFraudError), "it is registered for these"
    if isinstance(error, OutOfReach) and not error.on_record:
        deployment = request.app.state.deployment
        person = getattr(request.state, "person", None)
        sign_in.deny(deployment, deployment.now, person, client_of(request), str(error))
    return _plain(request, status_of(error), sentences_of(error))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    if request.url.path.startswith(NOTICES):
        return PlainTextResponse("", error.status_code)
    if request.url.path.startswith(API):
        # A path with a line break in it does not reach what is mounted there.
        return problem(error.status_code, str(error.detail))
    return _plain(request, error.status_code, ())


def _not_an_address(request: Request, error: Exception) -> Response:
    """Answer an address with a part that is none, as a case without a number."""
    assert isinstance(error, RequestValidationError), "it is registered for these"
    parts = [each["loc"] for each in error.errors()]
    if any(loc[0] == "path" for loc in parts):
        return _http(request, HTTPException(404))
    return _plain(request, 400, tuple(f"{loc[-1]}: this value cannot be used" for loc in parts))


def _broken(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _plain(request, 500, ())


def _plain(request: Request, status: int, sentences: Sequence[str]) -> HTMLResponse:
    """Return a page that only says what stands in the way; it asks nothing of the database."""
    person: SignedIn | None = getattr(request.state, "person", None)
    chosen = person.language if person is not None else None
    words = Words(language_wanted(chosen, request.headers.get("accept-language", "")))
    html = render_page(
        "in_the_way.html", words, status=status, sentences=sentences, person=None, simulated=False
    )
    return HTMLResponse(html, status)


def keep(answer: Response, request: Request, name: str, value: str) -> None:
    """Let the browser keep a value until it is closed, out of reach of scripts and of other sites' forms."""
    answer.set_cookie(
        name, value, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )


def _new_form_id() -> str:
    return str(uuid4())
