"""Who took part in which case, or edited which tenant's contract data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.recording import insert_rows
from cjp_fraud.clock import aware
from cjp_fraud.people.model import INIT, TAKING_PART, Actor, Decision, IdentityKind, Part, Role
from cjp_fraud.people.newcomers import Grant, grant_faults
from cjp_fraud.people.tables import Identity, LocalAccount, Participation, User, UserRole
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.many_rows import new_row
from cjp_fraud.storage.read_rows import rows_kept

# Made once: to make a statement takes longer than to run it.
_PARTS: Final = select(Participation.part).where(
    Participation.user_id == bindparam("user_id"), Participation.case_id == bindparam("case_id")
)

LATELY = timedelta(days=30)
"""How long an edit of a tenant's addresses or terms bars its editor from approving (the design's "lately")."""


def record_part(
    session: Session, by: Actor, part: Part, tenant_id: str, at: datetime, *, case_id: str | None = None
) -> Participation | None:
    """Record that a person took part and return the row; machines take no part."""
    if by.user_id is None:
        return None
    row = Participation(user_id=by.user_id, part=part, tenant_id=tenant_id, case_id=case_id, at=aware(at))
    session.add(row)
    return row


def record_parts(decision: Decision, part: Part, tenant_ids: Collection[str]) -> dict[str, Participation]:
    """Record at once that a person took part in something of many tenants; returns each tenant's row."""
    by, at = decision.by, aware(decision.at)
    if by.user_id is None:
        return {}
    rows = {
        tenant_id: new_row(
            Participation, id=new_id(), user_id=by.user_id, part=part, tenant_id=tenant_id, at=at
        )
        for tenant_id in tenant_ids
    }
    insert_rows(decision.session, rows.values())
    return rows


def took_part(session: Session, by: Actor, case_id: str) -> bool:
    """Whether the person claimed, commented, edited or determined this case at any time."""
    return bool(parts_taken(session, by, case_id) & TAKING_PART)


def parts_taken(session: Session, by: Actor, case_id: str) -> frozenset[Part]:
    """Return all that the person ever did about this case, approving and reaffirming too."""
    if by.user_id is None:
        return frozenset()
    kept = rows_kept(session, Participation, case_id)
    if kept is not None:
        return frozenset(row.part for row in kept if row.user_id == by.user_id)
    return frozenset(session.scalars(_PARTS, {"user_id": by.user_id, "case_id": case_id}))


def deciders(session: Session, case_id: str) -> frozenset[str]:
    """Return the ids of all who took part in a case or approved in it."""
    parts = [*sorted(TAKING_PART), Part.APPROVED]
    return frozenset(
        session.scalars(
            select(Participation.user_id).where(
                Participation.case_id == case_id, Participation.part.in_(parts)
            )
        )
    )


def newcomer_faults(
    session: Session, by: Actor, role: Role, case_id: str | None, at: datetime
) -> tuple[str, ...]:
    """Return why a person is too new in a role to approve with it; none: they are not.

    The rule is :func:`cjp_fraud.people.newcomers.grant_faults`.

    Parameters
    ----------
    case_id : the case that is approved, reaffirmed or decided on; None: no case.
    at : the moment of the act, aware.
    """
    if by.user_id is None:
        return ()
    user = session.get(User, by.user_id)
    if user is None:
        return (f"{by} is not on record",)
    held = session.scalar(
        select(UserRole).where(
            UserRole.user_id == by.user_id, UserRole.role == role, UserRole.revoked_at.is_(None)
        )
    )
    grants = [Grant(f"the user {user.name}", user.recorded_at, user.created_by)]
    if held is not None:
        grants.append(Grant(f"{user.name}'s role {role}", held.recorded_at, held.granted_by))
    account = session.scalar(select(LocalAccount).where(LocalAccount.user_id == by.user_id))
    # Whoever invites a user could use the invitation themself, and be the second person.
    if account is not None and account.password_set_at is not None and account.password_set_at <= aware(at):
        # A machine invites only while nobody has a password.
        maker = INIT if account.invited_by.startswith("system:") else account.invited_by
        grants.append(Grant(f"{user.name}'s password", account.password_set_at, maker))
    # And whoever adds an account to a user could sign in by it, at the provider.
    grants += [
        Grant(f"{user.name}'s account {row.value}", row.recorded_at, row.added_by)
        for row in _accounts_added(session, user, at)
    ]
    took_part: set[str] = set()
    if case_id is not None:
        of_case = select(Participation.user_id).where(Participation.case_id == case_id)
        took_part = set(session.scalars(of_case))
    return grant_faults(grants, took_part, lambda people: _admins_behind(session, people), at)


def _accounts_added(session: Session, user: User, at: datetime) -> Sequence[Identity]:
    """Return the accounts that were on record at ``at`` and not given when the user was made."""
    return session.scalars(
        select(Identity)
        .where(
            Identity.user_id == user.id,
            Identity.kind == IdentityKind.ACCOUNT,
            Identity.recorded_at > user.recorded_at,
            Identity.recorded_at <= aware(at),
        )
        .order_by(Identity.id)
    ).all()


def _admins_behind(session: Session, people: Collection[str]) -> set[str]:
    """Return who made these people, and who made them admins."""
    made = session.scalars(select(User.created_by).where(User.id.in_(people)))
    granted = session.scalars(
        select(UserRole.granted_by).where(UserRole.user_id.in_(people), UserRole.role == Role.ADMIN)
    )
    return {*made, *granted}


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
