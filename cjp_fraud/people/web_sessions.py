"""Sessions on record: of what a browser keeps, the database holds the digest alone."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from cjp_fraud.digests import sha256_hex
from cjp_fraud.people.session_rules import SECOND_FACTOR_WITHIN, SEEN_EVERY, WHOLE, session_lives
from cjp_fraud.people.tables import User, WebSession

_SESSION_OF: Final = (
    select(WebSession, User)
    .join(User, User.id == WebSession.user_id)
    .where(WebSession.token_sha256 == bindparam("token_sha256"))
)


def begin_session(session: Session, user_id: str, at: datetime) -> str:
    """Put on record that a password was right, and return what the browser keeps; the code is still missing."""
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            user_id=user_id,
            token_sha256=sha256_hex(token.encode()),
            created_at=at,
            second_factor_at=None,
            seen_at=at,
            ends_at=at + SECOND_FACTOR_WITHIN,
            ended_at=None,
        )
    )
    session.flush()
    return token


def complete_session(session: Session, row: WebSession, at: datetime) -> str:
    """Put on record that the code was right, and return what the browser keeps from now on: what it kept ends.

    So whoever had put their own value into the browser beforehand is not signed in with it.
    """
    token = secrets.token_urlsafe(32)
    row.token_sha256 = sha256_hex(token.encode())
    row.second_factor_at, row.seen_at, row.ends_at = at, at, at + WHOLE
    session.flush()
    return token


def session_of(session: Session, token: str, at: datetime) -> tuple[WebSession, User] | None:
    """Return the living session that a browser keeps, with its user; None: there is none, or the user is disabled."""
    found = session.execute(_SESSION_OF, {"token_sha256": sha256_hex(token.encode())}).one_or_none()
    if found is None:
        return None
    row, user = found[0], found[1]
    lives = session_lives(seen_at=row.seen_at, ends_at=row.ends_at, ended_at=row.ended_at, at=at)
    return (row, user) if lives and user.disabled_at is None else None


def seen_lately(row: WebSession, at: datetime) -> bool:
    """Whether the last use on record is exact enough."""
    return at - row.seen_at < SEEN_EVERY


def end_sessions(session: Session, user_id: str, at: datetime) -> None:
    """End all sessions of a user."""
    session.execute(
        update(WebSession)
        .where(WebSession.user_id == user_id, WebSession.ended_at.is_(None))
        .values(ended_at=at)
    )
