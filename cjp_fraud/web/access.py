"""Who may see a page and send its forms: the one place where every request of the staff's pages is let in or refused.

A page names who may see it by the type of its ``visit``::

    @pages.post("/cases/{number}/dismiss")
    def dismiss(visit: Annotated[Visit, Depends(Admitted(Role.REVIEWER))], number: int) -> Response: ...

Whether this person may act on this very case is asked by the operation.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.operations import sign_in
from cjp_fraud.operations.attachments import Upload, most_bytes
from cjp_fraud.operations.reach import require_named_reach
from cjp_fraud.operations.sign_in import SignedIn
from cjp_fraud.people.model import Role
from cjp_fraud.web.client_limit import Allowance, ClientLimit
from cjp_fraud.web.forms import FORM_PROOF, brings_files, posted_fields, posted_with_file
from cjp_fraud.web.words import Words, language_wanted

FORM_ID: Final = "form_id"
"""Field by which a form that is sent twice is known."""

VERSION: Final = "version"
"""Field with the version of the case on the page that the form stands on."""

CODE: Final = "code"
"""Field with a code of the second factor."""

_MOST_BYTES: Final = 256_000
_MOST_FIELDS: Final = 400


class NotSignedIn(Exception):
    """Nobody is signed in, or the second factor is missing; the browser is led to where that is mended."""


@dataclass
class Denied(Exception):
    """A request was refused; ``status``: 403, or 429 for too many."""

    status: int
    why: str
    by: SignedIn | None = None


@dataclass(frozen=True)
class Form:
    """What was typed into a form."""

    fields: Sequence[tuple[str, str]] = ()
    upload: Upload | None = None
    """The file that it brings; None: none was chosen, or it cannot be taken."""
    fault: BadInputError | None = None
    """Why its file cannot be taken; a page that takes files raises it."""

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of a field; ``default`` where there is none."""
        return next((value for field_name, value in reversed(self.fields) if field_name == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field that may stand more than once and are not empty."""
        return tuple(value for field_name, value in self.fields if field_name == name and value)

    @property
    def typed(self) -> dict[str, str]:
        """Field → value, without what only proves where the form comes from and by whom; several values in lines."""
        unsaid = (FORM_PROOF, FORM_ID, VERSION, CODE)
        names = dict.fromkeys(name for name, _ in self.fields if name not in unsaid)
        typed = {name: "\n".join(self.all(name)) for name in names}
        return typed | self.upload.said if self.upload is not None else typed


@dataclass(frozen=True)
class Stranger:
    """A request before anybody has signed in.

    Parameters
    ----------
    secret : what this browser is known by; forms prove by it that they stand on a page that it was given.
    given : whether the secret is new and must be kept by the browser.
    """

    request: Request
    deployment: Deployment
    now: datetime
    client: str
    words: Words
    secret: str
    given: bool
    form: Form = field(default_factory=Form)

    @property
    def proof(self) -> str:
        """What a form on the page bears."""
        return form_proof(self.secret)


@dataclass(frozen=True)
class Visit(Stranger):
    """A request of somebody who is signed in and holds one of the roles that the page asks for."""

    person: SignedIn = field(kw_only=True)

    @property
    def by(self) -> str:
        """Name of who acts, as operations take it."""
        return self.person.name

    @property
    def asks_code(self) -> bool:
        """Whether the second factor was given too long ago for an approval."""
        given_at = self.person.second_factor_at
        longest = timedelta(minutes=self.deployment.settings.approval_code_minutes)
        return given_at is None or self.now - given_at > longest

    def take_code(self) -> None:
        """Take the form's code of the second factor, where the last one was given too long ago.

        Raises
        ------
        Refused
            If the code is missing or does not fit.
        """
        code = self.form.get(CODE).replace(" ", "")
        minutes = self.deployment.settings.approval_code_minutes
        if self.asks_code:
            refuse_unless(
                (
                    self.person.has_authenticator,
                    f"you were authenticated more than {minutes} minute(s) ago; sign in at your organisation again",
                ),
                action="approve",
            )
            refuse_unless(
                (
                    bool(code),
                    f"type the code of your authenticator: the last is older than {minutes} minute(s)",
                ),
                action="approve",
            )
            sign_in.give_code_again(self.deployment, self.person, self.now, self.secret, code, self.client)


@dataclass(frozen=True)
class Admitted:
    """A dependency of a page: who is signed in and holds at least one of ``roles``; none named: any.

    Every refusal is on record, but for a browser in which nobody is signed in: it is led to the sign-in page.
    """

    roles: frozenset[Role]

    def __init__(self, *roles: Role) -> None:
        object.__setattr__(self, "roles", frozenset(roles or Role))

    async def __call__(self, request: Request) -> Visit:
        """Return the visit, or raise :class:`NotSignedIn` or :class:`Denied`."""
        form = await _form_of(request)
        return await run_in_threadpool(self._admit, request, form)

    def _admit(self, request: Request, form: Form) -> Visit:
        _require_plain_address(request)
        deployment: Deployment = request.app.state.deployment
        now = deployment.now
        person, token = _signed_in(request, now)
        _require_own_form(request, form, token, person)
        self._require_role(request, person)
        if person.narrowed:
            require_named_reach(deployment, person.name, request.path_params, request.query_params)
        words = Words(
            language_wanted(person.language, request.headers.get("accept-language", "")), person.time_zone
        )
        return Visit(request, deployment, now, client_of(request), words, token, False, form, person=person)

    def _require_role(self, request: Request, person: SignedIn) -> None:
        if not person.may(*self.roles):
            needed = " or ".join(sorted(self.roles))
            raise Denied(403, f"{request.method} {request.scope['route'].path}: needs {needed}", person)


class AdmittedWithFile(Admitted):
    """The same for a page whose form may bring a file: it is read only once its sender is known to hold a role."""

    async def __call__(self, request: Request) -> Visit:
        """Return the visit, or raise :class:`NotSignedIn` or :class:`Denied`."""
        if not brings_files(request):
            return await super().__call__(request)
        await run_in_threadpool(self._admit_sender, request)
        posted = await posted_with_file(
            request,
            most_bytes=most_bytes(request.app.state.deployment),
            most_words=_MOST_BYTES,
            most_fields=_MOST_FIELDS,
        )
        form = Form(tuple(posted.fields), posted.upload, posted.fault)
        return await run_in_threadpool(self._admit, request, form)

    def _admit_sender(self, request: Request) -> None:
        deployment: Deployment = request.app.state.deployment
        person, _token = _signed_in(request, deployment.now)
        _require_this_site(request, person)
        self._require_role(request, person)


@dataclass(frozen=True)
class BeforeSignIn:
    """A dependency of the pages of signing in: forms are ours, and steps are limited by client."""

    async def __call__(self, request: Request) -> Stranger:
        """Return the request, or raise :class:`Denied`."""
        form = await _form_of(request)
        return await run_in_threadpool(self._admit, request, form)

    def _admit(self, request: Request, form: Form) -> Stranger:
        deployment: Deployment = request.app.state.deployment
        now, client = deployment.now, client_of(request)
        kept = request.cookies.get(session_cookie(request)) or request.cookies.get(visitor_cookie(request))
        secret = kept or secrets.token_urlsafe(32)
        if request.method not in _READING:
            _count(request, client, now)
            _require_own_form(request, form, secret, None)
        words = Words(language_wanted(None, request.headers.get("accept-language", "")))
        return Stranger(request, deployment, now, client, words, secret, kept is None, form)


_READING: Final = ("GET", "HEAD")

Anybody = Annotated[Visit, Depends(Admitted())]
"""Anybody who is signed in."""

CASE_READERS: Final = (Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL, Role.AUDITOR)
"""Who may read cases: all but who only administers."""

CaseReader = Annotated[Visit, Depends(Admitted(*CASE_READERS))]

AUDIT_READERS: Final = (Role.AUDITOR, Role.COUNSEL, Role.ADMIN)
"""Who may search and verify the audit log."""

AuditReader = Annotated[Visit, Depends(Admitted(*AUDIT_READERS))]

MODEL_READERS: Final = (*CASE_READERS, Role.ADMIN)
"""Who may see the page Model."""

ModelReader = Annotated[Visit, Depends(Admitted(*MODEL_READERS))]
Admin = Annotated[Visit, Depends(Admitted(Role.ADMIN))]

CaseWorker = Annotated[Visit, Depends(Admitted(Role.ANALYST, Role.REVIEWER))]
Reviewer = Annotated[Visit, Depends(Admitted(Role.REVIEWER))]
Approver = Annotated[Visit, Depends(Admitted(Role.APPROVER, Role.COUNSEL))]
Lead = Annotated[Visit, Depends(Admitted(Role.REVIEWER, Role.APPROVER))]
Counsel = Annotated[Visit, Depends(Admitted(Role.COUNSEL))]
_COMMENTERS: Final = (Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL)
Commenter = Annotated[Visit, Depends(Admitted(*_COMMENTERS))]
CommenterWithFile = Annotated[Visit, Depends(AdmittedWithFile(*_COMMENTERS))]
NotSignedInYet = Annotated[Stranger, Depends(BeforeSignIn())]


def form_proof(secret: str) -> str:
    """Return what a form bears of a browser's secret: from it nobody learns the secret."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def session_cookie(request: Request) -> str:
    """Return the name of the cookie of a session; over https one that no other host can set (``__Host-``)."""
    return f"{_host_only(request)}cjp_session"


def visitor_cookie(request: Request) -> str:
    """Return the name of the cookie that a browser is known by before anybody signs in."""
    return f"{_host_only(request)}cjp_visitor"


def provider_cookie(request: Request) -> str:
    """Return the name of the cookie of a sign-in by a provider that has begun."""
    return f"{_host_only(request)}cjp_provider"


def count_step(visit: Stranger) -> None:
    """Count a step of signing in that is no form; raises :class:`Denied` if there were too many."""
    _count(visit.request, visit.client, visit.now)


def _count(request: Request, client: str, now: datetime) -> None:
    limit: ClientLimit = request.app.state.sign_in_limit
    allowance = limit.count(client, now)
    if allowance is not Allowance.YES:
        raise Denied(429, "too many steps of signing in" if allowance is Allowance.FIRST_TOO_MANY else "")


def client_of(request: Request) -> str:
    """Return the network address that a request came from."""
    return request.client.host if request.client is not None else "unknown"


def a_sign_in_limit() -> ClientLimit:
    """Return the limit of steps of signing in that is in force: 30 within ten minutes."""
    return ClientLimit(30, timedelta(minutes=10))


def _host_only(request: Request) -> str:
    return "__Host-" if request.url.scheme == "https" else ""


async def _form_of(request: Request) -> Form:
    if request.method in _READING:
        return Form()
    return Form(tuple(await posted_fields(request, most_bytes=_MOST_BYTES, most_fields=_MOST_FIELDS)))


def _require_plain_address(request: Request) -> None:
    """Refuse an address that names something with a NUL, which PostgreSQL cannot look for."""
    named = (*request.path_params.values(), *request.query_params.values())
    if any("\x00" in str(each) for each in named):
        raise BadInputError("nothing on record has a NUL in its name; write the address without it")


def _require_own_form(request: Request, form: Form, secret: str, person: SignedIn | None) -> None:
    """Refuse what is sent from another site, and what does not stand on a page that this browser was given."""
    if request.method in _READING:
        return
    _require_this_site(request, person)
    if not hmac.compare_digest(form_proof(secret).encode(), form.get(FORM_PROOF).encode()):
        raise _no_form_of_ours(request, person)


def _require_this_site(request: Request, person: SignedIn | None) -> None:
    if not _of_this_site(request):
        raise _no_form_of_ours(request, person)


def _no_form_of_ours(request: Request, person: SignedIn | None) -> Denied:
    return Denied(403, f"{request.method} {request.scope['route'].path}: not a form of ours", person)


def _signed_in(request: Request, now: datetime) -> tuple[SignedIn, str]:
    """Return who sends a request, and the token of their session."""
    token = request.cookies.get(session_cookie(request))
    person = sign_in.who(request.app.state.deployment, now, token)
    if person is None or token is None or not person.complete:
        raise NotSignedIn
    request.state.person = person
    return person, token


def _of_this_site(request: Request) -> bool:
    """Whether the browser says that a page of this very host sends the request; browsers that say nothing pass."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
