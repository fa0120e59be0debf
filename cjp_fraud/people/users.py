"""Users: made, granted roles, disabled by an admin, never by themself; and who they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.errors import BadInputError, NotFoundError, refuse_unless
from cjp_fraud.people.model import (
    EVERYTHING,
    INIT,
    Actor,
    Decision,
    GivenIdentity,
    IdentityKind,
    Reach,
    Role,
    require_user_name,
)
from cjp_fraud.people.reach import NEVER_NARROWED
from cjp_fraud.people.tables import Identity, User, UserRole
from cjp_fraud.storage.locks import named_lock

# Asked by every page: made once, since making a statement takes longer than to run it.
_NAMED: Final = select(User).where(User.name == bindparam("name"))
_NAMED_WITH_ROLES: Final = (
    select(User, UserRole)
    .outerjoin(UserRole, (UserRole.user_id == User.id) & UserRole.revoked_at.is_(None))
    .where(User.name == bindparam("name"))
    .order_by(UserRole.role)
)
_ROLES_HELD: Final = (
    select(UserRole)
    .where(UserRole.user_id == bindparam("user_id"), UserRole.revoked_at.is_(None))
    .order_by(UserRole.role)
)


def create_user(
    decision: Decision,
    name: str,
    roles: Iterable[Role],
    *,
    display_name: str | None = None,
    identities: Iterable[GivenIdentity] = (),
) -> User:
    """Put a user with ``roles`` on record; an identity belongs to one user, so that a person has one.

    Parameters
    ----------
    decision : by an admin; by a machine (``init``, this machine's account) only while there is no admin.
    identities : by what the person is known outside; at least one, but at ``init``.

    Raises
    ------
    BadInputError
        If the name is taken or no name, an identity is another user's, or no role or no identity is given.
    Refused
        If whoever makes it is no admin, though there is one.
    """
    session, by = decision.session, decision.by
    named_roles, given = sorted(set(roles)), list(dict.fromkeys(identities))
    require_user_name(name)
    _require_admin(decision, f"create user {name}")
    if not named_roles:
        raise BadInputError(f"user {name!r} needs at least one role: {', '.join(Role)}")
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise BadInputError(f"user {name!r} exists already; cjp-fraud users list shows the roles")
    if by.reference == INIT and not given:
        given = [GivenIdentity(IdentityKind.INIT, name)]
    if not given:
        raise BadInputError(
            f"say who {name} is, so that a person has one user: --identity mail:ADDRESS or account:NAME"
        )
    _require_free(session, given, name)
    user = User(name=name, display_name=display_name, created_at=decision.at, created_by=by.reference)
    session.add(user)
    session.flush()
    session.add_all(_identity(decision, user, each) for each in given)
    session.add_all(_role(decision, user.id, role) for role in named_roles)
    session.flush()
    append(decision, "user.created", "users", user.id, {"roles": named_roles})
    return user


def add_identity(decision: Decision, name: str, identity: GivenIdentity) -> User:
    """Put one more identity of a user on record, as an admin; one that the user has is left as it is.

    A user of ``init`` who had no identity but their name has this one from then on. Whoever has an account may sign in
    by it as this user: so it counts as an invitation does (:func:`cjp_fraud.people.newcomers.grant_faults`).

    Raises
    ------
    NotFoundError
        If nobody has that name.
    BadInputError
        If the identity is another user's.
    Refused
        If whoever adds it is no admin, or it is their own and there is another admin.
    """
    session, by = decision.session, decision.by
    user = user_named(session, name)
    action = f"add an identity to {name}"
    _require_admin(decision, action)
    refuse_unless(
        (
            by.user_id != user.id or _admins(session) == {user.id},
            f"{by} would say who they are themself; another admin must",
        ),
        action=action,
    )
    _require_free(session, [identity], name)
    held = select(Identity.id).where(
        Identity.user_id == user.id, Identity.kind == identity.kind, Identity.value == identity.value
    )
    if session.scalar(held) is None:
        session.add(_identity(decision, user, identity))
        session.flush()
        append(decision, "user.identity_added", "users", user.id, {"kind": identity.kind})
    return user


def grant_role(decision: Decision, name: str, role: Role, reach: Reach = EVERYTHING) -> User:
    """Give a user a role, as an admin, and never to oneself; one that they have is left as it is.

    One that they have with another reach is taken away, and given anew: as an approver they then wait 24 hours.

    Parameters
    ----------
    reach : channels and countries to which it is narrowed; an admin's and an auditor's are not.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    Refused
        Names everything that stands in the way.
    """
    session, by = decision.session, decision.by
    user = user_named(session, name)
    action = f"grant {role} to {name}"
    _require_admin(decision, action)
    refuse_unless(
        (by.user_id != user.id, f"{by} would grant to themself; another admin must"),
        (user.disabled_at is None, f"{name} is disabled"),
        (role not in NEVER_NARROWED or reach.is_everything, NEVER_NARROWED.get(role, "")),
        action=action,
    )
    held = _held(session, user.id, role)
    if held is not None and held.reach == reach:
        return user
    if held is not None:
        held.revoked_at, held.revoked_by = decision.at, decision.by.reference
        session.flush()
    session.add(_role(decision, user.id, role, reach))
    session.flush()
    narrowed = {"channels": sorted(reach.channels), "countries": sorted(reach.countries)}
    content = {"role": role} if reach.is_everything else {"role": role, **narrowed}
    append(decision, "user.role_granted", "users", user.id, content)
    return user


def revoke_role(decision: Decision, name: str, role: Role) -> User:
    """Take a role from a user, as an admin; one that they do not have is gone already.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    Refused
        If whoever asks is no admin, or it would take away the last admin.
    """
    session = decision.session
    user = user_named(session, name)
    action = f"revoke {role} from {name}"
    _require_admin(decision, action)
    held = _held(session, user.id, role)
    if held is not None:
        if role is Role.ADMIN:
            _require_another_admin(session, user, action)
        held.revoked_at, held.revoked_by = decision.at, decision.by.reference
        session.flush()
        append(decision, "user.role_revoked", "users", user.id, {"role": role})
    return user


def follow_roles(decision: Decision, user: User, wanted: Collection[Role], of: Collection[Role]) -> None:
    """Give and take the roles of ``of`` as an outside directory says, so that just those of ``wanted`` are held.

    The last admin stays admin. A role that is given so counts for approvals a day later, as any other.
    """
    for role in sorted(of):
        held = _held(decision.session, user.id, role)
        if role in wanted and held is None:
            decision.session.add(_role(decision, user.id, role))
            decision.session.flush()
            append(decision, "user.role_granted", "users", user.id, {"role": role})
        elif role not in wanted and held is not None:
            if role is Role.ADMIN and _admins(decision.session) == {user.id}:
                continue
            held.revoked_at, held.revoked_by = decision.at, decision.by.reference
            decision.session.flush()
            append(decision, "user.role_revoked", "users", user.id, {"role": role})


def disable_user(decision: Decision, name: str) -> User:
    """Let a user act no more, as an admin; what they did stands.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    Refused
        If whoever asks is no admin, or it is the last one.
    """
    session = decision.session
    user = user_named(session, name)
    action = f"disable {name}"
    _require_admin(decision, action)
    if user.disabled_at is None:
        _require_another_admin(session, user, action)
        user.disabled_at, user.disabled_by = decision.at, decision.by.reference
        session.flush()
        append(decision, "user.disabled", "users", user.id, {})
    return user


def actor_named(session: Session, name: str) -> Actor:
    """Return the person on record under ``name`` with their roles.

    Raises
    ------
    NotFoundError
        If nobody has that name, or who has it is disabled.
    """
    rows = session.execute(_NAMED_WITH_ROLES, {"name": name}).all()
    user = rows[0][0] if rows else user_named(session, name)
    if user.disabled_at is not None:
        raise NotFoundError(f"user {name!r} was disabled at {user.disabled_at:%Y-%m-%d %H:%M:%SZ}")
    return _actor(user, [role for _, role in rows if role is not None])


def actor_of(session: Session, user: User) -> Actor:
    """Return a user as who acts, with the roles that they hold; a disabled one holds none."""
    if user.disabled_at is not None:
        return Actor(name=user.name, user_id=user.id)
    return _actor(user, session.scalars(_ROLES_HELD, {"user_id": user.id}).all())


def _actor(user: User, rows: Sequence[UserRole]) -> Actor:
    return Actor(
        name=user.name,
        user_id=user.id,
        roles=frozenset(row.role for row in rows),
        narrowed=tuple((row.role, row.reach) for row in rows if not row.reach.is_everything),
    )


def user_named(session: Session, name: str) -> User:
    """Return the user on record under ``name``.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    """
    user = session.scalar(_NAMED, {"name": name})
    if user is None:
        raise NotFoundError(
            f"no user {name!r} is on record; cjp-fraud users create {name} --role ROLE --identity mail:ADDRESS "
            "makes one"
        )
    return user


def _role(decision: Decision, user_id: str, role: Role, reach: Reach = EVERYTHING) -> UserRole:
    return UserRole(
        user_id=user_id,
        role=role,
        granted_at=decision.at,
        granted_by=decision.by.reference,
        channels=sorted(reach.channels) or None,
        countries=sorted(reach.countries) or None,
    )


def _identity(decision: Decision, user: User, given: GivenIdentity) -> Identity:
    return Identity(user_id=user.id, kind=given.kind, value=given.value, added_by=decision.by.reference)


def _held(session: Session, user_id: str, role: Role) -> UserRole | None:
    return session.scalar(
        select(UserRole).where(
            UserRole.user_id == user_id, UserRole.role == role, UserRole.revoked_at.is_(None)
        )
    )


def _admins(session: Session) -> set[str]:
    """Return the ids of the users who may administer now."""
    return set(
        session.scalars(
            select(User.id)
            .join(UserRole, UserRole.user_id == User.id)
            .where(UserRole.role == Role.ADMIN, UserRole.revoked_at.is_(None), User.disabled_at.is_(None))
        )
    )


def _require_admin(decision: Decision, action: str) -> None:
    by = decision.by
    refuse_unless(
        (
            by.may(Role.ADMIN) or by.reference == INIT or not (by.is_person or _admins(decision.session)),
            f"{by} is not an admin; give --as ADMIN (cjp-fraud users list shows who is)",
        ),
        action=action,
    )


def _require_another_admin(session: Session, user: User, action: str) -> None:
    admins = _admins(session)
    refuse_unless(
        (user.id not in admins or len(admins) > 1, f"{user.name} is the only admin; make another one first"),
        action=action,
    )


def _require_free(session: Session, given: Iterable[GivenIdentity], name: str) -> None:
    """Refuse identities of which one may be another user's than ``name``: one person is one user."""
    named_lock(session, "identities")
    held: dict[str, list[GivenIdentity]] = defaultdict(list)
    for owner, kind, value in session.execute(
        select(User.name, Identity.kind, Identity.value).join(Identity, Identity.user_id == User.id)
    ):
        held[owner].append(GivenIdentity(kind, value))
    held.pop(name, None)
    for identity in given:
        for owner, identities in held.items():
            known_by = [each for each in identities if each.kind is not IdentityKind.INIT]
            same = next((each for each in known_by or identities if identity.may_be(each)), None)
            if same is not None:
                raise BadInputError(_may_be_the_same(identity, owner, same))


def _may_be_the_same(identity: GivenIdentity, owner: str, other: GivenIdentity) -> str:
    """Say that an identity may be another user's, and what to do if it is not."""
    if identity == other:
        return f"{identity} belongs to user {owner!r}: one person is one user"
    if other.kind is IdentityKind.INIT:
        return (
            f"{identity} may be user {owner!r}, of whom init was told the name alone: one person is one user. If they "
            f"are two, say first who {owner} is: cjp-fraud users identity {owner} mail:ADDRESS --as ADMIN"
        )
    return (
        f"{identity} may belong to user {owner!r}, who is {other}: one person is one user. If they are two, name each "
        "by their mail address: mail:ADDRESS"
    )
