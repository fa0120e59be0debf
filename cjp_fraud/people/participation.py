"""Who took part in which case, or edited which tenant's contract data."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.people.model import INIT, NEW_FOR, TAKING_PART, Actor, Part, Role
from cjp_fraud.people.tables import Participation, User, UserRole

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


def took_part(session: Session, by: Actor, case_id: str) -> bool:
    """Whether the person claimed, commented, edited or determined this case at any time."""
    return bool(parts_taken(session, by, case_id) & TAKING_PART)


def parts_taken(session: Session, by: Actor, case_id: str) -> frozenset[Part]:
    """Return all that the person ever did about this case, approving and reaffirming too."""
    if by.user_id is None:
        return frozenset()
    return frozenset(
        session.scalars(
            select(Participation.part).where(
                Participation.user_id == by.user_id, Participation.case_id == case_id
            )
        )
    )


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

    A user and a role count 24 hours after they were recorded, and never in a case in which their maker took part, or
    whoever made their maker, and so on. What was given at the deployment's ``init`` counts from the first moment on.

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
    made = [(f"the user {user.name}", user.recorded_at, user.created_by)]
    if held is not None:
        made.append((f"{user.name}'s role {role}", held.recorded_at, held.granted_by))
    faults = []
    for what, recorded_at, maker in made:
        if maker == INIT:
            continue
        if aware(at) < recorded_at + NEW_FOR:
            faults.append(f"{what} was made less than 24 hours before")
        if case_id is not None and _goes_back_to_a_participant(session, maker, case_id):
            faults.append(f"{what} was made by somebody who took part in the case, or goes back to them")
    return tuple(faults)


def _goes_back_to_a_participant(session: Session, maker: str, case_id: str) -> bool:
    """Whether a maker, or anybody to whom their being an admin goes back, took part in the case."""
    took_part = set(session.scalars(select(Participation.user_id).where(Participation.case_id == case_id)))
    ancestors, fresh = set[str](), {maker}
    while fresh:
        ancestors |= fresh
        made = session.scalars(select(User.created_by).where(User.id.in_(fresh)))
        granted = session.scalars(
            select(UserRole.granted_by).where(UserRole.user_id.in_(fresh), UserRole.role == Role.ADMIN)
        )
        fresh = {*made, *granted} - ancestors
    return bool(ancestors & took_part)


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
