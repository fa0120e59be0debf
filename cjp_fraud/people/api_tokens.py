"""Tokens on record: of each, the database holds the digest alone."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.people.api_scopes import (
    ROLES_OF,
    TOKEN_LASTS_AT_MOST,
    TOKEN_PREFIX,
    ApiScope,
    scopes_open_to,
)
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.tables import ApiToken, User


@dataclass(frozen=True, slots=True)
class TokenInForce:
    """A token that counts, and as whom it acts."""

    token: ApiToken
    user: User


def make_token(
    decision: Decision, label: str, scopes: Collection[ApiScope], lasts: timedelta
) -> tuple[ApiToken, str]:
    """Make a token for whoever decides, and return it with its text, which is shown once and kept nowhere.

    Nobody makes one for another person: whoever makes it sees it, and could act as them.

    Raises
    ------
    BadInputError
        If the label, the scopes or the duration are none.
    Refused
        Names each scope that none of the person's roles opens.
    """
    by = decision.by
    wanted = [scope for scope in ApiScope if scope in scopes]
    if not label.strip() or not label.isprintable() or len(label) > 100:
        raise BadInputError("say in one line of up to 100 characters what the token is for")
    if not wanted:
        raise BadInputError(f"say what the token is good for: {', '.join(ApiScope)}")
    if not timedelta() < lasts <= TOKEN_LASTS_AT_MOST:
        raise BadInputError(f"a token lasts 1 to {TOKEN_LASTS_AT_MOST.days} days")
    open_to = scopes_open_to(by.roles)
    refuse_unless(
        (by.is_person, "only a person has tokens"),
        *(
            (scope in open_to, f"{scope} needs one of these roles: {', '.join(sorted(ROLES_OF[scope]))}")
            for scope in wanted
        ),
        action=f"make a token for {by}",
    )
    assert by.user_id is not None, "it is a person"
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=by.user_id,
        label=label.strip(),
        token_sha256=sha256_hex(text.encode()),
        scopes=[str(scope) for scope in wanted],
        created_at=decision.at,
        expires_at=decision.at + lasts,
        revoked_at=None,
        revoked_by=None,
    )
    decision.session.add(row)
    decision.session.flush()
    content = {"user_id": row.user_id, "scopes": row.scopes, "expires_at": row.expires_at}
    append(decision, "api_token.made", "api_tokens", row.id, content)
    return row, text


def revoke_token(decision: Decision, token_id: str) -> ApiToken:
    """Let a token count no more, as its owner or an admin; one that was revoked stays so."""
    session, by = decision.session, decision.by
    row = session.get_one(ApiToken, token_id, with_for_update=True)
    refuse_unless(
        (row.user_id == by.user_id or by.may(Role.ADMIN), f"{by} is neither its owner nor an admin"),
        action="revoke a token",
    )
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = decision.at, by.reference
        session.flush()
        append(decision, "api_token.revoked", "api_tokens", row.id, {"user_id": row.user_id})
    return row


def token_in_force(session: Session, text: str, at: datetime) -> TokenInForce | None:
    """Return the token that counts at ``at`` (aware) and its user; None: there is none, or the user is disabled."""
    found = session.execute(
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_sha256 == sha256_hex(text.encode()))
    ).one_or_none()
    if found is None:
        return None
    token, user = found[0], found[1]
    counts = token.revoked_at is None and token.created_at <= at < token.expires_at
    return TokenInForce(token, user) if counts and user.disabled_at is None else None
