"""Views of the queue that people keep under a name, for themselves or for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.errors import BadInputError, NotFoundError, refuse_unless
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.people.tables import User
from cjp_fraud.review.queue_tables import SavedView
from cjp_fraud.storage.locks import named_lock

MOST_VIEWS: Final = 50
"""Views that one person may keep."""

_SHARE: Final = (Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL)

_VIEWS: Final = (
    select(SavedView, User.name)
    .join(User, User.id == SavedView.user_id)
    .where(SavedView.removed_at.is_(None), or_(SavedView.user_id == bindparam("reader"), SavedView.shared))
    .order_by(SavedView.name, User.name)
)


@dataclass(frozen=True, slots=True)
class QueueView:
    """A view of the queue.

    Parameters
    ----------
    filters : name of a filter → value, as in the address of the queue.
    owner : who keeps it.
    """

    id: str
    name: str
    filters: Mapping[str, str]
    owner: str
    shared: bool


def keep_view(decision: Decision, name: str, filters: Mapping[str, str], *, shared: bool) -> SavedView:
    """Keep filters under a name; the same person's view of that name is replaced.

    That it is shared, or no longer, is in the log.

    Raises
    ------
    BadInputError
        If the name is empty or too long.
    Refused
        If the person keeps too many views, or shares one and works on no cases.
    """
    session, by = decision.session, decision.by
    named = " ".join(name.split())
    if not 1 <= len(named) <= 80:
        raise BadInputError("give the view a name of 1 to 80 characters")
    named_lock(session, f"views {by.reference}")
    own = session.scalars(
        select(SavedView).where(SavedView.user_id == by.reference, SavedView.removed_at.is_(None))
    ).all()
    view = next((view for view in own if view.name == named), None)
    refuse_unless(
        (not shared or by.may(*_SHARE), f"{by} is neither analyst, reviewer, approver nor counsel"),
        (view is not None or len(own) < MOST_VIEWS, f"{by} keeps {MOST_VIEWS} views; remove one"),
        action="keep the view",
    )
    if view is None:
        view = SavedView(user_id=by.reference, name=named)
        session.add(view)
    was_shared = bool(view.shared)
    view.filters = {name: value for name, value in filters.items() if value}
    view.shared = shared
    session.flush()
    if shared or was_shared:
        append(decision, "queue_view.shared", SavedView.__tablename__, view.id, {"shared": shared})
    return view


def remove_view(decision: Decision, view_id: str) -> SavedView:
    """Remove a view of one's own or, as an admin, one that somebody shares; one that is removed already stays so.

    That a shared one was removed is in the log.

    Raises
    ------
    NotFoundError
        If there is no such view, or somebody else keeps it for themself.
    Refused
        If somebody else shares it, and the person is no admin.
    """
    session, by = decision.session, decision.by
    view = session.get(SavedView, view_id, with_for_update=True, populate_existing=True)
    if view is None or not (view.shared or view.user_id == by.reference):
        raise NotFoundError(f"{by} keeps no view {view_id!r}")
    refuse_unless(
        (view.user_id == by.reference or by.may(Role.ADMIN), f"{by} is neither its owner nor an admin"),
        action="remove the view",
    )
    if view.removed_at is not None:
        return view
    view.removed_at = decision.at
    session.flush()
    if view.shared:
        append(decision, "queue_view.removed", SavedView.__tablename__, view.id, {"owner": view.user_id})
    return view


def views_for(session: Session, reader: Actor | None) -> tuple[QueueView, ...]:
    """Return a person's own views and those that others share, by name; None: those that anybody shares."""
    rows = session.execute(_VIEWS, {"reader": reader.reference if reader is not None else None})
    return tuple(view_of(view, owner) for view, owner in rows)


def view_of(row: SavedView, owner: str) -> QueueView:
    """Return a row as it is shown; ``owner``: the name of who keeps it."""
    return QueueView(row.id, row.name, row.filters, owner, row.shared)
