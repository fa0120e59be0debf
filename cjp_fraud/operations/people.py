"""Users and their roles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cjp_fraud.deployment import Deployment
from cjp_fraud.people import participation
from cjp_fraud.people.model import Role, machine
from cjp_fraud.people.tables import User, UserRole
from cjp_fraud.storage.database import reading, transaction


@dataclass(frozen=True, slots=True)
class UserView:
    """A person who may act."""

    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    id: str


def create_user(deployment: Deployment, now: datetime, name: str, roles: Collection[Role]) -> UserView:
    """Put a user on record with one or more roles, as the account of this machine.

    Raises
    ------
    BadInputError
        If the name is taken, empty or a machine's, or no role is given.
    """
    with transaction(deployment.engine) as session:
        user = participation.create_user(session, name, roles, machine("account-of-this-machine"), now)
        return UserView(user.name, tuple(sorted(set(roles))), user.created_at, user.id)


def list_users(deployment: Deployment) -> tuple[UserView, ...]:
    """Return the users by name, with their roles."""
    with reading(deployment.engine) as session:
        roles: dict[str, list[Role]] = {}
        for user_id, role in session.execute(select(UserRole.user_id, UserRole.role).order_by(UserRole.role)):
            roles.setdefault(user_id, []).append(role)
        return tuple(
            UserView(user.name, tuple(roles.get(user.id, ())), user.created_at, user.id)
            for user in session.scalars(select(User).order_by(User.name))
        )
