"""Users on record, and whether somebody took part in a case."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.errors import BadInputError, NotFoundError
from cjp_fraud.people.model import Actor, Decision, Part, Role
from cjp_fraud.people.tables import Participation, User, UserRole

LATELY = timedelta(days=30)
"""How long an edit of a tenant's addresses or terms bars its editor from approving (the design's "lately")."""


def create_user(session: Session, name: str, roles: Iterable[Role], by: Actor, at: datetime) -> User:
    """Put a user with ``roles`` on record.

    Raises
    ------
    BadInputError
        If the name is taken, empty or a machine's, or no role is given.
    """
    wanted = sorted(set(roles))
    if not name.strip() or name != name.strip() or name.startswith("system"):
        raise BadInputError(f"{name!r} cannot be a user's name: give one that does not start with 'system'")
    if not wanted:
        raise BadInputError(f"user {name!r} needs at least one role: {', '.join(Role)}")
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise BadInputError(f"user {name!r} exists already; cjp-fraud users list shows the roles")
    user = User(name=name, created_at=aware(at))
    session.add(user)
    session.flush()
    session.add_all(UserRole(user_id=user.id, role=role) for role in wanted)
    append(Decision(session, by, at), "user.created", "users", user.id, {"roles": wanted})
    return user


def actor_named(session: Session, name: str) -> Actor:
    """Return the person on record under ``name`` with their roles.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    """
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise NotFoundError(
            f"no user {name!r} is on record; cjp-fraud users create {name} --role ROLE makes one"
        )
    roles = session.scalars(select(UserRole.role).where(UserRole.user_id == user.id))
    return Actor(name=user.name, user_id=user.id, roles=frozenset(roles))


def record_part(
    session: Session, by: Actor, part: Part, tenant_id: str, at: datetime, *, case_id: str | None = None
) -> Participation | None:
    """Record that a person took part and return the row; machines take no part."""
    if by.user_id is None:
        return None
    row = Participation(user_id=by.user_id, part=part, tenant_id=tenant_id, case_id=case_id, at=aware(at))
    session.add(row)
    return row


def took_part(session: Session, by: Actor, case_id: str) -> bool:
    """Whether the person claimed, commented, edited or determined this case at any time."""
    return by.user_id is not None and (
        session.scalar(
            select(Participation.id)
            .where(Participation.user_id == by.user_id, Participation.case_id == case_id)
            .limit(1)
        )
        is not None
    )


def lately_edited_contract(session: Session, by: Actor, tenant_id: str, at: datetime) -> bool:
    """Whether it was recorded in the 30 days before ``at`` that the person edited this tenant's addresses or terms."""
    return by.user_id is not None and (
        session.scalar(
            select(Participation.id)
            .where(
                Participation.user_id == by.user_id,
                Participation.tenant_id == tenant_id,
                Participation.part == Part.EDITED_CONTRACT,
                Participation.recorded_at > aware(at) - LATELY,
            )
            .limit(1)
        )
        is not None
    )
