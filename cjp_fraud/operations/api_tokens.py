"""Make, list and revoke the tokens of the API, and say who calls by one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.page_key import client_digest
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people import api_tokens
from cjp_fraud.people.api_scopes import ROLES_OF, TOKEN_LASTS, ApiScope
from cjp_fraud.people.model import Actor, Decision, Role, machine
from cjp_fraud.people.tables import ApiToken, User
from cjp_fraud.people.users import actor_named, actor_of
from cjp_fraud.storage.database import reading, transaction

API = machine("api")


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token, without its text.

    Parameters
    ----------
    owner : name of the user as whom it acts.
    counts : whether it neither has expired nor was revoked.
    """

    id: str
    owner: str
    label: str
    scopes: tuple[ApiScope, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    counts: bool


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token with its text, which is shown once and kept nowhere."""

    token: TokenView
    text: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API.

    Parameters
    ----------
    roles : held now, at this call.
    narrowed : whether one of them is narrowed to some cases.
    """

    name: str
    user_id: str
    roles: frozenset[Role]
    narrowed: bool
    scopes: frozenset[ApiScope]
    token_id: str

    def may(self, scope: ApiScope) -> bool:
        """Whether the token is good for it, and its owner holds one of the roles that it needs."""
        return scope in self.scopes and not self.roles.isdisjoint(ROLES_OF[scope])


def make_token(
    deployment: Deployment,
    by: str,
    now: datetime,
    label: str,
    scopes: Collection[ApiScope],
    *,
    lasts: timedelta = TOKEN_LASTS,
) -> NewToken:
    """Make a token of whoever asks, good for ``scopes`` as far as their roles go at each call.

    Raises
    ------
    BadInputError, Refused
        As :func:`cjp_fraud.people.api_tokens.make_token`.
    """
    with deployment.deciding(by, now, of_their_own=True) as decision:
        row, text = api_tokens.make_token(decision, label, scopes, lasts)
        return NewToken(_view(row, decision.by.name, now), text)


def revoke_token(deployment: Deployment, by: str, now: datetime, token_id: str) -> TokenView:
    """Let a token count no more, as its owner or an admin.

    Parameters
    ----------
    token_id : the id, or how it begins (8 digits or more).
    """
    with deployment.deciding(by, now, of_their_own=True) as decision:
        session = decision.session
        meant = id_of(session, ApiToken.id, token_id, "token", "cjp-fraud tokens list")
        row = api_tokens.revoke_token(decision, meant)
        return _view(row, session.get_one(User, row.user_id).name, now)


def list_tokens(deployment: Deployment, now: datetime, *, of: str | None = None) -> tuple[TokenView, ...]:
    """Return the tokens, the newest first.

    Parameters
    ----------
    of : a user's name; None: everybody's.
    """
    with reading(deployment.engine) as session:
        chosen = select(ApiToken, User.name).join(User, User.id == ApiToken.user_id)
        if of is not None:
            chosen = chosen.where(ApiToken.user_id == actor_named(session, of).reference)
        rows = session.execute(chosen.order_by(ApiToken.id.desc()))
        return tuple(_view(row, name, now) for row, name in rows)


def who_calls(deployment: Deployment, now: datetime, text: str) -> Caller | None:
    """Return who calls by a token, with the roles held now; None: the token does not count."""
    with reading(deployment.engine) as session:
        in_force = api_tokens.token_in_force(session, text, now)
        if in_force is None:
            return None
        actor = actor_of(session, in_force.user)
        return Caller(
            name=in_force.user.name,
            user_id=in_force.user.id,
            roles=actor.roles,
            narrowed=bool(actor.narrowed),
            scopes=frozenset(ApiScope(scope) for scope in in_force.token.scopes if scope in list(ApiScope)),
            token_id=in_force.token.id,
        )


def deny(deployment: Deployment, now: datetime, caller: Caller | None, client: str, why: str) -> None:
    """Put on record that a call was refused.

    Parameters
    ----------
    caller : None: the token does not count.
    client : network address that it came from, kept as a keyed digest.
    """
    with transaction(deployment.engine) as session:
        _log_denied(session, deployment, now, caller, client, why)


def _log_denied(
    session: Session, deployment: Deployment, now: datetime, caller: Caller | None, client: str, why: str
) -> None:
    who_asked = client_digest(deployment.settings, client)
    actor = Actor(caller.name, caller.user_id, caller.roles) if caller is not None else API
    content: dict[str, object] = {"why": why, "client": who_asked}
    if caller is not None:
        content["api_token_id"] = caller.token_id
    subject = caller.user_id if caller is not None else "nobody"
    append(Decision(session, actor, now), "access.denied", "users", subject, content)


def _view(row: ApiToken, owner: str, now: datetime) -> TokenView:
    return TokenView(
        id=row.id,
        owner=owner,
        label=row.label,
        scopes=tuple(ApiScope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        counts=row.revoked_at is None and now < row.expires_at,
    )
