"""Users, their identities and roles."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.restriction import CHANNELS
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.people import users
from cjp_fraud.people.model import Decision, GivenIdentity, Reach, Role, machine
from cjp_fraud.people.tables import Identity, User, UserRole
from cjp_fraud.storage.database import reading, transaction

THIS_MACHINE = machine("account-of-this-machine")
"""Who makes users while there is no admin."""


@dataclass(frozen=True, slots=True)
class UserView:
    """A person who may act, or may no more.

    Parameters
    ----------
    roles : held now; of a disabled user, held then.
    identities : ``kind:value``.
    narrowed : ``approver: voice; FR``, one for each of them that is narrowed.
    created_by : user name, or ``system:task``.
    """

    name: str
    display_name: str | None
    roles: tuple[Role, ...]
    narrowed: tuple[str, ...]
    identities: tuple[str, ...]
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    id: str


def create_user(
    deployment: Deployment,
    by: str | None,
    now: datetime,
    name: str,
    roles: Collection[Role],
    *,
    identities: Collection[str] = (),
    display_name: str | None = None,
) -> UserView:
    """Put a user on record with one or more roles and identities (``mail:ada@provider.example``).

    Parameters
    ----------
    by : an admin; None: the account of this machine, while there is no admin.

    Raises
    ------
    BadInputError
        If the name or an identity is taken or not one, or no role is given.
    Refused
        If whoever makes it is no admin.
    """
    given = [GivenIdentity.parse(text) for text in identities]

    def make(decision: Decision) -> User:
        return users.create_user(decision, name, roles, display_name=display_name, identities=given)

    return _changed(deployment, by, now, make)


def add_identity(deployment: Deployment, by: str | None, now: datetime, name: str, identity: str) -> UserView:
    """Put one more identity of a user on record (``mail:ada@provider.example``), as an admin."""
    given = GivenIdentity.parse(identity)
    return _changed(deployment, by, now, lambda decision: users.add_identity(decision, name, given))


def grant_role(
    deployment: Deployment,
    by: str | None,
    now: datetime,
    name: str,
    role: Role,
    *,
    channels: Collection[str] = (),
    countries: Collection[str] = (),
) -> UserView:
    """Give a user a role, as an admin, and never to oneself; one that they have is given anew with another reach.

    Parameters
    ----------
    channels, countries : of the cases to which it is narrowed (countries of the tenants, ISO 3166-1); none: to none.

    Raises
    ------
    BadInputError
        If there is no such channel, or a country is not two letters.
    """
    reach = Reach(frozenset(channels), frozenset(code.upper() for code in countries))
    if strangers := sorted(reach.channels - set(CHANNELS)):
        raise BadInputError(f"{', '.join(strangers)}: channels are {', '.join(CHANNELS)}")
    if strangers := sorted(code for code in reach.countries if not re.fullmatch("[A-Z]{2}", code)):
        raise BadInputError(f"{', '.join(strangers)}: countries are two letters each, as FR")
    return _changed(deployment, by, now, lambda decision: users.grant_role(decision, name, role, reach))


def revoke_role(deployment: Deployment, by: str | None, now: datetime, name: str, role: Role) -> UserView:
    """Take a role from a user, as an admin."""
    return _changed(deployment, by, now, lambda decision: users.revoke_role(decision, name, role))


def disable_user(deployment: Deployment, by: str | None, now: datetime, name: str) -> UserView:
    """Let a user act no more, as an admin."""
    return _changed(deployment, by, now, lambda decision: users.disable_user(decision, name))


def list_users(deployment: Deployment) -> tuple[UserView, ...]:
    """Return the users by name, with their roles."""
    with reading(deployment.engine) as session:
        return _views(session)


def _changed(
    deployment: Deployment, by: str | None, now: datetime, change: Callable[[Decision], User]
) -> UserView:
    if by is not None:
        with deployment.deciding(by, now) as decision:
            return _view_after(decision, change)
    with transaction(deployment.engine) as session:
        return _view_after(Decision(session, THIS_MACHINE, now), change)


def _view_after(decision: Decision, change: Callable[[Decision], User]) -> UserView:
    user = change(decision)
    return next(view for view in _views(decision.session) if view.id == user.id)


def _views(session: Session) -> tuple[UserView, ...]:
    roles: dict[str, list[UserRole]] = defaultdict(list)
    held = select(UserRole).where(UserRole.revoked_at.is_(None))
    for row in session.scalars(held.order_by(UserRole.role)):
        roles[row.user_id].append(row)
    identities: dict[str, list[str]] = defaultdict(list)
    for identity in session.scalars(select(Identity).order_by(Identity.kind, Identity.value)):
        identities[identity.user_id].append(f"{identity.kind}:{identity.value}")
    on_record = session.scalars(select(User).order_by(User.name)).all()
    names = {user.id: user.name for user in on_record}
    return tuple(
        UserView(
            name=user.name,
            display_name=user.display_name,
            roles=tuple(row.role for row in roles[user.id]),
            narrowed=tuple(
                f"{row.role}: {row.reach}" for row in roles[user.id] if not row.reach.is_everything
            ),
            identities=tuple(identities[user.id]),
            created_at=user.created_at,
            created_by=names.get(user.created_by, user.created_by),
            disabled_at=user.disabled_at,
            id=user.id,
        )
        for user in on_record
    )
