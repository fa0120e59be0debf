"""Who may call an endpoint: the one place where every call of the API is let in or refused.

An endpoint names the scope that it needs by its ``call``::

    @cases.get("/cases/{case}")
    def show(call: Annotated[Call, Depends(Scoped(ApiScope.CASES_READ))], case: str) -> Response: ...

A call needs a token with that scope whose owner holds, at this call, one of the roles that the scope asks for. Whether
this person may act on this very thing is asked by the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, get_args, get_origin
from uuid import NAMESPACE_URL, uuid4, uuid5

from fastapi import Depends, Header, Request, Security
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, FormSentBefore
from cjp_fraud.operations import api_tokens
from cjp_fraud.operations.api_tokens import Caller
from cjp_fraud.operations.posted_forms import acting_by_form, standing_of
from cjp_fraud.operations.reach import require_named_reach
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.plain_json import plain_json
from cjp_fraud.web.access import client_of
from cjp_fraud.web.api.answers import CallRefused, answer
from cjp_fraud.web.client_limit import Allowance, ClientLimit

_BEARER: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `cjp-fraud tokens create` or of the page Tokens.",
)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the caller, one an act. The same key with the same words acts once; the second answer "
        "says `replayed`. With other words it is answered 422.",
        examples=["8f14e45f-ceea-467f-9a0e-6f7c2b1d0c55"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        pattern=r'^"\d{1,15}"$',
        description="The ETag of the case as it was read. If anything happened on the case since, nothing is done "
        "and it is answered 412.",
        examples=['"1042"'],
    ),
]


@dataclass(frozen=True)
class Call:
    """A call that was let in."""

    request: Request
    deployment: Deployment
    now: datetime
    caller: Caller

    @property
    def by(self) -> str:
        """Name of who acts, as operations take it."""
        return self.caller.name


@dataclass(frozen=True)
class Scoped:
    """A dependency of an endpoint: who calls, by a token that is good for ``scope``."""

    scope: ApiScope

    def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Call:
        """Return the call, or raise :class:`CallRefused`; refusals are on record, but for a call without a token."""
        deployment: Deployment = request.app.state.deployment
        now = deployment.now
        if credentials is None:
            raise CallRefused(401, "send a token: Authorization: Bearer cjp_...")
        caller = api_tokens.who_calls(deployment, now, credentials.credentials)
        if caller is None:
            _count_refusal(request, deployment, now)
            raise CallRefused(401, "the token is not known, has expired or was revoked")
        if not caller.may(self.scope):
            why = f"{request.method} /api/v1{request.scope['route'].path}: needs {self.scope}"
            api_tokens.deny(deployment, now, caller, client_of(request), why)
            missing = (
                "its owner lacks the role" if self.scope in caller.scopes else "the token lacks the scope"
            )
            raise CallRefused(403, f"this needs {self.scope}: {missing}")
        request.state.caller = caller
        if caller.narrowed:
            require_named_reach(deployment, caller.name, request.path_params, request.query_params)
        _require_each_once(request)
        return Call(request, deployment, now, caller)


def _require_each_once(request: Request) -> None:
    """Refuse a parameter that is given twice and takes one value: FastAPI would take the last without a word.

    Raises
    ------
    BadInputError
        It names the parameter.
    """
    route: APIRoute = request.scope["route"]
    for parameter in get_flat_dependant(route.dependant).query_params:
        given = request.query_params.getlist(parameter.alias)
        if len(given) > 1 and not _takes_several(parameter.field_info.annotation):
            raise BadInputError(f"query.{parameter.alias}: given {len(given)} times; give it once")


def _takes_several(annotation: object) -> bool:
    return get_origin(annotation) is list or any(_takes_several(each) for each in get_args(annotation))


def _count_refusal(request: Request, deployment: Deployment, now: datetime) -> None:
    limit: ClientLimit = request.app.state.refused_limit
    client = client_of(request)
    allowance = limit.count(client, now)
    if allowance is not Allowance.TOO_MANY:
        api_tokens.deny(deployment, now, None, client, "api: no such token")
    if allowance is not Allowance.YES:
        raise CallRefused(429, "too many calls with tokens that do not count")


@dataclass(frozen=True)
class Once:
    """How an act is done once, and on what its caller saw; a dependency of every endpoint that acts."""

    key: str | None
    version: int | None

    def act(
        self,
        call: Call,
        do: Callable[[Deployment], object],
        *,
        body: Mapping[str, Any] | None = None,
        case: str | None = None,
        status: int = 200,
    ) -> Response:
        """Do it and answer ``{case, result, replayed}``; asked for again, say only where the case stands now.

        Parameters
        ----------
        do : the operation, with the deployment in which it acts once.
        body : what the caller sent.
        case : number or id of the case that it is about; None: of none.
        """
        path = call.request.url.path
        fields = {"method": call.request.method, "path": path, "body": str(plain_json(body or {}))}
        acting = acting_by_form(
            call.deployment,
            str(uuid5(NAMESPACE_URL, f"{call.caller.user_id} {self.key}") if self.key else uuid4()),
            fields,
            leads_to=path,
            case=case,
            version=self.version,
        )
        try:
            result, replayed = do(acting), False
        except FormSentBefore:
            result, replayed = None, True
        standing = standing_of(call.deployment, case) if case is not None else None
        return answer({"case": standing, "result": result, "replayed": replayed}, status)


def acting_once(key: IdempotencyKey = None) -> Once:
    """Return how an act that is about no case is done once."""
    return Once(key, None)


def acting_once_on_case(key: IdempotencyKey = None, if_match: IfMatch = None) -> Once:
    """Return how an act on a case is done once, and only on the version that was read where one is named."""
    return Once(key, int(if_match.strip('"')) if if_match is not None else None)


ActsOnce = Annotated[Once, Depends(acting_once)]
OnceOnCase = Annotated[Once, Depends(acting_once_on_case)]
