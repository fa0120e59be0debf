"""Who has a case on the screen: each page says so every half minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.people.tables import User
from cjp_fraud.review.queue_tables import CaseViewer
from cjp_fraud.storage.locks import named_lock

# Made once: to make a statement takes longer than to run it.
_VIEWERS: Final = (
    select(User.name)
    .join(CaseViewer, CaseViewer.user_id == User.id)
    .where(
        CaseViewer.case_id == bindparam("case_id"),
        CaseViewer.seen_at > bindparam("since"),
        User.name != bindparam("but"),
    )
    .order_by(User.name)
)

SEEN_FOR: Final = timedelta(seconds=75)
"""How long somebody counts as looking after their page last said so: two times, and a little."""


def note_viewer(session: Session, user_id: str, case_id: str, at: datetime) -> None:
    """Note that somebody looks at a case."""
    named_lock(session, f"viewer {user_id}")
    viewer = session.get(CaseViewer, (case_id, user_id), populate_existing=True)
    if viewer is None:
        session.add(CaseViewer(case_id=case_id, user_id=user_id, seen_at=at))
    else:
        viewer.seen_at = max(viewer.seen_at, at)
    session.flush()


def viewers(session: Session, case_id: str, now: datetime, *, but: str) -> Sequence[str]:
    """Return the names of those who look at a case, but for the user with the name ``but``."""
    return session.scalars(_VIEWERS, {"case_id": case_id, "since": now - SEEN_FOR, "but": but}).all()
