"""Sign in by an OpenID Connect provider; who is meant, and which roles follow the provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import machine_now
from cjp_fraud.config import Settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.page_key import client_digest
from cjp_fraud.people.account_key import account_key
from cjp_fraud.people.model import INIT, NEW_FOR, Decision, GivenIdentity, IdentityKind, Role, machine
from cjp_fraud.people.openid import NotVouchedFor, Provider, authenticated_ago, opened, sealed
from cjp_fraud.people.tables import Identity, User
from cjp_fraud.people.users import actor_of, follow_roles
from cjp_fraud.people.web_sessions import begin_session, complete_session, session_of
from cjp_fraud.storage.database import transaction

PROVIDER = machine("oidc")

LONGEST_AGO: Final = timedelta(days=366)
"""A second factor that was given before that is as old as one can be."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a browser is led, and what it keeps until it comes back."""

    url: str
    kept: str


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it.

    Parameters
    ----------
    token : what the browser keeps from now on; None: refused, and ``why`` says why.
    """

    token: str | None
    leads_to: str = "/"
    why: str = ""


def begin(deployment: Deployment, leads_to: str, *, again: bool = False) -> Begun:
    """Return where somebody signs in.

    Parameters
    ----------
    again : whether the provider shall authenticate them anew, as before an approval.

    Raises
    ------
    BadInputError, StorageError
        If no provider is set, or it does not answer.
    """
    url, asked = Provider.discovered(deployment.settings).ask(leads_to, again=again)
    return Begun(url, sealed(account_key(deployment.settings), asked))


def finish(deployment: Deployment, now: datetime, kept: str, state: str, code: str, client: str) -> Done:
    """Sign in whoever comes back with a code; the second factor is the provider's. Every refusal is on record.

    The second factor is as old as the provider says that it authenticated them, or as old as one can be.

    Parameters
    ----------
    kept : what the browser kept of :func:`begin`.
    client : the network address.
    """
    try:
        asked = opened(account_key(deployment.settings), kept)
        claims = Provider.discovered(deployment.settings).redeem(asked, state, code)
        with transaction(deployment.engine) as session:
            user = _meant(session, deployment.settings, claims, now)
            wanted, of = roles_of(deployment.settings, claims)
            follow_roles(Decision(session, PROVIDER, now), user, wanted, of)
            begun = session_of(session, begin_session(session, user.id, now), now)
            assert begun is not None, "it was made just now, and the user is not disabled"
            token = complete_session(session, begun[0], now)
            begun[0].second_factor_at = now - min(authenticated_ago(claims, machine_now()), LONGEST_AGO)
            content = {"session_id": begun[0].id, "by_provider": True}
            _log(
                session, deployment, Decision(session, actor_of(session, user), now), user.id, client, content
            )
        return Done(token, asked.leads_to)
    except NotVouchedFor as error:
        with transaction(deployment.engine) as session:
            why = {"why": f"provider: {error}"[:300]}
            _log(session, deployment, Decision(session, PROVIDER, now), None, client, why)
        return Done(None, why=str(error))


def roles_of(settings: Settings, claims: Mapping[str, Any]) -> tuple[frozenset[Role], frozenset[Role]]:
    """Return the roles that claims give, and those that follow the provider at all."""
    values = claims.get(settings.oidc_roles_claim, ())
    held = {values} if isinstance(values, str) else {value for value in values if isinstance(value, str)}
    wanted = {Role(role) for value in held for role in settings.oidc_roles.get(value, ())}
    of = {Role(role) for roles in settings.oidc_roles.values() for role in roles}
    return frozenset(wanted), frozenset(of)


def _meant(session: Session, settings: Settings, claims: Mapping[str, Any], now: datetime) -> User:
    """Return the user on record whom the claims mean.

    Raises
    ------
    NotVouchedFor
        If nobody on record has that account, they are disabled, or the account is on record for less than a day: else
        an admin could add one of their own to somebody else and act as that person at once.
    """
    said = claims.get(settings.oidc_user_claim)
    try:
        identity = GivenIdentity.parse(f"{IdentityKind.ACCOUNT}:{said if isinstance(said, str) else ''}")
    except BadInputError:
        raise NotVouchedFor("the provider names no account that can be on record") from None
    found = session.execute(
        select(User, Identity)
        .join(Identity, Identity.user_id == User.id)
        .where(Identity.kind == identity.kind, Identity.value == identity.value)
    ).one_or_none()
    if found is None or identity.value != said or found[0].disabled_at is not None:
        raise NotVouchedFor("nobody who may sign in has this account")
    user, row = found
    if row.added_by != INIT and now < row.recorded_at + NEW_FOR:
        raise NotVouchedFor("this account was put on record less than 24 hours ago")
    return user


def _log(
    session: Session,
    deployment: Deployment,
    decision: Decision,
    user_id: str | None,
    client: str,
    content: Mapping[str, object],
) -> None:
    action = "sign_in.done" if user_id is not None else "sign_in.refused"
    whole = {**content, "client": client_digest(deployment.settings, client)}
    append(decision, action, "users", user_id or "nobody", whole)
