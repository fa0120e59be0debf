"""Users for tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from cjp_fraud.people.model import INIT, Actor, Decision, Role
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import create_user


def a_user(session: Session, name: str, roles: Iterable[Role], at: datetime) -> User:
    """Put a user on record as ``init`` does, so that nothing waits for the first 24 hours to pass."""
    return create_user(Decision(session, Actor(INIT), at), name, roles)
