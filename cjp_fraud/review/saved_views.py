"""Views of the queue that people keep under a name, for themselves or for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.errors import BadInputError, NotFoundError, refuse_unless
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.people.tables import User
from cjp_fraud.review.queue_tables import SavedView
from cjp_fraud.storage.locks import named_lock

MOST_VIEWS: Final = 50
"""Views that one person may keep."""

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

    Raises
    ------
    BadInputError
        If the name is empty or too long.
    Refused
        If the person keeps too many views.
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
        (view is not None or len(own) < MOST_VIEWS, f"{by} keeps {MOST_VIEWS} views; remove one"),
        action="keep the view",
    )
    if view is None:
        view = SavedView(user_id=by.reference, name=named)
        session.add(view)
    view.filters = {name: value for name, value in filters.items() if value}
    view.shared = shared
    session.flush()
    return view


def remove_view(decision: Decision, view_id: str) -> None:
    """Remove a view of one's own; one that is removed already stays so.

    Raises
    ------
    NotFoundError
        If the person has no such view.
    """
    view = decision.session.get(SavedView, view_id)
    if view is None or view.user_id != decision.by.reference:
        raise NotFoundError(f"{decision.by} keeps no view {view_id!r}")
    view.removed_at = view.removed_at or decision.at
    decision.session.flush()


def views_for(session: Session, reader: Actor) -> tuple[QueueView, ...]:
    """Return a person's own views and those that others share, by name."""
    rows = session.execute(_VIEWS, {"reader": reader.reference})
    return tuple(QueueView(view.id, view.name, view.filters, owner, view.shared) for view, owner in rows)
